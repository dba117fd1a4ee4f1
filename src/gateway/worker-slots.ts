import type { AppError } from '../base/errors.ts';
import { LinkedQueue } from '../base/linked-queue.ts';
import type { WorkerPlaces } from '../decide/admission/choice.ts';
import type { RequestTimeline } from '../model/request-timeline.ts';
import { LAST_REQUESTS_MAX } from '../model/worker.ts';
import type { TrafficWorker, WorkerLoad } from '../ports/traffic.ts';
import { RequestTimelines } from './request-timelines.ts';
import type { Ticket } from './ticket.ts';

/** Entries of a list of start or arrival times; the port promises no more. */
export const TIMES_SHOWN = 1_000;

/** One worker's slots: who holds them, and whether it may be given more. */
export class WorkerSlots implements WorkerPlaces, WorkerLoad {
  /** Ready since, as the gateway was told; monotonic. */
  readonly addedMonotonicMs: number;
  worker: TrafficWorker;
  removed = false;
  /** Set while it gets nothing because it refused connections; ends the rest. */
  cancelRest: (() => void) | null = null;
  #draining = false;
  #refusals = 0;
  #given = 0;
  #idleSinceMs: number | null;
  /** Those it had last. */
  readonly #lastRequests = new RequestTimelines(LAST_REQUESTS_MAX);
  /**
   * No Set: where members come and go all the time, its outgrown tables hold each other and what was in
   * them until the next full collection.
   */
  readonly #tickets = new LinkedQueue<Ticket>();

  constructor(worker: TrafficWorker, nowMs: number, monotonicMs: number) {
    this.worker = worker;
    this.addedMonotonicMs = monotonicMs;
    this.#idleSinceMs = nowMs;
  }

  get preference(): number {
    return this.worker.preference;
  }

  get draining(): boolean {
    return this.#draining;
  }

  set draining(draining: boolean) {
    this.#draining = draining;
  }

  /** How often in a row it refused, since its last answer. */
  get refusals(): number {
    return this.#refusals;
  }

  set refusals(refusals: number) {
    this.#refusals = refusals;
  }

  get running(): number {
    return this.#tickets.size;
  }

  /** Of those that run on it, the ones of this thread: all of them, where there is but one. */
  get held(): number {
    return this.#tickets.size;
  }

  /** What is left of its sample, however often the limit is told anew; null without one. */
  get sampleLeft(): number | null {
    const { sampleLimit } = this.worker;
    return sampleLimit === null ? null : Math.max(0, sampleLimit - this.#given);
  }

  get open(): boolean {
    return !this.draining && this.cancelRest === null;
  }

  /** False when it rests already. */
  beginRest(): boolean {
    return this.cancelRest === null;
  }

  endRest(): void {
    this.cancelRest = null;
  }

  take(ticket: Ticket): void {
    ticket.slotEntry = this.#tickets.push(ticket);
    ticket.beside = this.#tickets.size;
    this.#idleSinceMs = null;
    this.#given += 1;
  }

  giveBack(ticket: Ticket, nowMs: number): void {
    if (ticket.slotEntry !== null) this.#tickets.remove(ticket.slotEntry);
    ticket.slotEntry = null;
    if (this.#tickets.size === 0) this.#idleSinceMs = nowMs;
  }

  noteEnded(timeline: RequestTimeline): void {
    this.#lastRequests.note(timeline);
  }

  lastRequests(): readonly RequestTimeline[] {
    return this.#lastRequests.newestFirst();
  }

  get tickets(): Iterable<Ticket> {
    return this.#tickets;
  }

  closeRunning(error: AppError, unansweredOnly: boolean): number {
    let closed = 0;
    for (const ticket of [...this.#tickets]) {
      if (ticket.cutReason !== null || (unansweredOnly && ticket.state !== 'forwarding')) continue;
      closed += 1;
      ticket.cutError = error;
      ticket.cut('closed');
    }
    return closed;
  }

  /** Adds the start times of requests without a first byte, as far as the list may grow. */
  unanswered(into: number[]): void {
    for (const ticket of this.#tickets) {
      if (into.length === TIMES_SHOWN) return;
      if (ticket.state === 'forwarding') into.push(ticket.startedAtMs);
    }
  }

  get idleSinceMs(): number | null {
    return this.#idleSinceMs;
  }

  get runningSinceMs(): readonly number[] {
    const sinceMs: number[] = [];
    for (const ticket of this.#tickets) {
      if (sinceMs.length === TIMES_SHOWN) break;
      sinceMs.push(ticket.startedAtMs);
    }
    return sinceMs;
  }
}
