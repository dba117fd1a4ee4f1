import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { EndpointId, WorkerId } from '../base/ids.ts';
import { LinkedQueue } from '../base/linked-queue.ts';
import type { RequestName, RequestTimeline, TimelineOutcome, WaitReason } from '../model/request-timeline.ts';
import type {
  EndpointLoad,
  RequestOutcome,
  TrafficEndpoint,
  TrafficListener,
  TrafficWorker,
} from '../ports/traffic.ts';
import type { GatewayLimits } from './limits.ts';
import { OwnPlaces, type Places, type PlacesHost } from './places.ts';
import { RequestTimelines, timelineOf } from './request-timelines.ts';
import { Ticket } from './ticket.ts';
import { TIMES_SHOWN, type WorkerSlots } from './worker-slots.ts';

export interface QueueParts {
  readonly clock: Clock;
  readonly listener: TrafficListener;
  readonly limits: Pick<GatewayLimits, 'waitingPerEndpoint' | 'restMs'>;
  /** The endpoint was removed and its last request and worker are gone. */
  onOver(endpointId: EndpointId): void;
  /** Left out: this queue is the only one that gives the endpoint's slots. */
  readonly placesFor?: (host: PlacesHost) => Places;
  /** The head of an answer came. */
  readonly onAnswered?: (ticket: Ticket) => void;
}

/** Most endpoints sleep: they share this. */
const NO_WORKERS: ReadonlyMap<WorkerId, WorkerSlots> = new Map();

/** A rest grows to this many times `restMs`. */
const REST_GROWTH_LIMIT = 16;

/**
 * One endpoint's requests: those that wait, in order of arrival, and the slots of its workers. All
 * of it happens in memory and in one turn, so a slot is never given twice and never lies free while
 * somebody waits; where other threads give the same slots, `Places` sees to that. One timer serves all
 * deadlines: they are as long as each other, so the oldest request's comes first. An idle endpoint holds
 * no timer.
 */
export class EndpointQueue implements EndpointLoad, PlacesHost {
  readonly #parts: QueueParts;
  #endpoint: TrafficEndpoint;
  #removed = false;
  #admitted = 0;
  /** Those that wait, oldest first; for its places. */
  readonly line = new LinkedQueue<Ticket>();
  readonly #deadlines = new LinkedQueue<Ticket>();
  #workers = NO_WORKERS;
  readonly #places: Places;
  readonly #ended = new RequestTimelines();
  #cancelTimer: (() => void) | null = null;
  #timerDueMs = 0;

  constructor(endpoint: TrafficEndpoint, parts: QueueParts) {
    this.#endpoint = endpoint;
    this.#parts = parts;
    this.#places = parts.placesFor?.(this) ?? new OwnPlaces(this);
  }

  nowMs(): number {
    return this.#parts.clock.nowMs();
  }

  get endpoint(): TrafficEndpoint {
    return this.#endpoint;
  }

  get removed(): boolean {
    return this.#removed;
  }

  put(endpoint: TrafficEndpoint): void {
    const before = this.#endpoint;
    this.#endpoint = endpoint;
    this.#removed = false;
    if (endpoint.requestTimeoutMs !== before.requestTimeoutMs) this.#armTimer();
    if (endpoint.slotsPerWorker > before.slotsPerWorker) this.#places.fill();
  }

  remove(reason: AppError): void {
    this.#removed = true;
    this.refuseWaiting(reason);
    this.#tellOver();
  }

  refuseWaiting(error: AppError): void {
    // Counted before: a listener could let new requests in.
    for (let left = this.line.size; left > 0; left -= 1) {
      const ticket = this.line.peek();
      if (ticket === undefined) return;
      if (!this.#places.leave(ticket)) continue;
      this.line.shift();
      this.#end(ticket, 'refused');
      ticket.tell({ kind: 'refused', error });
    }
  }

  workerPut(worker: TrafficWorker): void {
    const known = this.#workers.get(worker.workerId);
    if (known === undefined) {
      const { clock } = this.#parts;
      const slots = this.#places.newSlots(worker, clock.nowMs(), clock.monotonicMs());
      if (this.#workers === NO_WORKERS) this.#workers = new Map();
      (this.#workers as Map<WorkerId, WorkerSlots>).set(worker.workerId, slots);
    } else {
      known.worker = worker;
      known.draining = false;
    }
    this.#places.fill();
  }

  workerDrain(workerId: WorkerId): void {
    const slots = this.#workers.get(workerId);
    if (slots !== undefined) slots.draining = true;
    // A worker that is not known runs nothing here; whoever waits for it must not wait for ever.
    if ((slots?.running ?? 0) === 0) {
      this.#parts.listener.workerDrained(this.#endpoint.endpointId, workerId);
    }
  }

  workerRemove(workerId: WorkerId): void {
    const slots = this.#workers.get(workerId);
    if (slots === undefined) return;
    slots.removed = true;
    slots.cancelRest?.();
    slots.endRest();
    (this.#workers as Map<WorkerId, WorkerSlots>).delete(workerId);
    this.#left(slots);
    this.#tellOver();
  }

  /** Takes the request in: it has a slot at once, or it waits. Throws QUEUE_FULL. */
  enter(name: RequestName): Ticket {
    const { clock, limits, listener } = this.#parts;
    const ticket = new Ticket(name, clock.nowMs(), clock.monotonicMs());
    const arrival = this.#places.admit(ticket, limits.waitingPerEndpoint);
    if (arrival.kind === 'refuse') {
      throw new AppError(
        'QUEUE_FULL',
        `${limits.waitingPerEndpoint} requests wait for this endpoint, which is its limit; send the request again later or raise max_replicas.`,
        { retryAfterSeconds: 1, metadata: { waiting: String(this.#places.waiting) } },
      );
    }
    this.#admitted += 1;
    ticket.deadlineEntry = this.#deadlines.push(ticket);
    this.#armTimer();
    if (arrival.kind === 'start') {
      this.start(ticket, arrival.worker);
    } else {
      ticket.change('queued');
      ticket.waited = true;
      ticket.waitingEntry = this.line.push(ticket);
      ticket.waitReason = this.#waitReason();
      listener.requestWaiting(this.#endpoint.endpointId);
    }
    return ticket;
  }

  /** The client of a waiting request has left. */
  leave(ticket: Ticket): void {
    if (ticket.waitingEntry === null) return;
    if (!this.#places.leave(ticket)) {
      ticket.cut('clientGone');
      return;
    }
    this.line.remove(ticket.waitingEntry);
    this.#end(ticket, 'clientGone');
    ticket.tell({ kind: 'gone' });
    this.#parts.listener.requestGone(this.#endpoint.endpointId);
  }

  /** The worker answered with a head: it is alive, and it counts as a sample of its revision. */
  answered(ticket: Ticket, status: number): void {
    const slots = ticket.worker;
    if (slots === null) return;
    slots.refusals = 0;
    ticket.change('headReceived');
    this.#parts.onAnswered?.(ticket);
    ticket.status = status;
    ticket.firstByteMonotonicMs = this.#parts.clock.monotonicMs();
    this.#parts.listener.requestAnswered(this.#endpoint.endpointId, {
      workerId: slots.worker.workerId,
      status,
      firstByteMs: ticket.firstByteMonotonicMs - ticket.startedMonotonicMs,
      beside: ticket.beside,
    });
  }

  /**
   * Nothing of the request was sent: it goes back to the front of the queue, and the worker rests,
   * or the next try would meet the same closed door before anyone could say that the worker died.
   */
  retry(ticket: Ticket): void {
    const slots = ticket.worker;
    if (slots === null) return;
    ticket.change('retried');
    ticket.waitAgain();
    ticket.worker = null;
    ticket.waited = true;
    ticket.waitReason = 'notSent';
    ticket.waitingEntry = this.line.pushFront(ticket);
    this.#rest(slots);
    const drained = this.#places.giveBack(ticket, slots, true);
    this.#parts.listener.requestWaiting(this.#endpoint.endpointId);
    this.#slotFreed(slots, drained);
  }

  /** The worker's side is closed: the slot is free for the next one. */
  release(ticket: Ticket, status: number | null, end: RequestOutcome['end']): void {
    const slots = ticket.worker;
    if (slots === null) return;
    const { clock, listener } = this.#parts;
    this.#end(ticket, end, status);
    ticket.worker = null;
    // A worker that dies breaks off its requests first and is known to be gone a moment later: what is
    // given to it in between would be lost with it.
    if (end === 'broke') this.#rest(slots);
    const drained = this.#places.giveBack(ticket, slots, false);
    listener.requestEnded(this.#endpoint.endpointId, {
      workerId: slots.worker.workerId,
      revision: slots.worker.revision,
      status,
      end,
      waitedMs: ticket.startedMonotonicMs - ticket.arrivedMonotonicMs,
      runMs: clock.monotonicMs() - ticket.startedMonotonicMs,
    });
    this.#slotFreed(slots, drained);
  }

  get waiting(): number {
    return this.line.size;
  }

  get waitingSinceMs(): readonly number[] {
    const sinceMs: number[] = [];
    for (const ticket of this.line) {
      if (sinceMs.length === TIMES_SHOWN) break;
      sinceMs.push(ticket.arrivedAtMs);
    }
    return sinceMs;
  }

  get oldestWaitingSinceMs(): number | null {
    return this.line.peek()?.arrivedAtMs ?? null;
  }

  get earliestDeadlineMs(): number | null {
    const oldestMs = this.oldestWaitingSinceMs;
    return oldestMs === null ? null : oldestMs + this.#endpoint.requestTimeoutMs;
  }

  get running(): number {
    return this.#admitted - this.line.size;
  }

  get workers(): ReadonlyMap<WorkerId, WorkerSlots> {
    return this.#workers;
  }

  runningCut(workerId: WorkerId, error: AppError, unansweredOnly: boolean): number {
    return this.#workers.get(workerId)?.closeRunning(error, unansweredOnly) ?? 0;
  }

  openRequests(limit: number): readonly RequestTimeline[] {
    const open: RequestTimeline[] = [];
    for (const slots of this.#workers.values()) {
      for (const ticket of slots.tickets) open.push(timelineOf(ticket, slots, null));
    }
    open.sort((a, b) => a.arrivedAtMs - b.arrivedAtMs);
    for (const ticket of this.line) {
      if (open.length >= limit) break;
      open.push(timelineOf(ticket, null, null));
    }
    return open.slice(0, limit);
  }

  endedRequests(): readonly RequestTimeline[] {
    return this.#ended.newestFirst();
  }

  unansweredSince(revision: number): readonly number[] {
    const sinceMs: number[] = [];
    for (const slots of this.#workers.values()) {
      if (slots.worker.revision === revision) slots.unanswered(sinceMs);
    }
    return sinceMs;
  }

  /** For its places: a request has got a slot, which is counted already. */
  start(ticket: Ticket, slots: WorkerSlots): void {
    const { clock, listener } = this.#parts;
    if (ticket.waitingEntry !== null) this.line.remove(ticket.waitingEntry);
    ticket.waitingEntry = null;
    ticket.change('slotTaken');
    ticket.worker = slots;
    // Where it did not wait this is still the turn in which it came.
    ticket.startedAtMs = ticket.waited ? clock.nowMs() : ticket.arrivedAtMs;
    ticket.startedMonotonicMs = ticket.waited ? clock.monotonicMs() : ticket.arrivedMonotonicMs;
    // Before its holder is told: one that cannot even begin ends in this very turn.
    listener.requestStarted(this.#endpoint.endpointId, slots.worker.workerId);
    ticket.tell({ kind: 'slot', worker: slots });
  }

  #slotFreed(slots: WorkerSlots, drained: boolean): void {
    if (drained) this.#parts.listener.workerDrained(this.#endpoint.endpointId, slots.worker.workerId);
    this.#left(slots);
    this.#places.fill();
  }

  /** Removed, and the last request of it here has ended: nobody will ask for it again. */
  #left(slots: WorkerSlots): void {
    if (!slots.removed || slots.held > 0) return;
    const { workerId } = slots.worker;
    this.#parts.listener.workerLeft(this.#endpoint.endpointId, workerId, slots.lastRequests());
  }

  #rest(slots: WorkerSlots): void {
    if (slots.removed || !slots.beginRest()) return;
    const growth = Math.min(2 ** slots.refusals, REST_GROWTH_LIMIT);
    slots.refusals += 1;
    slots.cancelRest = this.#parts.clock.schedule(this.#parts.limits.restMs * growth, () => {
      slots.endRest();
      this.#places.fill();
    });
  }

  #waitReason(): WaitReason {
    if (this.#places.waiting > 1) return 'behindOthers';
    for (const slots of this.#workers.values()) if (!slots.draining) return 'slotsInUse';
    return 'noWorker';
  }

  #end(ticket: Ticket, outcome: TimelineOutcome, status: number | null = null): void {
    ticket.change('ended');
    const atMs = this.#parts.clock.nowMs();
    const timeline = timelineOf(ticket, ticket.worker, { atMs, outcome, status });
    this.#ended.note(timeline);
    ticket.worker?.noteEnded(timeline);
    ticket.waitingEntry = null;
    this.#admitted -= 1;
    if (ticket.deadlineEntry !== null) this.#deadlines.remove(ticket.deadlineEntry);
    ticket.deadlineEntry = null;
    if (this.#deadlines.size === 0) this.#stopTimer();
    this.#tellOver();
  }

  #tellOver(): void {
    if (this.#removed && this.#admitted === 0 && this.#workers.size === 0) {
      this.#parts.onOver(this.#endpoint.endpointId);
    }
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** A timer that is set too early is left: it looks again when it fires, which is cheaper than moving it. */
  #armTimer(): void {
    const oldest = this.#deadlines.peek();
    if (oldest === undefined) return;
    const dueMs = oldest.arrivedMonotonicMs + this.#endpoint.requestTimeoutMs;
    if (this.#cancelTimer !== null) {
      if (this.#timerDueMs <= dueMs) return;
      this.#stopTimer();
    }
    this.#timerDueMs = dueMs;
    this.#cancelTimer = this.#parts.clock.schedule(dueMs - this.#parts.clock.monotonicMs(), () => {
      this.#cancelTimer = null;
      this.#expire();
      this.#armTimer();
    });
  }

  #expire(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (;;) {
      const ticket = this.#deadlines.peek();
      if (ticket === undefined) return;
      if (ticket.arrivedMonotonicMs + this.#endpoint.requestTimeoutMs > nowMs) return;
      this.#deadlines.shift();
      ticket.deadlineEntry = null;
      if (ticket.waitingEntry === null) ticket.cut('timeout');
      else this.#expireWaiting(ticket);
    }
  }

  #expireWaiting(ticket: Ticket): void {
    if (!this.#places.leave(ticket)) {
      ticket.cut('timeout');
      return;
    }
    if (ticket.waitingEntry !== null) this.line.remove(ticket.waitingEntry);
    this.#end(ticket, 'timeout');
    const seconds = this.#endpoint.requestTimeoutMs / 1_000;
    ticket.tell({
      kind: 'refused',
      error: new AppError(
        'REQUEST_TIMEOUT_WAITING',
        `No worker had a free slot within request_timeout (${seconds} s). Raise request_timeout or max_replicas, or send fewer requests at a time.`,
        { metadata: { request_timeout: String(seconds) } },
      ),
    });
    this.#parts.listener.requestGone(this.#endpoint.endpointId);
  }
}
