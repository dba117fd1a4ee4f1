import type { EndpointId, JobId, OwnerId, WorkerId } from '../base/ids.ts';
import type { JobState } from './job-state.ts';

/** What a client may say of how its job is to be run. */
export interface JobPolicy {
  /** Longest run of one attempt; null: the endpoint's `request_timeout` as it is when the attempt begins. */
  readonly executionTimeoutMs: number | null;
  /** Longest wait for a worker. What runs is never ended by it. */
  readonly ttlMs: number;
  /** Taken only while no other job waits. */
  readonly lowPriority: boolean;
}

export const DEFAULT_JOB_TTL_MS = 24 * 3_600_000;

/** How one attempt ended, where it did not answer the job; kept so that a FAILED job can tell all of them. */
export interface LostAttempt {
  readonly attempt: number;
  readonly workerId: WorkerId;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly reason: string;
}

/** A job as it is kept. Its input and its output are JSON texts, passed on as they came. */
export interface Job {
  readonly id: JobId;
  readonly endpointId: EndpointId;
  readonly ownerId: OwnerId;
  /** Order of arrival over all endpoints; renewed by `retry`. */
  readonly sequence: number;
  readonly state: JobState;
  readonly policy: JobPolicy;
  readonly webhook: string | null;
  readonly enqueuedAtMs: number;
  /** When it is no longer waited for. */
  readonly expiresAtMs: number;
  /** Attempts begun, the running one included: the fencing number of its lease. */
  readonly attempt: number;
  /** Times that its owner asked for it again. */
  readonly retries: number;
  /** Of the running attempt, or of the last one; null before the first. */
  readonly workerId: WorkerId | null;
  readonly revision: number | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly lost: readonly LostAttempt[];
  /** JSON text of what the worker returned; null until then, and where it returned an error. */
  readonly output: string | null;
  /** Why it failed, was cancelled or timed out, in words; the worker's own where it said some. */
  readonly error: string | null;
}

/** Names the news of a job's end: one that is asked for again ends again, and that is other news. */
export function deliveryId({ id, retries }: { readonly id: string; readonly retries: number }): string {
  return `${id}.${retries}`;
}

const RETRY_MARK = '-r';

/**
 * The id a worker is given. A job that its owner asked for again has another one than before, so
 * that an answer to the former run is not taken for one to this run, even from the same worker.
 */
export function handedJobId(jobId: JobId, retries: number): string {
  return retries === 0 ? jobId : `${jobId}${RETRY_MARK}${retries}`;
}
