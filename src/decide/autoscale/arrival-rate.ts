/** Bursts are looked for over these windows. */
const BURST_WINDOWS_MS: readonly number[] = [4_000, 16_000, 64_000];
/** A burst counts with what it has at the least: its mean less so many standard deviations. */
const BURST_DOUBT = 2;
/** What was not seen yet counts as so much of the window at the least: two at once are no rate. */
const SEEN_MIN = 0.2;

/** How often requests come now, from faded counts over one long window and some short ones. */
export class ArrivalRate {
  #count = 0;
  #seen = 0;
  readonly #bursts = new Float64Array(BURST_WINDOWS_MS.length);
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  arrived(nowMs: number, windowMs: number): void {
    const forMs = nowMs - this.#atMs;
    const left = Math.exp(-forMs / windowMs);
    this.#count = this.#count * left + 1;
    this.#seen = this.#seen * left + (1 - left);
    for (let index = 0; index < BURST_WINDOWS_MS.length; index += 1) {
      this.#bursts[index] = this.#bursts[index]! * Math.exp(-forMs / BURST_WINDOWS_MS[index]!) + 1;
    }
    this.#atMs = nowMs;
  }

  /**
   * Arrivals a millisecond. It is asked when a request has just come, so that one is left out: the
   * first request of an endpoint, or the only one in an hour, says nothing of others. A burst shorter
   * than `aheadMs`, the time that is looked ahead, is not taken to go on through all of it.
   */
  at(nowMs: number, windowMs: number, aheadMs: number): number {
    const forMs = Math.max(0, nowMs - this.#atMs);
    const others = Math.max(0, this.#count - 1) * Math.exp(-forMs / windowMs);
    let rate = others / Math.max(SEEN_MIN, this.#seen) / windowMs;
    for (let index = 0; index < BURST_WINDOWS_MS.length; index += 1) {
      const burstMs = BURST_WINDOWS_MS[index]!;
      const count = this.#bursts[index]! * Math.exp(-forMs / burstMs);
      rate = Math.max(rate, (count - BURST_DOUBT * Math.sqrt(count)) / Math.max(burstMs, aheadMs));
    }
    return rate;
  }
}
