import type { Fleet } from '../fleet.ts';

/** The mean of a fleet's demand (running and waiting) over each of the last ticks. */
export class DemandAverages {
  readonly #ticks: Float64Array;
  #count = 0;
  #lastSeconds = 0;
  #lastAtS = 0;

  constructor(ticksKept: number) {
    this.#ticks = new Float64Array(ticksKept);
  }

  tick(fleet: Fleet): void {
    const tookS = fleet.nowS - this.#lastAtS;
    const mean =
      tookS > 0 ? (fleet.demandSeconds - this.#lastSeconds) / tookS : fleet.running + fleet.waiting;
    this.#lastSeconds = fleet.demandSeconds;
    this.#lastAtS = fleet.nowS;
    this.#ticks[this.#count % this.#ticks.length] = mean;
    this.#count += 1;
  }

  /** Over the last `ticks`, or as many as there were since the last reset. */
  over(ticks: number): number {
    const counted = Math.min(ticks, this.#count);
    let sum = 0;
    for (let back = 1; back <= counted; back += 1) {
      sum += this.#ticks[(this.#count - back) % this.#ticks.length] ?? 0;
    }
    return counted === 0 ? 0 : sum / counted;
  }

  /** Measures from now on, as after a time in which nothing was measured. */
  reset(fleet: Fleet): void {
    this.#count = 0;
    this.#lastSeconds = fleet.demandSeconds;
    this.#lastAtS = fleet.nowS;
  }
}
