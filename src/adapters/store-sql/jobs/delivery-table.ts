import type { StatementSync } from 'node:sqlite';
import type { JobId } from '../../../base/ids.ts';
import { deliveryId } from '../../../model/job.ts';
import { jobHasEnded, type JobState } from '../../../model/job-state.ts';
import type { WebhookDelivery } from '../../../ports/job-store.ts';
import { deliveryFromRow, type DeliveryRow, type JobRow } from './job-rows.ts';

/** What is to be told of ended jobs: one row an end, written with the end itself. */
export class DeliveryTable {
  readonly #statement: (sql: string) => StatementSync;

  constructor(statement: (sql: string) => StatementSync) {
    this.#statement = statement;
  }

  /** Due at once. A job that its owner asked for again ends again: that is another delivery. */
  add(job: JobRow, nowMs: number): void {
    if (job.webhook === null) return;
    this.#statement(
      `INSERT INTO deliveries (id, key, job_id, endpoint_id, url, state, tries, created_at_ms, due_at_ms, message)
      VALUES (?, ?, ?, ?, ?, 'due', 0, ?, ?, '')`,
    ).run(deliveryId(job), job.key, job.id, job.endpoint_id, job.webhook, nowMs, nowMs);
  }

  due(nowMs: number, limit: number): { due: readonly WebhookDelivery[]; nextDueMs: number | null } {
    const rows = this.#statement(
      `SELECT * FROM deliveries WHERE state = 'due' ORDER BY due_at_ms LIMIT ?`,
    ).all(limit + 1) as unknown as DeliveryRow[];
    const due = rows.slice(0, limit).filter((row) => row.due_at_ms <= nowMs);
    return { due: due.map(deliveryFromRow), nextDueMs: rows[due.length]?.due_at_ms ?? null };
  }

  update({
    id,
    tries,
    dueAtMs,
    state,
    message,
  }: Pick<WebhookDelivery, 'id' | 'tries' | 'dueAtMs' | 'state' | 'message'>): void {
    this.#statement(
      'UPDATE deliveries SET tries = ?, due_at_ms = ?, state = ?, message = ? WHERE id = ?',
    ).run(tries, dueAtMs, state, message, id);
  }

  list(jobId: JobId): readonly WebhookDelivery[] {
    const rows = this.#statement(
      `SELECT deliveries.* FROM deliveries JOIN jobs ON jobs.key = deliveries.key
      WHERE jobs.id = ? ORDER BY deliveries.created_at_ms DESC, deliveries.id DESC`,
    ).all(jobId) as unknown as DeliveryRow[];
    return rows.map(deliveryFromRow);
  }

  replay(jobId: JobId, nowMs: number): WebhookDelivery | null {
    const job = this.#statement('SELECT * FROM jobs WHERE id = ?').get(jobId) as unknown as
      | JobRow
      | undefined;
    if (job === undefined || job.webhook === null || !jobHasEnded(job.state as JobState)) return null;
    const row = this.#statement(
      `UPDATE deliveries SET state = 'due', tries = 0, created_at_ms = ?, due_at_ms = ? WHERE id = ? RETURNING *`,
    ).get(nowMs, nowMs, deliveryId(job)) as unknown as DeliveryRow | undefined;
    return row === undefined ? null : deliveryFromRow(row);
  }
}
