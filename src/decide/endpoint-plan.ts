import { rolloutIsOver } from '../model/rollout-state.ts';
import { workerIsLive } from '../model/worker-state.ts';
import { neededWorkers, type Need } from './autoscale/needed-workers.ts';
import { CRASH_LOOP_FAILURES } from './retry/start-backoff.ts';
import { firstIsExtra } from './rollout/first-worker.ts';
import { NO_STEP, type RolloutStep } from './rollout/rollout-step.ts';
import { rolloutStep } from './rollout/step.ts';
import { drainCuts, type WorkerCut } from './scale/drain-deadline.ts';
import { leaveAll, workerPlan, type WorkerPlan } from './scale/worker-plan.ts';
import { earlier, reason, type EndpointWorld, type WorkerView } from './world.ts';

export interface EndpointPlan {
  readonly need: Need;
  /** Applied first; when it changes the rollout's state, the plan is made anew before anything else. */
  readonly rollout: RolloutStep;
  readonly workers: WorkerPlan;
  /** Draining workers whose running requests are closed. */
  readonly cut: readonly WorkerCut[];
  /** Why requests are refused at once instead of waiting; null when they may wait. */
  readonly refusal: {
    readonly code: 'ENDPOINT_PAUSED' | 'ENDPOINT_FAILED' | 'SERVERLESS_ENDPOINT_NOT_FOUND';
    readonly retryAtMs: number | null;
  } | null;
  /** Ask again at this time even if nothing happens; null: only an event can change the answer. */
  readonly lookAgainAtMs: number | null;
}

/** The whole decision for one endpoint: how many workers, of which revision, and what the rollout does next. */
export function planEndpoint(world: EndpointWorld, nowMs: number): EndpointPlan {
  if (world.deleting) return farewell(world, nowMs);
  const serving = servingWorkers(world);
  // Those that `workerPlan` holds against the need: counted here alone, an extra one would ask for another.
  const extra = firstIsExtra(world) ? world.targetRevision : null;
  const counted: WorkerView[] = [];
  let runningBeside = 0;
  for (const worker of serving) {
    if (worker.revision === extra) runningBeside += worker.running;
    else counted.push(worker);
  }
  const need = neededWorkers(world, counted, nowMs, runningBeside);
  const rollout = rolloutStep(world, need.workers, nowMs);
  const workers = workerPlan(world, need, nowMs);
  const drains = drainCuts(world, nowMs);
  return {
    need,
    rollout,
    workers,
    cut: drains.cut,
    refusal: refusal(world, serving, nowMs),
    lookAgainAtMs: earlier(
      earlier(need.lookAgainAtMs, drains.lookAgainAtMs),
      earlier(rollout.lookAgainAtMs, workers.lookAgainAtMs),
    ),
  };
}

/** Ready workers and those on their way to it, of revisions that may serve. */
function servingWorkers(world: EndpointWorld): readonly WorkerView[] {
  return world.workers.filter(
    (worker) => workerIsLive(worker.state) && world.revisions.get(worker.revision)?.failed !== true,
  );
}

function refusal(
  world: EndpointWorld,
  serving: readonly WorkerView[],
  nowMs: number,
): EndpointPlan['refusal'] {
  if (world.settings.maxReplicas === 0) return { code: 'ENDPOINT_PAUSED', retryAtMs: null };
  const proving = world.rollout !== null && !rolloutIsOver(world.rollout.state);
  const looping = world.startFailures >= CRASH_LOOP_FAILURES && nowMs < world.notBeforeMs && !proving;
  if (looping && serving.length === 0) return { code: 'ENDPOINT_FAILED', retryAtMs: world.notBeforeMs };
  return null;
}

/** A deleted endpoint: running requests finish, nothing starts. */
function farewell(world: EndpointWorld, nowMs: number): EndpointPlan {
  const why = reason('deleted', 'the endpoint was deleted');
  const drains = drainCuts(world, nowMs);
  return {
    need: { workers: 0, reason: why, lookAgainAtMs: null },
    rollout: NO_STEP,
    workers: leaveAll(world, why),
    cut: drains.cut,
    refusal: { code: 'SERVERLESS_ENDPOINT_NOT_FOUND', retryAtMs: null },
    lookAgainAtMs: drains.lookAgainAtMs,
  };
}
