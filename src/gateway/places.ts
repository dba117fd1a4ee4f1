import type { WorkerId } from '../base/ids.ts';
import type { LinkedQueue } from '../base/linked-queue.ts';
import { admit, chooseWorker, type Arrival } from '../decide/admission/choice.ts';
import type { TrafficEndpoint, TrafficWorker } from '../ports/traffic.ts';
import type { Ticket } from './ticket.ts';
import { WorkerSlots } from './worker-slots.ts';

/** What an endpoint's places ask of the queue that they serve. */
export interface PlacesHost {
  readonly endpoint: TrafficEndpoint;
  /** Those that wait here, oldest first. */
  readonly line: LinkedQueue<Ticket>;
  readonly workers: ReadonlyMap<WorkerId, WorkerSlots>;
  nowMs(): number;
  /** A request that waited has got a slot. */
  start(ticket: Ticket, slots: WorkerSlots): void;
}

/**
 * Who waits for an endpoint's slots and who has them: the one thing that gateway threads must agree
 * on. All else of a request is its own thread's business.
 */
export interface Places {
  /** Requests that wait, on all threads. */
  readonly waiting: number;
  newSlots(worker: TrafficWorker, nowMs: number, monotonicMs: number): WorkerSlots;
  /** What becomes of a request that arrives; one that gets a slot is counted already, one that waits stands in line. */
  admit(ticket: Ticket, waitingLimit: number): Arrival<WorkerSlots>;
  /** Takes a request out of the line. False: it has got a slot in this very moment, and `start` was called. */
  leave(ticket: Ticket): boolean;
  /** Its slot comes back; `again`: it goes to the front of the line. True when that was a draining worker's last one. */
  giveBack(ticket: Ticket, slots: WorkerSlots, again: boolean): boolean;
  /** Gives free slots to those that wait, the oldest first. */
  fill(): void;
}

/** The places of the only thread there is: all of it happens in one turn, so nothing needs a lock. */
export class OwnPlaces implements Places {
  readonly #host: PlacesHost;

  constructor(host: PlacesHost) {
    this.#host = host;
  }

  get waiting(): number {
    return this.#host.line.size;
  }

  newSlots(worker: TrafficWorker, nowMs: number, monotonicMs: number): WorkerSlots {
    return new WorkerSlots(worker, nowMs, monotonicMs);
  }

  admit(ticket: Ticket, waitingLimit: number): Arrival<WorkerSlots> {
    const { line, workers, endpoint } = this.#host;
    const arrival = admit(line.size, waitingLimit, workers.values(), endpoint.slotsPerWorker);
    if (arrival.kind === 'start') arrival.worker.take(ticket);
    return arrival;
  }

  leave(_ticket: Ticket): boolean {
    return true;
  }

  giveBack(ticket: Ticket, slots: WorkerSlots, _again: boolean): boolean {
    slots.giveBack(ticket, this.#host.nowMs());
    return slots.draining && !slots.removed && slots.running === 0;
  }

  fill(): void {
    const { line, workers, endpoint } = this.#host;
    while (line.size > 0) {
      const slots = chooseWorker(workers.values(), endpoint.slotsPerWorker);
      if (slots === null) return;
      const ticket = line.peek();
      if (ticket === undefined) return;
      slots.take(ticket);
      this.#host.start(ticket, slots);
    }
  }
}
