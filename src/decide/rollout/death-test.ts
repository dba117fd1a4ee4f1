import { poissonTail } from './tails.ts';

/** What is thought of any worker before its life says more: half a death in a thousand seconds. */
const PRIOR_DEATHS = 0.5;
const PRIOR_EXPOSURE_MS = 1_000_000;
/** One death is an accident. */
const DEATHS_MIN = 2;

export interface Deaths {
  /** Workers that had become ready and ended by themselves. */
  readonly deaths: number;
  /** Ready time of all its workers together. */
  readonly exposureMs: number;
}

/**
 * Whether the target's workers die more often than the stable revision's would have: two deaths at
 * least, and so many that as a Poisson count with the stable revision's rate they come with a
 * probability below `alpha`. The rate is taken from its deaths and ready time, with half a death in
 * a thousand seconds added to both, so that a stable revision seen for a minute says little.
 */
export function diesTooOften(target: Deaths, stable: Deaths, alpha: number): boolean {
  if (target.deaths < DEATHS_MIN) return false;
  const rate = (stable.deaths + PRIOR_DEATHS) / (stable.exposureMs + PRIOR_EXPOSURE_MS);
  return poissonTail(target.deaths, rate * target.exposureMs) <= alpha;
}
