import type { Rule } from '../fleet.ts';

/** A fixed number of workers, started with the trace. */
export function fixed(knobs: { readonly workers: number }): Rule {
  return {
    nextAtS: Infinity,
    act(fleet) {
      fleet.scaleTo(knobs.workers);
    },
  };
}
