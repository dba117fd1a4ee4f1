import type { Rule } from '../fleet.ts';

/** Modal as documented (beta9's queue depth is the same): inputs over slots, and a scaledown window. */
export function modal(knobs: { readonly scaledownS: number }): Rule {
  return {
    nextAtS: Infinity,
    act(fleet) {
      fleet.idleTimeoutS = knobs.scaledownS;
      const desired = Math.ceil((fleet.waiting + fleet.running) / fleet.cell.slots);
      if (desired > fleet.live) fleet.start(desired - fleet.live);
    },
  };
}
