import type { WorkerPlaces } from '../../src/decide/admission/choice.ts';
import type { Row, SharedTable } from '../../src/gateway/threads/shared-table.ts';

/** Workers that take all they have slots for, as the table has them. */
export function tablePlaces(
  table: SharedTable,
  workers: readonly Row[],
): readonly (WorkerPlaces & { readonly row: Row })[] {
  return workers.map((row) => ({
    row,
    preference: 0,
    open: true,
    sampleLeft: null,
    get running() {
      return table.running(row);
    },
  }));
}
