import type { WorkerId } from '../../base/ids.ts';
import type { RolloutEvent } from '../../model/rollout-state.ts';
import { workerIsLive } from '../../model/worker-state.ts';
import type { EndpointWorld, WorkerView } from '../world.ts';

export interface RolloutStep {
  /** The one change of the rollout's state, or null: nothing to change now. */
  readonly event: RolloutEvent | null;
  readonly message: string;
  readonly mode?: 'surge' | 'swap' | 'cold';
  /** Start one worker of the target; it may use the devices of `claimFrom` once those are gone. */
  readonly startTarget: boolean;
  readonly drain: readonly WorkerId[];
  /** Workers of the target to stop, and swapped ones to take back into service. */
  readonly stop: readonly WorkerId[];
  readonly withdrawDrain: readonly WorkerId[];
  /** Start one stable worker in the target's place: a swap that failed gives the devices back. */
  readonly restoreStable: boolean;
  readonly lookAgainAtMs: number | null;
}

/** Nothing changes, and only an event can alter that. */
export const NO_STEP: RolloutStep = {
  event: null,
  message: '',
  startTarget: false,
  drain: [],
  stop: [],
  withdrawDrain: [],
  restoreStable: false,
  lookAgainAtMs: null,
};
export const PAUSED_MESSAGE = 'paused; it goes on when it is resumed';
export const PAUSED: RolloutStep = { ...NO_STEP, message: PAUSED_MESSAGE };

/** Workers that serve now and are not of the target: what a swap takes from and a surge stands beside. */
export function servingOthers(world: EndpointWorld): readonly WorkerView[] {
  return world.workers.filter(
    (worker) =>
      worker.revision !== world.targetRevision &&
      (workerIsLive(worker.state) || worker.state === 'unhealthy') &&
      world.revisions.get(worker.revision)?.failed !== true,
  );
}

export function giveUp(world: EndpointWorld, target: readonly WorkerView[], why: string): RolloutStep {
  const { rollout } = world;
  // After a swap, and for a request that woke the endpoint, the stable revision takes the place back
  // at once; beside a surge it never left.
  const stableServes = world.workers.some(
    (worker) => worker.revision === world.stableRevision && workerIsLive(worker.state),
  );
  return {
    ...NO_STEP,
    event: 'gaveUp',
    message: why,
    stop: target.map((worker) => worker.id),
    restoreStable: rollout?.mode === 'swap' && !stableServes,
  };
}
