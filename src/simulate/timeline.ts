import { Quantiles } from './quantiles.ts';

/** Buckets in the end; while it grows there may be twice as many. */
const BUCKETS_MAX = 60;
const FIRST_WIDTH_MS = 1_000;

export interface TimelineBucket {
  /** From the first arrival on. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly arrivals: number;
  /** Of the requests that arrived in it; 0 when there was none. */
  readonly p95WaitMs: number;
  /** Mean number of workers that ran. */
  readonly workers: number;
}

interface Bucket {
  arrivals: number;
  readonly waits: Quantiles;
  workerMs: number;
}

/**
 * What happened over time, in a fixed number of equal buckets although nobody knows beforehand how
 * long it will be: where the time outgrows them, two become one.
 */
export class Timeline {
  #widthMs = FIRST_WIDTH_MS;
  #buckets: Bucket[] = [];

  arrival(atMs: number): void {
    this.#at(atMs).arrivals += 1;
  }

  /** Of a request that arrived at `arrivedMs`. */
  wait(arrivedMs: number, waitedMs: number): void {
    this.#at(arrivedMs).waits.add(waitedMs);
  }

  /** So many workers ran from one time to another. */
  workers(fromMs: number, toMs: number, count: number): void {
    if (count === 0 || toMs <= fromMs) return;
    // Makes room for the end first: the width may change by it.
    this.#at(toMs);
    let beginMs = fromMs;
    while (beginMs < toMs) {
      const index = Math.floor(beginMs / this.#widthMs);
      const endMs = Math.min(toMs, (index + 1) * this.#widthMs);
      this.#at(beginMs).workerMs += (endMs - beginMs) * count;
      beginMs = endMs;
    }
  }

  buckets(untilMs: number): readonly TimelineBucket[] {
    if (untilMs <= 0) return [];
    this.#at(untilMs);
    while (this.#buckets.length > BUCKETS_MAX) this.#halve();
    return this.#buckets
      .map(({ arrivals, waits, workerMs }, index) => {
        const fromMs = index * this.#widthMs;
        const toMs = Math.min(untilMs, fromMs + this.#widthMs);
        const workers = toMs > fromMs ? workerMs / (toMs - fromMs) : 0;
        return { fromMs, toMs, arrivals, p95WaitMs: waits.at(0.95), workers };
      })
      .filter(({ fromMs, toMs, arrivals }) => toMs > fromMs || arrivals > 0);
  }

  #at(atMs: number): Bucket {
    while (atMs >= 2 * BUCKETS_MAX * this.#widthMs) this.#halve();
    const index = Math.max(0, Math.floor(atMs / this.#widthMs));
    while (this.#buckets.length <= index) {
      this.#buckets.push({ arrivals: 0, waits: new Quantiles(), workerMs: 0 });
    }
    return this.#buckets[index] as Bucket;
  }

  #halve(): void {
    this.#widthMs *= 2;
    const merged: Bucket[] = [];
    for (const [index, bucket] of this.#buckets.entries()) {
      const before = merged[index >> 1];
      if (before === undefined) {
        merged.push(bucket);
        continue;
      }
      before.arrivals += bucket.arrivals;
      before.waits.addAll(bucket.waits);
      before.workerMs += bucket.workerMs;
    }
    this.#buckets = merged;
  }
}
