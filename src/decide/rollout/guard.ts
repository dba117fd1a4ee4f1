import type { BakeSample } from '../world.ts';

/** Failures without which no verdict falls before the bake's end: one or two can be the client's doing. */
const TRIP_FAILURES = 3;
/** How much larger than the stable revision's the target's share of failures may be. */
const SHARE_MARGIN = 0.2;

/**
 * Whether the target answers worse than the stable revision did meanwhile: the share of 5xx answers
 * and broken connections. Returns the verdict's words, or null while nothing speaks against it.
 * `atEnd`: the bake is over and a smaller sample must do.
 */
export function guardTripped(sample: BakeSample, atEnd: boolean): string | null {
  if (sample.targetFailed === 0) return null;
  const share = sample.targetFailed / Math.max(sample.targetAnswered, sample.targetFailed);
  const stableShare = sample.stableAnswered === 0 ? 0 : sample.stableFailed / sample.stableAnswered;
  const worse = share > stableShare + (atEnd ? 0.5 : SHARE_MARGIN);
  const enough = sample.targetFailed >= TRIP_FAILURES || atEnd;
  if (!worse || !enough) return null;
  return `${sample.targetFailed} of ${sample.targetAnswered} requests failed on it (5xx or broken connection); on the stable revision ${sample.stableFailed} of ${sample.stableAnswered} did`;
}
