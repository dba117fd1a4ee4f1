import { chooseWorker, type WorkerPlaces } from '../../decide/admission/choice.ts';
import { SIZE, SLOTS, type Row, type SharedTable } from './shared-table.ts';

/**
 * Gives free slots to the requests that wait, the oldest of all threads first, until no slot is free or
 * nobody waits. Under the endpoint's lock. `onGiven` is told the thread that has the request.
 */
export function giveSlots(
  table: SharedTable,
  endpoint: Row,
  workers: readonly (WorkerPlaces & { readonly row: Row })[],
  { nowMs, onGiven }: { readonly nowMs: number; readonly onGiven: (request: Row, thread: number) => void },
): void {
  while (table.get(endpoint, SIZE) > 0) {
    const worker = chooseWorker(workers, table.get(endpoint, SLOTS));
    if (worker === null) return;
    const request = table.first(endpoint);
    table.give(request, worker.row, nowMs);
    onGiven(request, table.threadOf(request));
  }
}
