import { Evidence } from './evidence.ts';
import { binomialUpperBound } from './tails.ts';

/** Stable outcomes held against one of the target, at most. More of them make one failure tell more. */
const BLOCK_MAX = 10;
/** They are spent so that a small remembered sample lasts: a block takes this share of those left. */
const BLOCK_SHARE = 1 / 30;
/** Outcomes of the stable revision that wait to be held against the target's. */
const STABLE_LIMIT = 2_000;
/** How much more often than the stable revision a bad target fails: each is bet on with an equal part. */
const EXCESSES = [0.04, 0.15, 0.5, 0.9];
const SHARE_LIMIT = 0.98;
/** What is thought of the stable revision before its outcomes say more: 1 failure in 400. */
const PRIOR_FAILURES = 0.5;
const PRIOR_OUTCOMES = 200;
/** The probability with which the stable revision's share of failures is above the bound taken for it. */
const BOUND_ALPHA = 0.001;
/** The bound for a stable revision of which fewer outcomes are known, all of them sound. */
const UNKNOWN_BELOW = 10;
const UNKNOWN_BOUND = 0.1;

/**
 * Evidence that the target fails more often than the stable revision, from the outcomes of both in
 * the order in which they come (true: it failed). It is the mean of two e-processes of the hypothesis
 * that the target's share of failures θt is not above the stable one's, θs.
 *
 * **Side by side.** One outcome of the target and n of the stable revision form a block, and its
 * factor is the likelihood ratio
 *
 *     p(y; θt*) · Π p(yi; θs*)  /  p(y; θ0) · Π p(yi; θ0)      θ0 = (θt* + n·θs*) / (n + 1)
 *
 * of Turner, Ly and Grünwald, "Generic E-Variables for Exact Sequential k-Sample Tests that allow
 * for Optional Stopping" (arXiv 2106.02693): its expectation is at most 1 for every θt = θs, whatever
 * θt* and θs* are. The factor rises with the target's failure and falls with the stable one's because
 * θt* > θ0 > θs*, so the expectation is at most 1 for θt < θs too. θs* is estimated from earlier
 * blocks alone, every outcome is used once, and θt* = θs* + excess for each of four excesses.
 *
 * **Against a bound.** Stable outcomes get used up where no stable worker serves any more. So the
 * target is also held, for as long as it lasts, against the share that the stable revision's is not
 * above with 99.9 % (Clopper and Pearson) by what was known of it before the target's first outcome:
 * the factor is the plain likelihood ratio against that share. A stable revision that hardly served
 * would excuse everything, so one in ten is assumed for it: this alone departs from the stated rate,
 * and only where fewer than ten outcomes are known and more than one in ten fail.
 */
export class FailureTest {
  readonly #beside = new Evidence(EXCESSES.length);
  readonly #bounded = new Evidence(EXCESSES.length);
  /** Fixed at the target's first outcome. */
  #bound: number | null = null;
  /** Outcomes of the stable revision that are not used, oldest first. */
  readonly #stable: boolean[];
  #used = 0;
  #usedFailures = 0;

  constructor(remembered: readonly boolean[]) {
    this.#stable = [...remembered];
  }

  stable(failed: boolean): void {
    this.#stable.push(failed);
    if (this.#stable.length > STABLE_LIMIT) this.#stable.shift();
  }

  target(failed: boolean): void {
    this.#bound ??= this.#boundNow();
    this.#bounded.multiply(this.#boundFactors(failed));
    const block = this.#stable.splice(0, this.#blockSize());
    if (block.length === 0) return;
    const failures = countFailed(block);
    this.#beside.multiply(this.#blockFactors(failed, block.length, failures));
    this.#used += block.length;
    this.#usedFailures += failures;
  }

  /** The evidence as it would be after `more` further failures of the target, beside sound outcomes of the stable revision. */
  value(more = 0): number {
    const size = this.#blockSize();
    const beside = this.#beside.value(this.#blockFactors(true, size, 0), size === 0 ? 0 : more);
    return (beside + this.#bounded.value(this.#boundFactors(true), more)) / 2;
  }

  #blockSize(): number {
    return Math.min(BLOCK_MAX, Math.ceil(this.#stable.length * BLOCK_SHARE));
  }

  #blockFactors(failed: boolean, size: number, stableFailures: number): number[] {
    const share = (this.#usedFailures + PRIOR_FAILURES) / (this.#used + PRIOR_OUTCOMES);
    const low = Math.min(share, SHARE_LIMIT - 0.04);
    return EXCESSES.map((excess) => {
      const high = Math.min(SHARE_LIMIT, low + excess);
      const even = (high + size * low) / (size + 1);
      const stable = (low / even) ** stableFailures * ((1 - low) / (1 - even)) ** (size - stableFailures);
      return ratio(failed, high, even) * stable;
    });
  }

  #boundNow(): number {
    const known = this.#stable.length;
    const failures = countFailed(this.#stable);
    if (known < UNKNOWN_BELOW && failures === 0) return UNKNOWN_BOUND;
    return binomialUpperBound(failures, known, BOUND_ALPHA);
  }

  #boundFactors(failed: boolean): number[] {
    const low = Math.min(this.#bound ?? this.#boundNow(), SHARE_LIMIT - 0.04);
    return EXCESSES.map((excess) => ratio(failed, Math.min(SHARE_LIMIT, low + excess), low));
  }
}

/** How much better `share` explains the outcome than `than` does. */
function ratio(failed: boolean, share: number, than: number): number {
  return failed ? share / than : (1 - share) / (1 - than);
}

function countFailed(outcomes: readonly boolean[]): number {
  return outcomes.reduce((sum, failed) => sum + (failed ? 1 : 0), 0);
}
