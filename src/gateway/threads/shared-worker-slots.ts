import type { AppError } from '../../base/errors.ts';
import type { TrafficWorker } from '../../ports/traffic.ts';
import type { Ticket } from '../ticket.ts';
import { WorkerSlots } from '../worker-slots.ts';
import {
  CUT,
  DRAINING,
  FLAGS,
  GIVEN,
  OPEN,
  REFUSALS,
  RESTING,
  SAMPLE_LIMIT,
  type Row,
  type SharedTable,
} from './shared-table.ts';

/** What is counted of a worker, on all threads. */
export function openForMore(table: SharedTable, worker: Row): boolean {
  return table.get(worker, FLAGS) === OPEN && table.get(worker, RESTING) === 0;
}

/** How much is left of its sample; null without one. */
export function sampleLeft(table: SharedTable, worker: Row): number | null {
  const limit = table.get(worker, SAMPLE_LIMIT);
  return limit < 0 ? null : Math.max(0, limit - table.get(worker, GIVEN));
}

/** A worker's slots as one gateway thread sees them: its own requests, and what all threads have given. */
export class SharedWorkerSlots extends WorkerSlots {
  readonly row: Row;
  readonly #table: SharedTable;
  readonly #endpoint: Row;
  readonly #thread: number;

  constructor(
    worker: TrafficWorker,
    times: { readonly nowMs: number; readonly monotonicMs: number },
    place: {
      readonly table: SharedTable;
      readonly endpoint: Row;
      readonly row: Row;
      readonly thread: number;
    },
  ) {
    super(worker, times.nowMs, times.monotonicMs);
    this.#table = place.table;
    this.#endpoint = place.endpoint;
    this.#thread = place.thread;
    this.row = place.row;
  }

  override get preference(): number {
    return this.#table.preference(this.row);
  }

  override get running(): number {
    return this.#table.running(this.row);
  }

  override get open(): boolean {
    return openForMore(this.#table, this.row);
  }

  override get sampleLeft(): number | null {
    return sampleLeft(this.#table, this.row);
  }

  override get draining(): boolean {
    return (this.#table.get(this.row, FLAGS) & DRAINING) !== 0;
  }

  /** Control sets it for all threads at once. */
  override set draining(_draining: boolean) {}

  override get refusals(): number {
    return this.#table.get(this.row, REFUSALS);
  }

  override set refusals(refusals: number) {
    if (this.refusals !== refusals) this.#table.set(this.row, REFUSALS, refusals);
  }

  override take(ticket: Ticket): void {
    super.take(ticket);
    ticket.beside = this.#table.beside(ticket.row);
  }

  /** One thread lets it rest for all of them. */
  override beginRest(): boolean {
    return super.beginRest() && this.#table.exchangeIf(this.row, RESTING, 0, this.#thread + 1);
  }

  /**
   * Under the endpoint's lock: a request that is just coming in either sees that it is over, or stands in
   * line when this thread looks for somebody to give the slots to.
   */
  override endRest(): void {
    super.endRest();
    if (this.#table.get(this.row, RESTING) !== this.#thread + 1) return;
    this.#table.lock(this.#endpoint, this.#thread + 1);
    this.#table.set(this.row, RESTING, 0);
    this.#table.unlock(this.#endpoint);
  }

  /** What control saw without an answer may have got one meanwhile: it goes on, and can be closed another time. */
  override closeRunning(error: AppError, unansweredOnly: boolean): number {
    const closed = super.closeRunning(error, unansweredOnly);
    for (const { row, cutReason } of this.tickets) if (cutReason === null) this.#table.unmark(row, CUT);
    return closed;
  }
}
