/** What the choice of a worker looks at. */
export interface WorkerPlaces {
  /** Higher is asked first; workers of one preference share by load. */
  readonly preference: number;
  readonly running: number;
  /** False while it takes no new request: it drains, or it refused a connection a moment ago. */
  readonly open: boolean;
  /** How many more requests it may be given; null when there is no such limit. */
  readonly sampleLeft: number | null;
}

/**
 * The worker the next request goes to: the least loaded of the highest preference that has a free
 * slot, the earlier one on a tie. Null when no slot is free.
 */
export function chooseWorker<W extends WorkerPlaces>(workers: Iterable<W>, slotsPerWorker: number): W | null {
  let best: W | null = null;
  for (const worker of workers) {
    if (!worker.open || worker.running >= slotsPerWorker || worker.sampleLeft === 0) continue;
    if (
      best === null ||
      worker.preference > best.preference ||
      (worker.preference === best.preference && worker.running < best.running)
    ) {
      best = worker;
    }
  }
  return best;
}

export type Arrival<W> =
  | { readonly kind: 'start'; readonly worker: W }
  | { readonly kind: 'wait' }
  | { readonly kind: 'refuse' };

/**
 * What becomes of a request that arrives. One that finds others waiting waits behind them, even if
 * a slot looks free: nobody goes past those that were there first.
 */
export function admit<W extends WorkerPlaces>(
  waiting: number,
  waitingLimit: number,
  workers: Iterable<W>,
  slotsPerWorker: number,
): Arrival<W> {
  const worker = waiting === 0 ? chooseWorker(workers, slotsPerWorker) : null;
  if (worker !== null) return { kind: 'start', worker };
  return waiting < waitingLimit ? { kind: 'wait' } : { kind: 'refuse' };
}
