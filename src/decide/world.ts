import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { EndpointSettings, Rollout } from '../model/endpoint.ts';
import type { WorkerState } from '../model/worker-state.ts';

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

/** What the target answered while it is being proven, and the stable revision beside it. */
export interface BakeSample {
  readonly targetAnswered: number;
  readonly targetFailed: number;
  readonly stableAnswered: number;
  readonly stableFailed: number;
}

export interface RolloutOptions {
  /** Workers above the wanted number during a rollout; 0 replaces strictly in place. */
  readonly maxSurge: number;
  readonly bakeMs: number;
  readonly bakeRequests: number;
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
  /** Mean time a request holds its slot; null before the first one ended. */
  readonly serviceTimeMs: number | null;
  readonly bake: BakeSample;
  /** Starts that failed in a row, without a worker that became ready in between. */
  readonly startFailures: number;
  /** No start before this time: the back-off of a crash loop. */
  readonly notBeforeMs: number;
  readonly options: RolloutOptions;
}

/** A reason as data: a stable code for counting, and a sentence with its numbers for people. */
export interface Reason {
  readonly code: string;
  readonly text: string;
}

export function reason(code: string, text: string): Reason {
  return { code, text };
}

/** The earlier of two times of which either may be unset. */
export function earlier(first: number | null, second: number | null): number | null {
  if (first === null) return second;
  if (second === null) return first;
  return Math.min(first, second);
}

/** "1.2 s" or "350 ms": how a duration is shown in reasons. */
export function seconds(durationMs: number): string {
  return durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(1)} s`;
}
