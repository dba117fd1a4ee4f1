import type { EndpointId, JobId, WorkerId } from '../base/ids.ts';
import type { Job, LostAttempt } from '../model/job.ts';
import type { JobState } from '../model/job-state.ts';

/** A waiting job as far as memory knows it. */
export interface WaitingJob {
  readonly id: JobId;
  readonly sequence: number;
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Who gets a job, and as which attempt of it. */
export interface JobLease {
  readonly workerId: WorkerId;
  readonly revision: number;
  readonly startedAtMs: number;
}

/** A leased job: what is held in memory while it runs. */
export interface LeasedJob extends JobLease {
  readonly id: JobId;
  readonly endpointId: EndpointId;
  readonly sequence: number;
  readonly attempt: number;
  readonly retries: number;
  readonly lowPriority: boolean;
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number;
  readonly executionTimeoutMs: number | null;
  readonly ttlMs: number;
  /** Told of its end. */
  readonly webhook: string | null;
  /** Attempts that were lost since it was asked for. */
  readonly lost: readonly LostAttempt[];
}

export type NewJob = Pick<
  Job,
  'id' | 'endpointId' | 'ownerId' | 'sequence' | 'policy' | 'webhook' | 'enqueuedAtMs' | 'expiresAtMs'
> & {
  readonly input: string;
  readonly idempotency: { readonly key: string; readonly digest: string } | null;
  /** Inserted as taken already. */
  readonly lease: JobLease | null;
};

/** What a page of jobs shows; without input and output. */
export type JobSummary = Omit<Job, 'output'>;

export interface JobCounts {
  readonly endpointId: EndpointId;
  readonly lowPriority: boolean;
  readonly state: JobState;
  readonly count: number;
}

/** What a server that starts has to know. */
export interface JobRecovery {
  readonly lastSequence: number;
  readonly counts: readonly JobCounts[];
  readonly leased: readonly LeasedJob[];
  /** The earliest end of a wait; null when none waits. */
  readonly nextExpiryMs: number | null;
}

export interface EndedWhileWaiting {
  readonly id: JobId;
  readonly enqueuedAtMs: number;
  readonly endpointId: EndpointId;
  readonly sequence: number;
  readonly lowPriority: boolean;
  readonly webhook: string | null;
}

export interface JobResultRow {
  readonly id: JobId;
  readonly attempt: number;
  readonly state: Extract<JobState, 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT'>;
  readonly output: string | null;
  readonly error: string | null;
  readonly endedAtMs: number;
  readonly lost: LostAttempt | null;
}

export interface WebhookDelivery {
  readonly id: string;
  readonly jobId: JobId;
  readonly endpointId: EndpointId;
  readonly url: string;
  readonly tries: number;
  readonly createdAtMs: number;
  readonly dueAtMs: number;
  readonly state: 'due' | 'delivered' | 'failed';
  /** Of the last try, in words; empty before it. */
  readonly message: string;
}

/**
 * Durable memory of jobs. A promise that resolved means: on disk. Calls take effect in the order in
 * which they were made, and many of them share one wait for the disk. Every change names the state
 * it starts from, so of two that exclude each other one does nothing, and says so.
 */
export interface JobStore {
  recover(): Promise<JobRecovery>;
  /** Null when it was inserted, else the job that has the idempotency key already. */
  jobInsert(job: NewJob): Promise<{ readonly id: JobId; readonly digest: string } | null>;
  /** Null when it does not wait any more. */
  jobLease(id: JobId, lease: JobLease): Promise<(LeasedJob & { readonly input: string }) | null>;
  /** False when this attempt does not run any more: nothing was changed. */
  jobEnd(result: JobResultRow): Promise<boolean>;
  /**
   * Back to its place in the queue, to wait until `expiresAtMs`; `lost` null: the attempt does not
   * count. False as with `jobEnd`.
   */
  jobRequeue(id: JobId, attempt: number, lost: LostAttempt | null, expiresAtMs: number): Promise<boolean>;
  /** Ends a job that waits; null when none of this id does. */
  jobCancelWaiting(id: JobId, reason: string, nowMs: number): Promise<EndedWhileWaiting | null>;
  /** Brings an ended job back under a new place; null when its state allows no retry. */
  jobRetry(id: JobId, sequence: number, nowMs: number): Promise<Job | null>;
  jobFind(id: JobId): Promise<Job | null>;
  /** Newest first, those before `beforeSequence`. */
  jobList(
    endpointId: EndpointId,
    filter: { readonly state: JobState | null; readonly beforeSequence: number | null },
    limit: number,
  ): Promise<readonly JobSummary[]>;
  /** Those that wait behind `afterSequence`, in order of arrival. */
  waitingList(
    endpointId: EndpointId,
    lowPriority: boolean,
    afterSequence: number,
    limit: number,
  ): Promise<readonly WaitingJob[]>;
  /** Ends at most `limit` of an endpoint's waiting jobs as cancelled. */
  waitingPurge(
    endpointId: EndpointId,
    reason: string,
    nowMs: number,
    limit: number,
  ): Promise<readonly EndedWhileWaiting[]>;
  /** Ends at most `limit` of those whose wait is over, and tells when the next one's is. */
  waitingExpire(
    nowMs: number,
    limit: number,
  ): Promise<{ readonly ended: readonly EndedWhileWaiting[]; readonly nextExpiryMs: number | null }>;
  /** Deletes at most `limit` jobs that ended before `beforeMs`. */
  endedSweep(beforeMs: number, limit: number): Promise<readonly JobCounts[]>;
  /** Deletes at most `limit` of an endpoint's jobs; true when some may be left. */
  endpointSweep(endpointId: EndpointId, limit: number): Promise<boolean>;

  /** `gone`: this attempt does not run any more. `full`: its parts would be more than `limitBytes` together. */
  partAppend(
    id: JobId,
    attempt: number,
    part: string,
    limitBytes: number,
  ): Promise<'stored' | 'gone' | 'full'>;
  /** Parts from `from` on, or from where the last such call ended when it is null; moves that mark. */
  partRead(
    id: JobId,
    from: number | null,
    limitBytes: number,
  ): Promise<{ readonly parts: readonly string[]; readonly next: number }>;

  /** Deliveries that are due, earliest first; and when the next one is. */
  deliveryDue(
    nowMs: number,
    limit: number,
  ): Promise<{ readonly due: readonly WebhookDelivery[]; readonly nextDueMs: number | null }>;
  deliveryUpdate(
    delivery: Pick<WebhookDelivery, 'id' | 'tries' | 'dueAtMs' | 'state' | 'message'>,
  ): Promise<void>;
  deliveryList(jobId: JobId): Promise<readonly WebhookDelivery[]>;
  /** Asks for one more delivery of the job's end; null when it has no webhook or has not ended. */
  deliveryReplay(jobId: JobId, nowMs: number): Promise<WebhookDelivery | null>;

  close(): Promise<void>;
}
