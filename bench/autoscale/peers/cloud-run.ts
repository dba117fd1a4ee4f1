import type { Rule } from '../fleet.ts';
import { DemandAverages } from './averages.ts';

const TICK_S = 5;
const LOOK_BACK_S = 60;
const UTILISATION = 0.6;

/** Cloud Run as documented: 60 % of the concurrency over a minute, starts for what is pending, idle ones kept. */
export function cloudRun(knobs: { readonly idleS: number }): Rule {
  const averages = new DemandAverages(LOOK_BACK_S / TICK_S);
  const rule: Rule = {
    nextAtS: Infinity,
    act(fleet) {
      fleet.idleTimeoutS = knobs.idleS;
      const { slots } = fleet.cell;
      if (fleet.live === 0 && fleet.waiting === 0) {
        rule.nextAtS = Infinity;
        return;
      }
      if (rule.nextAtS === Infinity) {
        averages.reset(fleet);
        rule.nextAtS = fleet.nowS + TICK_S;
      }
      const pending = Math.ceil((fleet.waiting - fleet.starting * slots) / slots);
      if (pending > 0) fleet.start(pending);
      if (fleet.nowS < rule.nextAtS) return;
      rule.nextAtS = fleet.nowS + TICK_S;
      averages.tick(fleet);
      const desired = Math.ceil(averages.over(LOOK_BACK_S / TICK_S) / (slots * UTILISATION));
      if (desired > fleet.live) fleet.start(desired - fleet.live);
    },
  };
  return rule;
}
