import { Evidence } from './evidence.ts';

/** Times kept for one band of load; further ones are not tested, so that the guard's work has an end. */
const POOL_LIMIT = 1_500;
/** Exponents of the bets: a high one wins much from times above nearly all others, a low one from many above most. */
const POWERS = [1.5, 3, 8];
/** Part of the evidence that is bet each time: one very short time must not end the test. */
const STAKE = 0.75;
/** A difference below it is the noise of a machine, whatever the factor. */
const FLOOR_MS = 20;

/**
 * Evidence that the target takes longer to the first byte than the stable revision by more than a
 * factor, from the times of both in the order in which they come.
 *
 * Hypothesis: both take equally long, so all times of one band are exchangeable. Then the rank of
 * each new one among those before it is uniform and independent of the earlier ranks (Rényi 1962),
 * whatever their distribution: with r of m earlier times below it, u = r / (m + 1), the factor
 * k·u^(k−1) has an expectation of at most 1, as Σ k·(r/(m+1))^(k−1) / (m+1) is a lower sum of
 * ∫ k·u^(k−1) = 1, and so has a stake on it with the rest kept. This is the power betting of conformal test martingales (Vovk, Gammerman and
 * Shafer, "Algorithmic Learning in a Random World", ch. 8). Here r counts only those times that are
 * exceeded by the factor and by 20 ms: r and the factor only get smaller. So the products are
 * bounded by e-processes, and so is their mean over k: 1/α is reached with probability α at most, at
 * any stopping time. Both revisions' times join the pool; only the target's are bet on.
 *
 * Bands keep like with like: requests that ran beside equally many others on their worker, by powers
 * of two. A target that is given more load is slower for that alone. Where a band has no time of the
 * stable revision, the next higher one serves: it is slower, if anything.
 */
export class SlownessTest {
  readonly #factor: number;
  readonly #evidence = new Evidence(POWERS.length);
  /** Ascending, by band. */
  readonly #pools = new Map<number, { readonly times: number[]; stable: number }>();
  #tested = 0;

  constructor(factor: number, remembered: readonly { readonly ms: number; readonly beside: number }[]) {
    this.#factor = factor;
    for (const { ms, beside } of remembered) this.stable(ms, beside);
  }

  /** How many times of the target were held against some of the stable revision. */
  get tested(): number {
    return this.#tested;
  }

  get value(): number {
    return this.#evidence.value();
  }

  stable(ms: number, beside: number): void {
    const pool = this.#poolOf(bandOf(beside));
    if (pool.times.length >= POOL_LIMIT) return;
    insert(pool.times, ms);
    pool.stable += 1;
  }

  target(ms: number, beside: number): void {
    const pool = this.#comparable(bandOf(beside));
    if (pool === undefined || pool.times.length >= POOL_LIMIT) return;
    const below = countBelow(pool.times, Math.min(ms / this.#factor, ms - FLOOR_MS));
    const place = below / (pool.times.length + 1);
    this.#evidence.multiply(POWERS.map((power) => 1 - STAKE + STAKE * power * place ** (power - 1)));
    insert(pool.times, ms);
    this.#tested += 1;
  }

  #comparable(band: number): { readonly times: number[]; stable: number } | undefined {
    const bands = [...this.#pools].filter(([at, { stable }]) => at >= band && stable > 0);
    return bands.sort(([a], [b]) => a - b)[0]?.[1];
  }

  #poolOf(band: number): { readonly times: number[]; stable: number } {
    const known = this.#pools.get(band);
    if (known !== undefined) return known;
    const pool = { times: [], stable: 0 };
    this.#pools.set(band, pool);
    return pool;
  }
}

/** `beside`: requests on the worker when it began, itself included. */
function bandOf(beside: number): number {
  return Math.ceil(Math.log2(Math.max(1, beside)));
}

/** How many of ascending `times` are below `limit`. */
function countBelow(times: readonly number[], limit: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? Infinity) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(times: number[], ms: number): void {
  times.splice(countBelow(times, ms), 0, ms);
}
