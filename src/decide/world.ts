import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { EndpointSettings, Rollout } from '../model/endpoint.ts';
import type { RolloutOptions } from '../model/rollout-options.ts';
import type { WorkerState } from '../model/worker-state.ts';
import type { GuardReport } from '../model/guard-report.ts';
import type { LoadModel } from './autoscale/load-model.ts';

/** What is known of one worker at the moment of a decision. */
export interface WorkerView {
  readonly id: WorkerId;
  readonly revision: number;
  readonly state: WorkerState;
  /** Requests it runs now. */
  readonly running: number;
  readonly runningSinceMs: readonly number[];
  /** Since when it runs nothing; null while it runs something or is not ready. */
  readonly idleSinceMs: number | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly readyAtMs: number | null;
  readonly unhealthySinceMs: number | null;
  /** Since when it drains, in the state `draining` alone. */
  readonly drainingSinceMs: number | null;
}

export interface RevisionView {
  readonly number: number;
  /** Marked as failed: it gets no request and no new worker. */
  readonly failed: boolean;
  readonly startTimeMs: number | null;
  /** Devices that a new worker of it could take now, as a number of workers; Infinity for `cpu`. */
  readonly roomWorkers: number;
  readonly productId: string;
  readonly devicesPerWorker: number;
}

/** The rollout's options in force, shares already counted out in workers. */
export interface PlanOptions extends Omit<RolloutOptions, 'maxSurge' | 'firstStep' | 'guard'> {
  /** Workers above the wanted number during a rollout; 0 replaces strictly in place. */
  readonly maxSurge: number;
  readonly firstStep: number;
  /** A worker that is not ready this long after its start has failed. */
  readonly startDeadlineMs: number;
}

/** One endpoint as the pure decisions see it. */
export interface EndpointWorld {
  readonly endpointId: EndpointId;
  readonly settings: EndpointSettings;
  readonly deleting: boolean;
  readonly stableRevision: number;
  readonly targetRevision: number | null;
  readonly rollout: Rollout | null;
  readonly revisions: ReadonlyMap<number, RevisionView>;
  /** Those that are not over. */
  readonly workers: readonly WorkerView[];
  readonly waiting: number;
  /** Arrival times of the waiting, oldest first; possibly not all of them. */
  readonly waitingSinceMs: readonly number[];
  readonly earliestDeadlineMs: number | null;
  /** What the endpoint's traffic has taught, as of its present settings. */
  readonly load: LoadModel;
  /** What the guard says of the target; null while none of its workers was ready. */
  readonly guard: GuardReport | null;
  /** Starts that failed in a row, without a worker that became ready in between. */
  readonly startFailures: number;
  /** No start before this time: the back-off of a crash loop. */
  readonly notBeforeMs: number;
  readonly options: PlanOptions;
}

/** A reason as data: a stable code for counting, a sentence for people, and the numbers it was decided by. */
export interface Reason {
  readonly code: string;
  readonly text: string;
  readonly numbers: Readonly<Record<string, number>>;
}

export function reason(code: string, text: string, numbers: Readonly<Record<string, number>> = {}): Reason {
  return { code, text, numbers };
}

/** The earlier of two times of which either may be unset. */
export function earlier(first: number | null, second: number | null): number | null {
  if (first === null) return second;
  if (second === null) return first;
  return Math.min(first, second);
}

/** "1 worker" or "2 workers". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** "1.2 s" or "350 ms": how a duration is shown in reasons. */
export function seconds(durationMs: number): string {
  return durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(1)} s`;
}
