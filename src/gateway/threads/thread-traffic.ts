import type { Clock } from '../../base/clock.ts';
import type { AppError } from '../../base/errors.ts';
import type { EndpointId, WorkerId } from '../../base/ids.ts';
import type { RequestTimeline } from '../../model/request-timeline.ts';
import { LAST_REQUESTS_MAX } from '../../model/worker.ts';
import type { ArrivalRecorder } from '../../ports/arrivals.ts';
import type { Metrics } from '../../ports/metrics.ts';
import {
  NO_LOAD,
  type EndpointLoad,
  type Traffic,
  type TrafficEndpoint,
  type TrafficListener,
  type TrafficWorker,
} from '../../ports/traffic.ts';
import { EndpointChanges } from './endpoint-changes.ts';
import type { EventRing } from './event-ring.ts';
import { SharedEndpoint, SharedWorker } from './shared-endpoint.ts';
import {
  DRAINING,
  FLAGS,
  FreeRows,
  LOST,
  OPEN,
  REMOVED,
  SAMPLE_LIMIT,
  SLOTS,
  SharedTable,
  type Row,
  type TableMemory,
} from './shared-table.ts';
import { ThreadAnswers } from './thread-answers.ts';
import { hearThread, type HearerParts } from './thread-events.ts';
import { errorMessage, type ThreadOrder, type ThreadReport } from './thread-message.ts';
import { endpointOrder, sameFacts, workerOrder } from './thread-orders.ts';
import { remainsOf, takeOff, type LostRequest, type Remains } from './thread-recovery.ts';

export interface ThreadTrafficParts {
  readonly clock: Clock;
  readonly listener: TrafficListener;
  readonly metrics: Metrics;
  readonly arrivals: ArrivalRecorder;
  readonly table: TableMemory;
  /** How long after a thread's death its slots come back; see `thread-recovery.ts`. */
  readonly closeGraceMs: number;
  /** The inbox of that thread was empty and is not any more. */
  wake(thread: number): void;
}

/** A gateway thread as the main thread reaches it. */
export interface ThreadLink {
  readonly ring: EventRing;
  order(order: ThreadOrder): void;
}

/** As many ended requests are shown of an endpoint as each thread keeps. */
const ENDED_SHOWN = 100;
const NOTHING = (): void => undefined;

/**
 * Control's view of the gateways of all threads: what it orders goes into the shared table and to each
 * thread, what it asks is read from the table, and what threads tell is told on.
 */
export class ThreadTraffic implements Traffic {
  readonly table: SharedTable;
  readonly #parts: ThreadTrafficParts;
  readonly #threads = new Map<number, ThreadLink>();
  readonly #endpoints = new Map<EndpointId, SharedEndpoint>();
  readonly #endpointRows = new Map<Row, SharedEndpoint>();
  readonly #workerRows = new Map<Row, SharedWorker>();
  readonly #freeEndpoints: FreeRows;
  readonly #freeWorkers: FreeRows;
  readonly #answers = new ThreadAnswers();
  readonly #hearer: HearerParts;
  readonly #changes: EndpointChanges;
  /** Orders were given since all threads were last known to have done theirs. */
  #unsettled = false;
  /** What was asked of them last, while it is open. */
  #settling: Promise<unknown> | null = null;
  #drain: { readonly left: Set<number>; done(): void } | null = null;

  constructor(parts: ThreadTrafficParts) {
    this.#parts = parts;
    this.table = new SharedTable(parts.table);
    this.#freeEndpoints = FreeRows.endpoints(parts.table);
    this.#freeWorkers = FreeRows.workers(parts.table);
    this.#changes = new EndpointChanges({
      clock: parts.clock,
      table: this.table,
      wake: (thread) => parts.wake(thread),
      onChanged: (shared) => this.#tellDrained(shared),
      onCaughtUp: (shared) => {
        for (const worker of [...shared.leaving]) this.#left(shared, worker, null, []);
        this.#over(shared, null);
      },
    });
    this.#hearer = {
      endpointOf: (row) => this.#endpointRows.get(row)?.endpoint.endpointId,
      workerOf: (row) => this.#workerRows.get(row)?.worker.workerId,
      listener: parts.listener,
      metrics: parts.metrics,
      arrivals: parts.arrivals,
      onDrained: (endpointId) => {
        // By now the worker may have been taken back, or run something again.
        const shared = this.#endpoints.get(endpointId);
        if (shared !== undefined) this.#tellDrained(shared);
      },
    };
  }

  // Threads come and go.

  /** A thread that has no requests yet: it is told of everything there is. */
  threadStarted(thread: number, link: ThreadLink): void {
    // Nothing is in it that anybody still waits for.
    this.table.takeInbox(thread);
    for (const shared of this.#endpoints.values()) {
      // Nothing of one that was removed is in it, and nobody would tell it when the row becomes another's.
      if (shared.heldBy !== null) continue;
      link.order(endpointOrder(shared));
      for (const worker of shared.workers.values()) link.order(workerOrder(shared, worker));
    }
    this.#threads.set(thread, link);
    this.#unsettled = true;
    if (this.#drain !== null) link.order({ kind: 'drain' });
  }

  /** It died, and its connections are closed. Resolves when nothing in the table names it any more. */
  async threadGone(thread: number): Promise<void> {
    const link = this.#threads.get(thread);
    if (link === undefined) return;
    this.#hearLink(link);
    this.#threads.delete(thread);
    this.#answers.gone(thread);
    this.#drained(thread);
    const remains = remainsOf(thread, this.table, this.#endpoints.values());
    const buried = remains.map((one) => this.#bury(one, thread));
    // Those whose lock was broken are, and before control can order anything else.
    if (remains.some(({ broken }) => broken)) this.orderAll({ kind: 'untold' });
    await Promise.all(buried);
    for (const shared of [...this.#endpoints.values()]) {
      // It may have died with a slot given back and not given on, or not told of.
      if (shared.waiting > 0) this.#changes.make(shared, NOTHING);
      else this.#tellDrained(shared);
      for (const worker of [...shared.leaving]) this.#left(shared, worker, thread, []);
      this.#over(shared, thread);
    }
  }

  report(thread: number, report: ThreadReport): void {
    const link = this.#threads.get(thread);
    if (link === undefined) return;
    // What it told before comes before.
    this.#hearLink(link);
    switch (report.kind) {
      case 'over': {
        const shared = this.#endpoints.get(report.endpointId);
        if (shared !== undefined) this.#over(shared, thread);
        return;
      }
      case 'left': {
        const shared = this.#endpoints.get(report.endpointId);
        for (const worker of [...(shared?.leaving ?? [])]) {
          if (shared !== undefined && worker.worker.workerId === report.workerId)
            this.#left(shared, worker, thread, report.requests);
        }
        return;
      }
      case 'told':
        this.#answers.answer(report.number, thread, report.requests);
        return;
      case 'settled':
        this.#answers.answer(report.number, thread, []);
        return;
      case 'drained':
        this.#drained(thread);
        return;
      case 'stopped':
        return;
    }
  }

  /** Reads what the threads have told. */
  hear(): void {
    for (const link of this.#threads.values()) this.#hearLink(link);
  }

  /** Resolves when all threads have done what they were ordered so far. */
  async settled(): Promise<void> {
    if (this.#unsettled) {
      this.#unsettled = false;
      const settling = this.#answers.ask([...this.#threads.keys()], (number) => {
        for (const link of this.#threads.values()) link.order({ kind: 'settle', number });
      });
      this.#settling = settling;
      void settling.then(() => {
        if (this.#settling === settling) this.#settling = null;
      });
    }
    // Also what somebody else asked for: the order that is waited for may be the one before it.
    await this.#settling;
  }

  /** New requests are refused from now on; resolves when all that were taken have ended. */
  async beginDrain(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drain = { left: new Set(this.#threads.keys()), done: resolve };
    if (this.#threads.size === 0) resolve();
    this.orderAll({ kind: 'drain' });
    await promise;
  }

  orderAll(order: ThreadOrder): void {
    this.#unsettled = true;
    for (const link of this.#threads.values()) link.order(order);
  }

  // What control orders.

  endpointPut(endpoint: TrafficEndpoint): void {
    let shared = this.#endpoints.get(endpoint.endpointId);
    if (shared === undefined) {
      const row = this.#freeEndpoints.take();
      this.table.clear(row);
      shared = new SharedEndpoint(endpoint, row, this.table);
      this.#endpoints.set(endpoint.endpointId, shared);
      this.#endpointRows.set(row, shared);
    }
    shared.endpoint = endpoint;
    shared.heldBy = null;
    this.orderAll(endpointOrder(shared));
    const { slotsPerWorker } = endpoint;
    this.#changes.make(shared, () => this.table.set(shared.row, SLOTS, slotsPerWorker));
  }

  endpointRemove(endpointId: EndpointId, reason: AppError): void {
    const shared = this.#endpoints.get(endpointId);
    if (shared === undefined) return;
    shared.heldBy = new Set(this.#threads.keys());
    this.orderAll({ kind: 'endpointRemove', endpointId, reason: errorMessage(reason) });
    this.#over(shared, null);
  }

  waitingRefuse(endpointId: EndpointId, reason: AppError): void {
    if (!this.#endpoints.has(endpointId)) return;
    this.orderAll({ kind: 'waitingRefuse', endpointId, reason: errorMessage(reason) });
  }

  workerPut(endpointId: EndpointId, worker: TrafficWorker): void {
    const shared = this.#endpoints.get(endpointId);
    if (shared === undefined) return;
    let known = shared.workers.get(worker.workerId);
    if (known === undefined) {
      const row = this.#freeWorkers.take();
      this.table.clear(row);
      this.table.setIdleSince(row, this.#parts.clock.nowMs());
      known = new SharedWorker(worker, row, shared);
      shared.workers.set(worker.workerId, known);
      this.#workerRows.set(row, known);
    }
    const told = known.worker !== worker && sameFacts(known.worker, worker);
    known.worker = worker;
    known.drainTold = false;
    // The threads are told of it before they can be given slots on it. How requests go to it is in the table.
    if (!told) this.orderAll(workerOrder(shared, known));
    const { row } = known;
    this.#changes.make(shared, () => {
      this.table.setPreference(row, worker.preference);
      this.table.set(row, SAMPLE_LIMIT, worker.sampleLimit ?? -1);
      this.table.set(row, FLAGS, OPEN);
    });
  }

  workerDrain(endpointId: EndpointId, workerId: WorkerId): void {
    const shared = this.#endpoints.get(endpointId);
    const worker = shared?.workers.get(workerId);
    if (shared === undefined || worker === undefined) {
      // It runs nothing here; whoever waits for it must not wait for ever.
      this.#parts.listener.workerDrained(endpointId, workerId);
      return;
    }
    worker.drainTold = false;
    this.#changes.make(shared, () => this.table.set(worker.row, FLAGS, OPEN | DRAINING));
  }

  workerRemove(endpointId: EndpointId, workerId: WorkerId): void {
    const shared = this.#endpoints.get(endpointId);
    const worker = shared?.workers.get(workerId);
    if (shared === undefined || worker === undefined) return;
    shared.workers.delete(workerId);
    shared.leaving.add(worker);
    for (const thread of this.#threads.keys()) worker.heldBy.add(thread);
    this.#changes.make(
      shared,
      () => this.table.set(worker.row, FLAGS, REMOVED),
      // Not before: what a thread was given is then in its inbox when it reads this.
      () => this.orderAll({ kind: 'workerRemove', endpointId, workerId }),
    );
    this.#left(shared, worker, null, []);
  }

  runningCut(endpointId: EndpointId, workerId: WorkerId, error: AppError, unansweredOnly: boolean): number {
    const worker = this.#endpoints.get(endpointId)?.workers.get(workerId);
    if (worker === undefined) return 0;
    const cut = worker.markCut(unansweredOnly);
    if (cut > 0) {
      const told = errorMessage(error);
      this.orderAll({ kind: 'runningCut', endpointId, workerId, error: told, unansweredOnly });
    }
    return cut;
  }

  // What control asks.

  load(endpointId: EndpointId): EndpointLoad {
    return this.#endpoints.get(endpointId) ?? NO_LOAD;
  }

  unansweredSince(endpointId: EndpointId, revision: number): readonly number[] {
    const sinceMs: number[] = [];
    for (const worker of this.#endpoints.get(endpointId)?.workers.values() ?? []) {
      if (worker.worker.revision === revision) sinceMs.push(...worker.unanswered());
    }
    return sinceMs;
  }

  async openRequests(endpointId: EndpointId, limit: number): Promise<readonly RequestTimeline[]> {
    const open = [...(await this.#ask(endpointId, 'open', limit))];
    const waits = (request: RequestTimeline): number => (request.workerId === null ? 1 : 0);
    open.sort((a, b) => waits(a) - waits(b) || a.arrivedAtMs - b.arrivedAtMs);
    return open.slice(0, limit);
  }

  async endedRequests(endpointId: EndpointId): Promise<readonly RequestTimeline[]> {
    const ended = [...(await this.#ask(endpointId, 'ended', 0))];
    return ended.sort((a, b) => (b.endedAtMs ?? 0) - (a.endedAtMs ?? 0)).slice(0, ENDED_SHOWN);
  }

  async #ask(
    endpointId: EndpointId,
    which: 'open' | 'ended',
    limit: number,
  ): Promise<readonly RequestTimeline[]> {
    return await this.#answers.ask([...this.#threads.keys()], (number) => {
      for (const link of this.#threads.values())
        link.order({ kind: 'requestsAsk', number, endpointId, which, limit });
    });
  }

  #drained(thread: number): void {
    if (this.#drain?.left.delete(thread) === true && this.#drain.left.size === 0) this.#drain.done();
  }

  /** Tells once of each worker that drains and runs nothing. */
  #tellDrained(shared: SharedEndpoint): void {
    for (const worker of [...shared.workers.values()]) {
      const draining = (this.table.get(worker.row, FLAGS) & DRAINING) !== 0;
      if (!draining || worker.drainTold || worker.running > 0) continue;
      worker.drainTold = true;
      this.#parts.listener.workerDrained(shared.endpoint.endpointId, worker.worker.workerId);
    }
  }

  /** A thread said that nothing of a removed endpoint is left in it; null: look whether any is left at all. */
  #over(shared: SharedEndpoint, thread: number | null): void {
    if (shared.heldBy === null) return;
    if (thread !== null) shared.heldBy.delete(thread);
    // A change that is still to come would change what has become another's row.
    if (shared.heldBy.size + shared.workers.size + shared.leaving.size + shared.late.length > 0) return;
    shared.heldBy = null;
    this.#endpoints.delete(shared.endpoint.endpointId);
    this.#endpointRows.delete(shared.row);
    this.#freeEndpoints.giveBack(shared.row);
  }

  /** A thread said that none of its requests runs on a removed worker; null: look whether any does. */
  #left(
    shared: SharedEndpoint,
    worker: SharedWorker,
    thread: number | null,
    requests: readonly RequestTimeline[],
  ): void {
    if (thread !== null && worker.heldBy.delete(thread)) worker.lastRequests.push(...requests);
    if (worker.heldBy.size > 0 || worker.running > 0 || shared.late.length > 0) return;
    if (!shared.leaving.delete(worker)) return;
    this.#workerRows.delete(worker.row);
    this.#freeWorkers.giveBack(worker.row);
    const newestFirst = worker.lastRequests.toSorted((a, b) => (b.endedAtMs ?? 0) - (a.endedAtMs ?? 0));
    const { endpointId } = shared.endpoint;
    const last = newestFirst.slice(0, LAST_REQUESTS_MAX);
    this.#parts.listener.workerLeft(endpointId, worker.worker.workerId, last);
    this.#over(shared, null);
  }

  async #bury(remains: Remains, thread: number): Promise<void> {
    const { shared, broken } = remains;
    const { listener, clock, closeGraceMs } = this.#parts;
    const { endpointId } = shared.endpoint;
    const { waited, ran } = await new Promise<ReturnType<typeof takeOff>>((resolve) => {
      const change = (): void => resolve(takeOff(remains, thread, this.table, clock.nowMs()));
      if (broken) this.#changes.makeLocked(shared, change);
      else this.#changes.make(shared, change);
    });
    for (let count = 0; count < waited; count += 1) listener.requestGone(endpointId);
    if (ran.length > 0) clock.schedule(closeGraceMs, () => this.#giveBackLost(shared, ran));
  }

  #giveBackLost(shared: SharedEndpoint, lost: readonly LostRequest[]): void {
    const { clock, listener } = this.#parts;
    const nowMs = clock.nowMs();
    this.#changes.make(shared, () => {
      for (const { worker } of lost) {
        this.table.add(worker.row, LOST, -1);
        if (worker.running === 0) this.table.setIdleSince(worker.row, nowMs);
      }
    });
    for (const { worker, arrivedAtMs, startedAtMs } of lost) {
      const { workerId, revision } = worker.worker;
      const waitedMs = Math.max(0, startedAtMs - arrivedAtMs);
      const runMs = Math.max(0, nowMs - startedAtMs);
      listener.requestEnded(shared.endpoint.endpointId, {
        workerId,
        revision,
        status: null,
        end: 'clientGone',
        waitedMs,
        runMs,
      });
      this.#left(shared, worker, null, []);
    }
  }

  #hearLink(link: ThreadLink): void {
    hearThread(link.ring, this.#hearer);
  }
}
