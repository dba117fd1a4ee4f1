import { AppError } from '../../base/errors.ts';
import { readArrivalChunk } from '../../model/arrival-chunk.ts';
import { SIZE_CLASS_MAX, type Arrival } from '../../model/arrival.ts';
import { Quantiles } from '../quantiles.ts';
import type { RequestList } from './request-list.ts';

/**
 * The recorded requests that arrived in a span of time, sorted by arrival. A request that never ran,
 * because it timed out or was refused, or its client left, would have run if it had been given a
 * slot: it gets the median run time of its size class. Rejected ones asked for no worker.
 */
export function recordedRequests(chunks: readonly Uint8Array[], fromMs: number, toMs: number): RequestList {
  const arrivals: number[] = [];
  const runs: number[] = [];
  const classes: number[] = [];
  const known = new RunTimes();
  const waits = new Quantiles();
  const ends = { served: 0, timedOut: 0, refused: 0 };
  for (const chunk of chunks) {
    for (const arrival of readArrivalChunk(chunk)) {
      const arrivalMs = arrival.endedAtMs - arrival.waitMs - arrival.runMs;
      if (arrivalMs < fromMs || arrivalMs > toMs || arrival.outcome === 'rejected') continue;
      const ran = hasRun(arrival);
      arrivals.push(arrivalMs);
      classes.push(arrival.sizeClass);
      runs.push(ran ? arrival.runMs : -1);
      if (ran) known.add(arrival.sizeClass, arrival.runMs);
      count(arrival, ends);
      if (arrival.outcome !== 'refused') waits.add(arrival.waitMs);
    }
  }
  if (arrivals.length > 0 && known.count === 0) {
    throw new AppError(
      'NO_ARRIVALS',
      `${arrivals.length} requests were recorded, but none of them ever ran, so nobody knows how long they take. Let some be served, or give a trace.`,
    );
  }
  const order = Uint32Array.from(arrivals, (_, index) => index);
  order.sort((one, other) => (arrivals[one] ?? 0) - (arrivals[other] ?? 0) || one - other);
  let assumedRuns = 0;
  const serviceMs = Float64Array.from(order, (index) => {
    const runMs = runs[index] ?? -1;
    if (runMs >= 0) return runMs;
    assumedRuns += 1;
    return known.median(classes[index] ?? 0);
  });
  const firstMs = arrivals[order[0] ?? 0] ?? fromMs;
  return {
    span: { beforeMs: firstMs - fromMs, totalMs: toMs - fromMs },
    arrivalMs: Float64Array.from(order, (index) => arrivals[index] ?? 0),
    serviceMs,
    assumedRuns,
    recorded: {
      ...ends,
      waits: { p50Ms: waits.at(0.5), p95Ms: waits.at(0.95), p99Ms: waits.at(0.99), maxMs: waits.largest },
    },
  };
}

/** Run times by size class. */
class RunTimes {
  readonly #all = new Quantiles();
  readonly #byClass = Array.from({ length: SIZE_CLASS_MAX + 1 }, () => new Quantiles());

  get count(): number {
    return this.#all.count;
  }

  add(sizeClass: number, runMs: number): void {
    this.#all.add(runMs);
    this.#byClass[sizeClass]?.add(runMs);
  }

  /** Of the class; of all requests where none of the class has run. */
  median(sizeClass: number): number {
    const own = this.#byClass[sizeClass];
    return own !== undefined && own.count > 0 ? own.at(0.5) : this.#all.at(0.5);
  }
}

function hasRun({ outcome, runMs }: Arrival): boolean {
  if (outcome === 'clientGone') return runMs > 0;
  return outcome !== 'timedOutWaiting' && outcome !== 'refused';
}

function count({ outcome }: Arrival, ends: { served: number; timedOut: number; refused: number }): void {
  if (outcome === 'answered' || outcome === 'failed') ends.served += 1;
  else if (outcome === 'timedOutWaiting' || outcome === 'timedOutRunning') ends.timedOut += 1;
  else if (outcome === 'refused') ends.refused += 1;
}
