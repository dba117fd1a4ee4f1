import type { SharedEndpoint, SharedWorker } from './shared-endpoint.ts';
import { LOST, MAIN_HOLDER, RESTING, type Row, type SharedTable } from './shared-table.ts';

/** A request that ran in a thread that died. */
export interface LostRequest {
  readonly worker: SharedWorker;
  readonly arrivedAtMs: number;
  readonly startedAtMs: number;
}

/** What a dead thread leaves behind of one endpoint. */
export interface Remains {
  readonly shared: SharedEndpoint;
  readonly rows: readonly Row[];
  /** It died while it held the endpoint's lock, which the main thread holds now. */
  readonly broken: boolean;
}

/** Endpoints in which a thread that died stood in line, held slots, let a worker rest or held the lock. */
export function remainsOf(
  thread: number,
  table: SharedTable,
  endpoints: Iterable<SharedEndpoint>,
): readonly Remains[] {
  const rows = table.requestsByEndpoint(thread);
  return [...endpoints].flatMap((shared) => {
    const own = rows.get(shared.row) ?? [];
    const broken = table.breakLock(shared.row, thread + 1, MAIN_HOLDER);
    const rests = [...shared.allWorkers()].some(({ row }) => table.get(row, RESTING) === thread + 1);
    return broken || own.length > 0 || rests ? [{ shared, rows: own, broken }] : [];
  });
}

/**
 * Takes a dead thread's requests off the endpoint. Under its lock. Slots stay in use, as `LOST`: the
 * kernel has closed the thread's connections, but a worker may not have noticed yet, and there is nobody
 * left who would see it close its side. They come back when a worker that does not close is reset, too.
 * Returns how many waited, and those that ran.
 */
export function takeOff(
  { shared, rows, broken }: Remains,
  thread: number,
  table: SharedTable,
  nowMs: number,
): { readonly waited: number; readonly ran: readonly LostRequest[] } {
  const workers = new Map([...shared.allWorkers()].map((worker) => [worker.row, worker]));
  const ran: LostRequest[] = [];
  let waited = 0;
  for (const row of rows) {
    const worker = workers.get(table.listOf(row));
    if (worker === undefined) waited += 1;
    else {
      ran.push({ worker, arrivedAtMs: table.arrivedAtMs(row), startedAtMs: table.startedAtMs(row) });
      table.add(worker.row, LOST, 1);
    }
    // Lists that are made anew need no care, and could not take it.
    if (broken) table.forget(row);
    else table.remove(row);
  }
  if (broken) table.rebuild(shared.row, [...workers.keys()], nowMs);
  for (const row of workers.keys()) table.exchangeIf(row, RESTING, thread + 1, 0);
  return { waited, ran };
}
