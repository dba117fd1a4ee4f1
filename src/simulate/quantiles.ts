/** Bins grow by this factor, so a quantile is off by at most 1 % of its value. */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** The first bin holds everything below it. */
const FIRST = 1;

/**
 * Quantiles of any number of values from 0 up, in bounded memory: counts in bins that grow by a fixed
 * factor. Values below 1 count as 0; the largest is known exactly.
 */
export class Quantiles {
  readonly #bins: number[] = [];
  #count = 0;
  #largest = 0;

  get count(): number {
    return this.#count;
  }

  get largest(): number {
    return this.#largest;
  }

  add(value: number): void {
    const bin = value < FIRST ? 0 : 1 + Math.floor(Math.log(value / FIRST) / LOG_GROWTH);
    while (this.#bins.length <= bin) this.#bins.push(0);
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
    this.#count += 1;
    if (value > this.#largest) this.#largest = value;
  }

  addAll(other: Quantiles): void {
    for (const [bin, count] of other.#bins.entries()) {
      while (this.#bins.length <= bin) this.#bins.push(0);
      this.#bins[bin] = (this.#bins[bin] ?? 0) + count;
    }
    this.#count += other.#count;
    this.#largest = Math.max(this.#largest, other.#largest);
  }

  /** The value that `share` (0 to 1) of all values do not exceed; 0 when there is none. */
  at(share: number): number {
    const rank = Math.ceil(share * this.#count);
    let seen = 0;
    for (const [bin, count] of this.#bins.entries()) {
      seen += count;
      if (seen >= rank && count > 0) {
        return bin === 0 ? 0 : Math.min(this.#largest, FIRST * GROWTH ** (bin - 0.5));
      }
    }
    return 0;
  }
}
