/**
 * When each waiting request will get a slot, walking the queue in order over the slots as they fall
 * free. Times are epoch milliseconds; the result is the total wait of each request, from its arrival.
 */
export interface SlotForecast {
  readonly nowMs: number;
  readonly waitingSinceMs: readonly number[];
  /** When each slot, free or busy or of a worker still starting, can take its next request. */
  readonly slotFreeAtMs: readonly number[];
  /** How long a request holds a slot. */
  readonly serviceTimeMs: number;
}

export function predictedWaits(forecast: SlotForecast): number[] {
  if (forecast.slotFreeAtMs.length === 0) return forecast.waitingSinceMs.map(() => Infinity);
  const heap = [...forecast.slotFreeAtMs].map((time) => Math.max(time, forecast.nowMs)).sort((a, b) => a - b);
  return forecast.waitingSinceMs.map((sinceMs) => {
    const freeAtMs = heap[0] ?? Infinity;
    replaceSmallest(heap, freeAtMs + forecast.serviceTimeMs);
    return freeAtMs - sinceMs;
  });
}

/** `heap` is a sorted array, which is a valid binary heap; the root is replaced and sinks to its place. */
function replaceSmallest(heap: number[], value: number): void {
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child = right < heap.length && at(heap, right) < at(heap, left) ? right : left;
    if (at(heap, child) >= value) break;
    heap[index] = at(heap, child);
    index = child;
  }
  heap[index] = value;
}

function at(heap: readonly number[], index: number): number {
  return heap[index] ?? Infinity;
}

/**
 * How long a request that has run for `elapsedMs` will go on. Below the mean: the rest of the mean.
 * Beyond it, or with no mean known, as long again as it has run: the longer something has lasted,
 * the longer it is likely to last.
 */
export function residualMs(elapsedMs: number, meanMs: number | null): number {
  if (meanMs === null || elapsedMs >= meanMs) return Math.max(0, elapsedMs);
  return meanMs - elapsedMs;
}
