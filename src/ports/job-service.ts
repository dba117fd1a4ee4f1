import type { Job, JobPolicy } from '../model/job.ts';
import type { JobState } from '../model/job-state.ts';
import type { Caller } from './endpoint-service.ts';
import type { JobSummary, WebhookDelivery } from './job-store.ts';

/** Which endpoint's jobs: its id, and its app name where the address has one. */
export interface JobEndpoint {
  readonly endpointId: string;
  readonly appName: string | null;
}

export interface JobOrder {
  /** JSON text. */
  readonly input: string;
  readonly policy: Partial<JobPolicy>;
  readonly webhook: string | null;
  /** With it, the same order is run once; `digest` tells another order under the same key. */
  readonly once: { readonly key: string; readonly digest: string } | null;
}

/** A job as its client sees it. */
export interface JobView {
  readonly job: Job;
  /** JSON text of the last progress of the running attempt; null where there was none. */
  readonly progress: string | null;
}

export interface JobHealth {
  readonly jobs: {
    readonly completed: number;
    readonly failed: number;
    readonly inProgress: number;
    readonly inQueue: number;
    readonly retried: number;
  };
  readonly workers: {
    readonly idle: number;
    readonly initializing: number;
    readonly ready: number;
    readonly running: number;
    readonly throttled: number;
    readonly unhealthy: number;
  };
}

export interface StreamView {
  readonly state: JobState;
  /** JSON texts. */
  readonly parts: readonly string[];
  /** The number of the part after these, for a caller that counts. */
  readonly next: number;
}

/**
 * What clients of async endpoints do with jobs. Rejects with SERVERLESS_ENDPOINT_NOT_FOUND for an
 * endpoint that is not there or not async, FORBIDDEN for another owner's, JOB_NOT_FOUND for a job
 * that is not one of this endpoint.
 */
export interface JobService {
  /** Resolves when the job is on disk. QUEUE_FULL, ENDPOINT_PAUSED, IDEMPOTENCY_KEY_REUSED, SHUTTING_DOWN. */
  run(
    endpoint: JobEndpoint,
    order: JobOrder,
    caller: Caller,
  ): Promise<{ readonly id: string; readonly state: JobState }>;
  /** The job as it is; with `waitMs`, as it is when it has ended or that time is over. */
  status(
    endpoint: JobEndpoint,
    jobId: string,
    caller: Caller,
    wait?: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<JobView>;
  /** Parts from number `from` on; null: those that no such call has had yet. */
  stream(endpoint: JobEndpoint, jobId: string, from: number | null, caller: Caller): Promise<StreamView>;
  /** A job that has ended stays as it is. */
  cancel(endpoint: JobEndpoint, jobId: string, caller: Caller): Promise<JobView>;
  /** JOB_STATE unless it failed or timed out. */
  retry(endpoint: JobEndpoint, jobId: string, caller: Caller): Promise<JobView>;
  /** Cancels all that wait; returns how many. */
  purge(endpoint: JobEndpoint, caller: Caller): Promise<number>;
  health(endpoint: JobEndpoint, caller: Caller): JobHealth;
  /** Newest first. */
  list(
    endpoint: JobEndpoint,
    query: {
      readonly state: JobState | null;
      readonly beforeSequence: number | null;
      readonly limit: number;
    },
    caller: Caller,
  ): Promise<readonly JobSummary[]>;
  /** The webhook's deliveries of a job, newest first. */
  deliveries(endpoint: JobEndpoint, jobId: string, caller: Caller): Promise<readonly WebhookDelivery[]>;
  replay(endpoint: JobEndpoint, jobId: string, caller: Caller): Promise<WebhookDelivery>;
  /** What the endpoint's deliveries are signed with. */
  webhookSecret(endpoint: JobEndpoint, caller: Caller): string;
}
