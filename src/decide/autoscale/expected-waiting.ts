/** A queue, and the slots it can count on. Times in milliseconds from now, rates per millisecond. */
export interface QueueOutlook {
  readonly waiting: number;
  readonly arrivalRate: number;
  /** Slots of ready workers, free or busy. */
  readonly slots: number;
  readonly slotsPerWorker: number;
  readonly serviceTimeMs: number;
  readonly starting: StartingOutlook;
}

/** When the workers on their way are expected to be ready, soonest first, and how many are then. */
export interface StartingOutlook {
  readonly readyInMs: readonly number[];
  readonly workers: readonly number[];
}

/** Workers that start together are told apart up to here; beyond, neighbours count as ready with the last of them. */
const STEPS_MAX = 16;

/** `readyInMs` is sorted, soonest first. */
export function startingOutlook(readyInMs: readonly number[]): StartingOutlook {
  const together = Math.ceil(readyInMs.length / STEPS_MAX);
  if (together <= 1) return { readyInMs, workers: readyInMs.map(() => 1) };
  const times: number[] = [];
  const workers: number[] = [];
  for (let first = 0; first < readyInMs.length; first += together) {
    const last = Math.min(first + together, readyInMs.length) - 1;
    times.push(readyInMs[last]!);
    workers.push(last - first + 1);
  }
  return { readyInMs: times, workers };
}

/**
 * Expected waiting (requests × milliseconds) from now until the queue is empty, with `added` workers
 * more that are ready after `startMs`: the queue as a fluid that arrives at its rate and drains by one
 * request a slot and service time, and at once by one for each worker that becomes ready. Beyond
 * `horizonMs` nothing arrives any more: what comes then can be helped by a later decision.
 */
export function expectedWaiting(
  outlook: QueueOutlook,
  added: number,
  startMs: number,
  horizonMs: number,
): number {
  const { arrivalRate, slotsPerWorker, serviceTimeMs, starting } = outlook;
  let atMs = 0;
  let queue = outlook.waiting;
  let slots = outlook.slots;
  let area = 0;
  let step = 0;
  let takesAdded = added > 0;
  while (atMs < horizonMs) {
    const stepMs = starting.readyInMs[step] ?? Infinity;
    const addedNext = takesAdded && startMs <= stepMs;
    const nextMs = Math.min(addedNext ? startMs : stepMs, horizonMs);
    const growth = arrivalRate - slots / serviceTimeMs;
    const forMs = Math.max(0, nextMs - atMs);
    const after = queue + growth * forMs;
    if (after >= 0) {
      area += ((queue + after) / 2) * forMs;
      queue = after;
    } else {
      area += (queue * queue) / (-2 * growth);
      queue = 0;
    }
    // Capacity only grows from here: a queue that is empty and shrinking stays so.
    if (queue === 0 && growth <= 0) return area;
    atMs = nextMs;
    const came = addedNext ? added : (starting.workers[step] ?? 0);
    if (addedNext) takesAdded = false;
    else step += 1;
    slots += came * slotsPerWorker;
    // A new worker is free: it ends a wait at once. That all its slots do so was tried and let queues of
    // workers with many slots look shorter than they became, while the rate was still rising.
    queue = Math.max(0, queue - came);
  }
  return queue === 0 ? area : area + (queue * queue * serviceTimeMs) / (2 * Math.max(1, slots));
}
