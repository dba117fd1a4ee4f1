import type { Ticket } from '../ticket.ts';
import type { SharedPlaces } from './shared-places.ts';
import type { SharedWorkerSlots } from './shared-worker-slots.ts';
import { FreeRows, UNHEARD, type Row, type SharedTable } from './shared-table.ts';

/** One gateway thread's side of the shared table: which request has which row, and which worker. */
export class ThreadRequests {
  readonly table: SharedTable;
  readonly thread: number;
  /** Wakes a thread whose inbox was empty. */
  readonly wake: (thread: number) => void;
  readonly workers = new Map<Row, SharedWorkerSlots>();
  readonly #free: FreeRows;
  /**
   * Whose each row is, by its place among this thread's. No Map: where members come and go all the time,
   * its outgrown tables hold each other and what was in them until the next full collection.
   */
  readonly #tickets: (Ticket | null)[];
  readonly #places: (SharedPlaces | null)[];
  readonly #first: Row;
  /** They have a slot, and are started in a moment, or once this thread is told of their worker. */
  #early: Row[] = [];

  constructor(table: SharedTable, thread: number, wake: (thread: number) => void) {
    this.table = table;
    this.thread = thread;
    this.wake = wake;
    const { requestsPerThread } = table.memory;
    this.#first = table.requestsOf(thread);
    this.#free = new FreeRows('requests', this.#first, requestsPerThread);
    this.#tickets = Array.from({ length: requestsPerThread }, () => null);
    this.#places = Array.from({ length: requestsPerThread }, () => null);
  }

  /** How this thread is known to locks. */
  get holder(): number {
    return this.thread + 1;
  }

  /** Null when there is none: more clients left within moments than connections are taken at a time. */
  newRow(ticket: Ticket, places: SharedPlaces): Row | null {
    const row = this.#free.takeOrNull();
    if (row === null) return null;
    ticket.row = row;
    this.#tickets[row - this.#first] = ticket;
    this.#places[row - this.#first] = places;
    return row;
  }

  freeRow(row: Row): void {
    this.#tickets[row - this.#first] = null;
    this.#places[row - this.#first] = null;
    this.#free.giveBack(row);
  }

  /** This thread gave a slot to one of its own; `takeGiven` starts it. */
  given(row: Row): void {
    this.#early.push(row);
  }

  /** Starts what was given slots. */
  takeGiven(): void {
    for (const row of this.table.takeInbox(this.thread)) this.#early.push(row);
    if (this.#early.length === 0) return;
    const rows = this.#early;
    this.#early = [];
    for (const row of rows) if (!this.#start(row)) this.#early.push(row);
  }

  /** A thread died while it gave slots: what it gave to requests of ours may not have come into the inbox. */
  takeUntold(): void {
    this.takeGiven();
    for (const ticket of this.#tickets) {
      if (ticket === null) continue;
      const { row } = ticket;
      if (this.table.marked(row, UNHEARD) && !this.#early.includes(row) && !this.#start(row)) {
        this.#early.push(row);
      }
    }
  }

  /** True when it has a slot and waits for word of its worker; it does so no more. */
  forgetEarly(row: Row): boolean {
    const before = this.#early.length;
    this.#early = this.#early.filter((early) => early !== row);
    return this.#early.length < before;
  }

  /** False when its worker is not known here yet. */
  #start(row: Row): boolean {
    const ticket = this.#tickets[row - this.#first] ?? null;
    // Started already, by `takeUntold`.
    if (ticket === null || !this.table.marked(row, UNHEARD)) return true;
    const slots = this.workers.get(this.table.listOf(row));
    if (slots === undefined) return false;
    this.#places[row - this.#first]?.started(ticket, slots);
    return true;
  }
}
