import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { EndpointId, JobId } from '../../../base/ids.ts';
import type { Job, LostAttempt } from '../../../model/job.ts';
import { jobTransition, jobStatesBefore, type JobEvent, type JobState } from '../../../model/job-state.ts';
import type {
  EndedWhileWaiting,
  JobCounts,
  JobLease,
  JobRecovery,
  JobResultRow,
  JobStore,
  JobSummary,
  LeasedJob,
  NewJob,
  WaitingJob,
} from '../../../ports/job-store.ts';
import { endedFromRow, jobFromRow, leasedFromRow, summaryFromRow, type JobRow } from './job-rows.ts';
import { DeliveryTable } from './delivery-table.ts';

/** The same methods as the port's, each done when it returns. */
export type InThread<Port> = {
  readonly [Name in keyof Omit<Port, 'close'>]: Port[Name] extends (
    ...args: infer Args
  ) => Promise<infer Answer>
    ? (...args: Args) => Answer
    : never;
};

/** The event that leads from running to such an end. */
const END_EVENT: Readonly<Record<JobResultRow['state'], JobEvent>> = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelAsked',
  TIMED_OUT: 'overran',
};

const RUNNING = jobStatesBefore('completed')
  .map((state) => `'${state}'`)
  .join(', ');
const WAITING = jobStatesBefore('taken')
  .map((state) => `'${state}'`)
  .join(', ');
const RETRYABLE = jobStatesBefore('retryAsked')
  .map((state) => `'${state}'`)
  .join(', ');

/** The statements of `JobStore` on its own database. Runs in the thread, one call after the other. */
export class JobTables implements InThread<JobStore> {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  readonly #deliveries: DeliveryTable;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#deliveries = new DeliveryTable((sql) => this.#statement(sql));
  }

  recover(): JobRecovery {
    const last = this.#row<{ sequence: number | null }>('SELECT max(sequence) AS sequence FROM jobs');
    const counts = this.#rows<{ endpoint_id: string; low_priority: number; state: string; count: number }>(
      'SELECT endpoint_id, low_priority, state, count(*) AS count FROM jobs GROUP BY endpoint_id, low_priority, state',
    );
    const leased = this.#rows<JobRow>(`SELECT * FROM jobs WHERE state = 'IN_PROGRESS' ORDER BY sequence`);
    return {
      lastSequence: last?.sequence ?? 0,
      counts: counts.map((row) => ({
        endpointId: row.endpoint_id as EndpointId,
        lowPriority: row.low_priority === 1,
        state: row.state as JobState,
        count: row.count,
      })),
      leased: leased.map(leasedFromRow),
      nextExpiryMs: this.#nextExpiryMs(),
    };
  }

  jobInsert(job: NewJob): { id: JobId; digest: string } | null {
    if (job.idempotency !== null) {
      const kept = this.#row<{ id: string; digest: string }>(
        'SELECT id, digest FROM jobs WHERE endpoint_id = ? AND idempotency_key = ?',
        job.endpointId,
        job.idempotency.key,
      );
      if (kept !== undefined) return { id: kept.id as JobId, digest: kept.digest };
    }
    const { lease, policy } = job;
    const { lastInsertRowid } = this.#statement(
      `INSERT INTO jobs (id, endpoint_id, owner_id, sequence, state, low_priority, execution_timeout_ms, ttl_ms,
        webhook, idempotency_key, digest, enqueued_at_ms, expires_at_ms, attempt, retries, worker_id, revision,
        started_at_ms, part_count, part_bytes, parts_read)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 0, 0, 0)`,
    ).run(
      job.id,
      job.endpointId,
      job.ownerId,
      job.sequence,
      lease === null ? 'IN_QUEUE' : jobTransition('IN_QUEUE', 'taken'),
      Number(policy.lowPriority),
      policy.executionTimeoutMs,
      policy.ttlMs,
      job.webhook,
      job.idempotency?.key ?? null,
      job.idempotency?.digest ?? null,
      job.enqueuedAtMs,
      job.expiresAtMs,
      lease === null ? 0 : 1,
      lease?.workerId ?? null,
      lease?.revision ?? null,
      lease?.startedAtMs ?? null,
    );
    this.#statement('INSERT INTO job_inputs (key, input) VALUES (?, ?)').run(lastInsertRowid, job.input);
    return null;
  }

  jobLease(id: JobId, lease: JobLease): (LeasedJob & { input: string }) | null {
    const row = this.#row<JobRow>(
      `UPDATE jobs SET state = ?, attempt = attempt + 1, worker_id = ?, revision = ?, started_at_ms = ?,
        part_count = 0, part_bytes = 0, parts_read = 0
      WHERE id = ? AND state IN (${WAITING}) RETURNING *`,
      jobTransition('IN_QUEUE', 'taken'),
      lease.workerId,
      lease.revision,
      lease.startedAtMs,
      id,
    );
    if (row === undefined) return null;
    // What a client read of an earlier attempt's stream is no part of this one's.
    if (row.attempt > 1) this.#statement('DELETE FROM job_parts WHERE key = ?').run(row.key);
    const kept = this.#row<{ input: string }>('SELECT input FROM job_inputs WHERE key = ?', row.key);
    return { ...leasedFromRow(row), input: kept?.input ?? 'null' };
  }

  jobEnd({ id, attempt, state, output, error, endedAtMs, lost }: JobResultRow): boolean {
    const row = this.#row<JobRow>(
      `UPDATE jobs SET state = ?, ended_at_ms = ?, error = ?, lost = ${WITH_LOST}
      WHERE id = ? AND attempt = ? AND state IN (${RUNNING}) RETURNING *`,
      jobTransition('IN_PROGRESS', END_EVENT[state]),
      endedAtMs,
      error,
      ...lostParameters(lost),
      id,
      attempt,
    );
    if (row === undefined) return false;
    if (output !== null) {
      this.#statement('INSERT OR REPLACE INTO job_outputs (key, output) VALUES (?, ?)').run(row.key, output);
    }
    this.#deliveries.add(row, endedAtMs);
    return true;
  }

  jobRequeue(id: JobId, attempt: number, lost: LostAttempt | null, expiresAtMs: number): boolean {
    const { changes } = this.#statement(
      `UPDATE jobs SET state = ?, expires_at_ms = ?, lost = ${WITH_LOST}
      WHERE id = ? AND attempt = ? AND state IN (${RUNNING})`,
    ).run(jobTransition('IN_PROGRESS', 'attemptLost'), expiresAtMs, ...lostParameters(lost), id, attempt);
    return changes === 1;
  }

  jobCancelWaiting(id: JobId, reason: string, nowMs: number): EndedWhileWaiting | null {
    return this.#endWaiting('cancelAsked', reason, nowMs, 'id = ?', [id])[0] ?? null;
  }

  jobRetry(id: JobId, sequence: number, nowMs: number): Job | null {
    const row = this.#row<JobRow>(
      `UPDATE jobs SET state = 'IN_QUEUE', sequence = ?, enqueued_at_ms = ?, expires_at_ms = ? + ttl_ms,
        retries = retries + 1, worker_id = NULL, revision = NULL, started_at_ms = NULL, ended_at_ms = NULL,
        lost = NULL, error = NULL, part_count = 0, part_bytes = 0, parts_read = 0
      WHERE id = ? AND state IN (${RETRYABLE}) RETURNING *`,
      sequence,
      nowMs,
      nowMs,
      id,
    );
    if (row === undefined) return null;
    this.#statement('DELETE FROM job_parts WHERE key = ?').run(row.key);
    this.#statement('DELETE FROM job_outputs WHERE key = ?').run(row.key);
    return jobFromRow({ ...row, output: null });
  }

  jobFind(id: JobId): Job | null {
    const row = this.#row<JobRow & { output: string | null }>(
      'SELECT jobs.*, output FROM jobs LEFT JOIN job_outputs ON job_outputs.key = jobs.key WHERE id = ?',
      id,
    );
    return row === undefined ? null : jobFromRow(row);
  }

  jobList(
    endpointId: EndpointId,
    { state, beforeSequence }: { readonly state: JobState | null; readonly beforeSequence: number | null },
    limit: number,
  ): readonly JobSummary[] {
    const rows = this.#rows<JobRow>(
      `SELECT * FROM jobs WHERE endpoint_id = ? AND sequence < ? ${state === null ? '' : 'AND state = ?'}
      ORDER BY sequence DESC LIMIT ?`,
      endpointId,
      beforeSequence ?? Number.MAX_SAFE_INTEGER,
      ...(state === null ? [] : [state]),
      limit,
    );
    return rows.map(summaryFromRow);
  }

  waitingList(
    endpointId: EndpointId,
    lowPriority: boolean,
    afterSequence: number,
    limit: number,
  ): readonly WaitingJob[] {
    const rows = this.#rows<JobRow>(
      `SELECT id, sequence, enqueued_at_ms, expires_at_ms FROM jobs
      WHERE state = 'IN_QUEUE' AND endpoint_id = ? AND low_priority = ? AND sequence > ?
      ORDER BY sequence LIMIT ?`,
      endpointId,
      Number(lowPriority),
      afterSequence,
      limit,
    );
    return rows.map((row) => ({
      id: row.id as JobId,
      sequence: row.sequence,
      enqueuedAtMs: row.enqueued_at_ms,
      expiresAtMs: row.expires_at_ms,
    }));
  }

  waitingPurge(
    endpointId: EndpointId,
    reason: string,
    nowMs: number,
    limit: number,
  ): readonly EndedWhileWaiting[] {
    const oldest = `key IN (SELECT key FROM jobs WHERE state = 'IN_QUEUE' AND endpoint_id = ?
      ORDER BY low_priority, sequence LIMIT ?)`;
    return this.#endWaiting('cancelAsked', reason, nowMs, oldest, [endpointId, limit]);
  }

  waitingExpire(
    nowMs: number,
    limit: number,
  ): { ended: readonly EndedWhileWaiting[]; nextExpiryMs: number | null } {
    const due = `key IN (SELECT key FROM jobs WHERE state = 'IN_QUEUE' AND expires_at_ms <= ?
      ORDER BY expires_at_ms LIMIT ?)`;
    const why = 'No worker took the job within its ttl.';
    const ended = this.#endWaiting('expired', why, nowMs, due, [nowMs, limit]);
    return { ended, nextExpiryMs: this.#nextExpiryMs() };
  }

  endedSweep(beforeMs: number, limit: number): readonly JobCounts[] {
    const rows = this.#rows<JobRow>(
      `DELETE FROM jobs WHERE key IN (SELECT key FROM jobs WHERE ended_at_ms < ? ORDER BY ended_at_ms LIMIT ?)
      RETURNING endpoint_id, low_priority, state`,
      beforeMs,
      limit,
    );
    return rows.map((row) => ({
      endpointId: row.endpoint_id as EndpointId,
      lowPriority: row.low_priority === 1,
      state: row.state as JobState,
      count: 1,
    }));
  }

  endpointSweep(endpointId: EndpointId, limit: number): boolean {
    const { changes } = this.#statement(
      'DELETE FROM jobs WHERE key IN (SELECT key FROM jobs WHERE endpoint_id = ? LIMIT ?)',
    ).run(endpointId, limit);
    return changes === limit;
  }

  partAppend(id: JobId, attempt: number, part: string, limitBytes: number): 'stored' | 'gone' | 'full' {
    const row = this.#row<{ key: number; part_count: number; part_bytes: number }>(
      `SELECT key, part_count, part_bytes FROM jobs WHERE id = ? AND attempt = ? AND state IN (${RUNNING})`,
      id,
      attempt,
    );
    if (row === undefined) return 'gone';
    const bytes = row.part_bytes + Buffer.byteLength(part);
    if (bytes > limitBytes) return 'full';
    this.#statement('INSERT INTO job_parts (key, number, part) VALUES (?, ?, ?)').run(
      row.key,
      row.part_count,
      part,
    );
    this.#statement('UPDATE jobs SET part_count = part_count + 1, part_bytes = ? WHERE key = ?').run(
      bytes,
      row.key,
    );
    return 'stored';
  }

  partRead(id: JobId, from: number | null, limitBytes: number): { parts: readonly string[]; next: number } {
    const job = this.#row<{ key: number; parts_read: number }>(
      'SELECT key, parts_read FROM jobs WHERE id = ?',
      id,
    );
    if (job === undefined) return { parts: [], next: 0 };
    const first = from ?? job.parts_read;
    const parts: string[] = [];
    let bytes = 0;
    const stored = this.#statement(
      'SELECT part FROM job_parts WHERE key = ? AND number >= ? ORDER BY number',
    );
    for (const row of stored.iterate(job.key, first)) {
      const part = row['part'] as string;
      bytes += Buffer.byteLength(part);
      if (parts.length > 0 && bytes > limitBytes) break;
      parts.push(part);
    }
    const next = first + parts.length;
    if (from === null && parts.length > 0) {
      this.#statement('UPDATE jobs SET parts_read = ? WHERE key = ?').run(next, job.key);
    }
    return { parts, next };
  }

  deliveryDue: InThread<JobStore>['deliveryDue'] = (nowMs, limit) => this.#deliveries.due(nowMs, limit);

  deliveryUpdate: InThread<JobStore>['deliveryUpdate'] = (delivery) => this.#deliveries.update(delivery);

  deliveryList: InThread<JobStore>['deliveryList'] = (jobId) => this.#deliveries.list(jobId);

  deliveryReplay: InThread<JobStore>['deliveryReplay'] = (jobId, nowMs) =>
    this.#deliveries.replay(jobId, nowMs);

  #endWaiting(
    event: JobEvent,
    error: string,
    nowMs: number,
    which: string,
    parameters: readonly SQLInputValue[],
  ): EndedWhileWaiting[] {
    const rows = this.#rows<JobRow>(
      `UPDATE jobs SET state = ?, ended_at_ms = ?, error = ?
      WHERE ${which} AND state IN (${WAITING}) RETURNING *`,
      jobTransition('IN_QUEUE', event),
      nowMs,
      error,
      ...parameters,
    );
    for (const row of rows) this.#deliveries.add(row, nowMs);
    return rows.map(endedFromRow);
  }

  #nextExpiryMs(): number | null {
    const next = this.#row<{ at: number | null }>(
      `SELECT min(expires_at_ms) AS at FROM jobs WHERE state = 'IN_QUEUE'`,
    );
    return next?.at ?? null;
  }

  #row<Row>(sql: string, ...parameters: readonly SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...parameters) as Row | undefined;
  }

  #rows<Row>(sql: string, ...parameters: readonly SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...parameters) as Row[];
  }

  /** The texts are those of this file alone, so there is no bound. */
  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const prepared = this.#database.prepare(sql);
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

/** The list of lost attempts with one more, or as it was where the parameter is null. */
const WITH_LOST = `CASE WHEN ? IS NULL THEN lost ELSE json_insert(coalesce(lost, '[]'), '$[#]', json(?)) END`;

function lostParameters(lost: LostAttempt | null): [string | null, string | null] {
  const text = lost === null ? null : JSON.stringify(lost);
  return [text, text];
}
