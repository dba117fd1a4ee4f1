import type { WorkerId } from '../../base/ids.ts';
import type { WorkerPlaces } from '../../decide/admission/choice.ts';
import type { RequestTimeline } from '../../model/request-timeline.ts';
import type { EndpointLoad, TrafficEndpoint, TrafficWorker, WorkerLoad } from '../../ports/traffic.ts';
import { TIMES_SHOWN } from '../worker-slots.ts';
import { ANSWERED, CUT, MAIN_HOLDER, SIZE, type Row, type SharedTable } from './shared-table.ts';
import { openForMore, sampleLeft } from './shared-worker-slots.ts';

/**
 * How long the main thread waits for a lock. It is held for microseconds; by a thread that died in that
 * moment until the main thread hears of it, which must not wait for it therefore.
 */
export const PATIENCE_MS = 20;

/** One worker as the main thread sees it, and how control reads its load. */
export class SharedWorker implements WorkerPlaces, WorkerLoad {
  readonly row: Row;
  worker: TrafficWorker;
  /** Control was told that it is drained, and it was not taken back since. */
  drainTold = false;
  /** Once it is removed: the threads that have not said yet that none of their requests runs on it. */
  readonly heldBy = new Set<number>();
  /** Those it had last, as far as threads have told. */
  readonly lastRequests: RequestTimeline[] = [];
  readonly #endpoint: SharedEndpoint;

  constructor(worker: TrafficWorker, row: Row, endpoint: SharedEndpoint) {
    this.worker = worker;
    this.row = row;
    this.#endpoint = endpoint;
  }

  get preference(): number {
    return this.#endpoint.table.preference(this.row);
  }

  get running(): number {
    return this.#endpoint.table.running(this.row);
  }

  get open(): boolean {
    return openForMore(this.#endpoint.table, this.row);
  }

  get sampleLeft(): number | null {
    return sampleLeft(this.#endpoint.table, this.row);
  }

  get idleSinceMs(): number | null {
    const sinceMs = this.#endpoint.table.idleSinceMs(this.row);
    return sinceMs === 0 ? null : sinceMs;
  }

  get runningSinceMs(): readonly number[] {
    const { table } = this.#endpoint;
    return this.#endpoint.rowsOf(this.row, TIMES_SHOWN).map((row) => table.startedAtMs(row));
  }

  /** Start times of its requests that have no first byte yet. */
  unanswered(): readonly number[] {
    const { table } = this.#endpoint;
    return this.#endpoint
      .rowsOf(this.row, TIMES_SHOWN)
      .filter((row) => !table.marked(row, ANSWERED))
      .map((row) => table.startedAtMs(row));
  }

  /** How many of its requests are to be closed and were not yet; each counts once. */
  markCut(unansweredOnly: boolean): number {
    const { table } = this.#endpoint;
    let cut = 0;
    this.#endpoint.eachOf(this.row, Infinity, (row) => {
      if (table.marked(row, CUT) || (unansweredOnly && table.marked(row, ANSWERED))) return;
      table.mark(row, CUT);
      cut += 1;
    });
    return cut;
  }
}

/** One endpoint as the main thread sees it: what it put there, and a view of its load in the shared table. */
export class SharedEndpoint implements EndpointLoad {
  readonly table: SharedTable;
  readonly row: Row;
  endpoint: TrafficEndpoint;
  readonly workers = new Map<WorkerId, SharedWorker>();
  /** Removed, and something still runs on them or a thread has not said that nothing does. */
  readonly leaving = new Set<SharedWorker>();
  /** Once it is removed: the threads in which something of it is left; null before. */
  heldBy: Set<number> | null = null;
  /** Changes that wait for the lock, in their order. */
  readonly late: { readonly change: () => void; readonly after: () => void }[] = [];

  constructor(endpoint: TrafficEndpoint, row: Row, table: SharedTable) {
    this.endpoint = endpoint;
    this.row = row;
    this.table = table;
  }

  get waiting(): number {
    return this.table.get(this.row, SIZE);
  }

  get waitingSinceMs(): readonly number[] {
    return this.rowsOf(this.row, TIMES_SHOWN).map((row) => this.table.arrivedAtMs(row));
  }

  get oldestWaitingSinceMs(): number | null {
    const [oldest] = this.waiting === 0 ? [] : this.rowsOf(this.row, 1);
    return oldest === undefined ? null : this.table.arrivedAtMs(oldest);
  }

  get earliestDeadlineMs(): number | null {
    const oldestMs = this.oldestWaitingSinceMs;
    return oldestMs === null ? null : oldestMs + this.endpoint.requestTimeoutMs;
  }

  get running(): number {
    let running = 0;
    for (const worker of this.allWorkers()) running += worker.running;
    return running;
  }

  *allWorkers(): IterableIterator<SharedWorker> {
    yield* this.workers.values();
    yield* this.leaving;
  }

  /** The first requests of a list of this endpoint. Without the lock, when it cannot be had: then some may be missing. */
  rowsOf(list: Row, limit: number): readonly Row[] {
    const rows: Row[] = [];
    this.eachOf(list, limit, (row) => rows.push(row));
    return rows;
  }

  /** As `rowsOf`, while they are what they are: none of them ends, and becomes another request, before this returns. */
  eachOf(list: Row, limit: number, visit: (row: Row) => void): void {
    const locked = this.table.lock(this.row, MAIN_HOLDER, PATIENCE_MS);
    let row = this.table.first(list);
    for (let left = limit; row !== 0 && left > 0; left -= 1) {
      if (this.table.listOf(row) !== list) break;
      visit(row);
      row = this.table.next(row);
    }
    if (locked) this.table.unlock(this.row);
  }
}
