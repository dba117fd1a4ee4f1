import type { EndpointId, JobId, OwnerId, WorkerId } from '../../../base/ids.ts';
import type { Job, LostAttempt } from '../../../model/job.ts';
import type { JobState } from '../../../model/job-state.ts';
import type { EndedWhileWaiting, JobSummary, LeasedJob, WebhookDelivery } from '../../../ports/job-store.ts';

/** A row of `jobs`. This program alone writes the file, so what is in it is not checked again. */
export interface JobRow {
  readonly key: number;
  readonly id: string;
  readonly endpoint_id: string;
  readonly owner_id: string;
  readonly sequence: number;
  readonly state: string;
  readonly low_priority: number;
  readonly execution_timeout_ms: number | null;
  readonly ttl_ms: number;
  readonly webhook: string | null;
  readonly enqueued_at_ms: number;
  readonly expires_at_ms: number;
  readonly attempt: number;
  readonly retries: number;
  readonly worker_id: string | null;
  readonly revision: number | null;
  readonly started_at_ms: number | null;
  readonly ended_at_ms: number | null;
  readonly lost: string | null;
  readonly error: string | null;
}

export function summaryFromRow(row: JobRow): JobSummary {
  return {
    id: row.id as JobId,
    endpointId: row.endpoint_id as EndpointId,
    ownerId: row.owner_id as OwnerId,
    sequence: row.sequence,
    state: row.state as JobState,
    policy: {
      executionTimeoutMs: row.execution_timeout_ms,
      ttlMs: row.ttl_ms,
      lowPriority: row.low_priority === 1,
    },
    webhook: row.webhook,
    enqueuedAtMs: row.enqueued_at_ms,
    expiresAtMs: row.expires_at_ms,
    attempt: row.attempt,
    retries: row.retries,
    workerId: row.worker_id as WorkerId | null,
    revision: row.revision,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    lost: lostFromText(row.lost),
    error: row.error,
  };
}

export function jobFromRow(row: JobRow & { readonly output: string | null }): Job {
  return { ...summaryFromRow(row), output: row.output };
}

export function leasedFromRow(row: JobRow): LeasedJob {
  return {
    id: row.id as JobId,
    endpointId: row.endpoint_id as EndpointId,
    sequence: row.sequence,
    attempt: row.attempt,
    retries: row.retries,
    lowPriority: row.low_priority === 1,
    enqueuedAtMs: row.enqueued_at_ms,
    expiresAtMs: row.expires_at_ms,
    executionTimeoutMs: row.execution_timeout_ms,
    ttlMs: row.ttl_ms,
    webhook: row.webhook,
    lost: lostFromText(row.lost),
    workerId: row.worker_id as WorkerId,
    revision: row.revision as number,
    startedAtMs: row.started_at_ms as number,
  };
}

export function endedFromRow(row: JobRow): EndedWhileWaiting {
  return {
    id: row.id as JobId,
    endpointId: row.endpoint_id as EndpointId,
    sequence: row.sequence,
    enqueuedAtMs: row.enqueued_at_ms,
    lowPriority: row.low_priority === 1,
    webhook: row.webhook,
  };
}

export interface DeliveryRow {
  readonly id: string;
  readonly job_id: string;
  readonly endpoint_id: string;
  readonly url: string;
  readonly state: string;
  readonly tries: number;
  readonly created_at_ms: number;
  readonly due_at_ms: number;
  readonly message: string;
}

export function deliveryFromRow(row: DeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    jobId: row.job_id as JobId,
    endpointId: row.endpoint_id as EndpointId,
    url: row.url,
    state: row.state as WebhookDelivery['state'],
    tries: row.tries,
    createdAtMs: row.created_at_ms,
    dueAtMs: row.due_at_ms,
    message: row.message,
  };
}

function lostFromText(text: string | null): readonly LostAttempt[] {
  return text === null ? [] : (JSON.parse(text) as LostAttempt[]);
}
