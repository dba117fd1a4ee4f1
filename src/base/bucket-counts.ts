/**
 * How many values were at most as large as each of some bounds, how many there were in all, and their
 * sum. Noting one makes no objects and takes a few comparisons: it is done for every request.
 */
export class BucketCounts {
  readonly #bounds: Float64Array;
  /** One for each bound, and the last one for what is larger. */
  readonly #counts: Float64Array;
  #sum = 0;

  /** `bounds`: rising. */
  constructor(bounds: readonly number[]) {
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  get sum(): number {
    return this.#sum;
  }

  note(value: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index += 1;
    this.#counts[index]! += 1;
    this.#sum += value;
  }

  /** For each bound how many values were not above it; the last of them is how many there were in all. */
  upTo(): readonly number[] {
    let seen = 0;
    return Array.from(this.#counts, (count) => {
      seen += count;
      return seen;
    });
  }
}
