import { AppError } from '../../base/errors.ts';
import { admit, type Arrival } from '../../decide/admission/choice.ts';
import type { TrafficWorker } from '../../ports/traffic.ts';
import type { Places, PlacesHost } from '../places.ts';
import type { Ticket } from '../ticket.ts';
import type { WorkerSlots } from '../worker-slots.ts';
import { giveSlots } from './give-slots.ts';
import { SharedWorkerSlots } from './shared-worker-slots.ts';
import { FLAGS, DRAINING, SIZE, SLOTS, UNHEARD, type Row } from './shared-table.ts';
import type { ThreadRequests } from './thread-requests.ts';

export interface SharedPlacesParts {
  readonly requests: ThreadRequests;
  /** The endpoint's row. */
  readonly row: Row;
  rowOfWorker(worker: TrafficWorker): Row;
}

/** One endpoint's places as one gateway thread sees them: in the shared table, under the endpoint's lock. */
export class SharedPlaces implements Places {
  readonly #host: PlacesHost;
  readonly #parts: SharedPlacesParts;

  constructor(host: PlacesHost, parts: SharedPlacesParts) {
    this.#host = host;
    this.#parts = parts;
  }

  get waiting(): number {
    return this.#parts.requests.table.get(this.#parts.row, SIZE);
  }

  newSlots(worker: TrafficWorker, nowMs: number, monotonicMs: number): WorkerSlots {
    const { requests } = this.#parts;
    const { table, thread } = requests;
    const row = this.#parts.rowOfWorker(worker);
    const slots = new SharedWorkerSlots(
      worker,
      { nowMs, monotonicMs },
      {
        table,
        endpoint: this.#parts.row,
        row,
        thread,
      },
    );
    requests.workers.set(row, slots);
    return slots;
  }

  admit(ticket: Ticket, waitingLimit: number): Arrival<WorkerSlots> {
    const { requests, row } = this.#parts;
    const { table } = requests;
    const request = requests.newRow(ticket, this);
    if (request === null) throw noRow();
    const nowMs = this.#host.nowMs();
    table.lock(row, requests.holder);
    const arrival = admit(
      table.get(row, SIZE),
      waitingLimit,
      this.#host.workers.values(),
      table.get(row, SLOTS),
    );
    if (arrival.kind === 'start') table.enter(request, row, rowOf(arrival.worker), nowMs);
    else if (arrival.kind === 'wait') table.enter(request, row, row, nowMs);
    table.unlock(row);
    if (arrival.kind === 'start') arrival.worker.take(ticket);
    else if (arrival.kind === 'refuse') requests.freeRow(request);
    return arrival;
  }

  leave(ticket: Ticket): boolean {
    const { requests, row } = this.#parts;
    const { table } = requests;
    table.lock(row, requests.holder);
    const waits = table.listOf(ticket.row) === row;
    if (waits) table.remove(ticket.row);
    table.unlock(row);
    if (!waits) {
      // It has a slot, and only its own thread does not know yet.
      requests.takeGiven();
      const early = requests.forgetEarly(ticket.row);
      // Or the thread that gave it died before it could tell.
      if (!early && !table.marked(ticket.row, UNHEARD)) return false;
      this.#takeBack(ticket.row, false);
      this.fill();
    }
    requests.freeRow(ticket.row);
    return true;
  }

  giveBack(ticket: Ticket, slots: WorkerSlots, again: boolean): boolean {
    const { requests } = this.#parts;
    slots.giveBack(ticket, this.#host.nowMs());
    const drained = this.#takeBack(ticket.row, again);
    if (!again) requests.freeRow(ticket.row);
    return drained;
  }

  fill(): void {
    const { requests, row } = this.#parts;
    const { table, thread } = requests;
    if (table.get(row, SIZE) === 0) return;
    const woken = new Set<number>();
    table.lock(row, requests.holder);
    const workers = this.#host.workers.values() as Iterable<SharedWorkerSlots>;
    giveSlots(table, row, [...workers], {
      nowMs: this.#host.nowMs(),
      onGiven: (request, other) => {
        if (other === thread) requests.given(request);
        else if (table.tell(other, request)) woken.add(other);
      },
    });
    table.unlock(row);
    for (const other of woken) requests.wake(other);
    requests.takeGiven();
  }

  /** Another thread, or this one, gave it a slot. */
  started(ticket: Ticket, slots: SharedWorkerSlots): void {
    this.#parts.requests.table.unmark(ticket.row, UNHEARD);
    slots.take(ticket);
    this.#host.start(ticket, slots);
  }

  #takeBack(request: Row, again: boolean): boolean {
    const { requests, row } = this.#parts;
    const { table } = requests;
    table.lock(row, requests.holder);
    const worker = table.listOf(request);
    if (again) table.putBack(request, row);
    else table.remove(request);
    const idle = table.running(worker) === 0;
    if (idle) table.setIdleSince(worker, this.#host.nowMs());
    const drained = idle && (table.get(worker, FLAGS) & DRAINING) !== 0;
    table.unlock(row);
    return drained;
  }
}

function rowOf(slots: WorkerSlots): Row {
  return (slots as SharedWorkerSlots).row;
}

function noRow(): AppError {
  return new AppError(
    'QUEUE_FULL',
    'This gateway thread waits for too many connections to close; send the request again in a moment.',
    { retryAfterSeconds: 1 },
  );
}
