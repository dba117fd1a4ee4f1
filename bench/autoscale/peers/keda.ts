import type { Rule } from '../fleet.ts';

const TICK_S = 15;
const TOLERANCE = 0.1;

/** KEDA's HTTP add-on with the horizontal pod autoscaler v2: in flight over target, every 15 s. */
export function keda(knobs: { readonly utilisation: number; readonly windowS: number }): Rule {
  /** What was recommended at each tick of the stabilisation window. */
  let recommended: number[] = [];
  let busyAtS = 0;
  const rule: Rule = {
    nextAtS: Infinity,
    act(fleet) {
      const inFlight = fleet.running + fleet.waiting;
      if (inFlight > 0) busyAtS = fleet.nowS;
      if (fleet.live === 0) {
        if (inFlight === 0) return;
        recommended = [];
        fleet.start(1);
        rule.nextAtS = fleet.nowS + TICK_S;
        return;
      }
      if (fleet.nowS < rule.nextAtS) return;
      rule.nextAtS = fleet.nowS + TICK_S;
      if (fleet.nowS - busyAtS >= knobs.windowS) {
        fleet.scaleTo(0);
        rule.nextAtS = Infinity;
        return;
      }
      const target = fleet.cell.slots * knobs.utilisation;
      const ratio = inFlight / (target * fleet.live);
      const wanted =
        Math.abs(ratio - 1) <= TOLERANCE ? fleet.live : Math.max(1, Math.ceil(inFlight / target));
      recommended.push(wanted);
      if (recommended.length > knobs.windowS / TICK_S) recommended.shift();
      const most = Math.max(fleet.live * 2, fleet.live + 4);
      if (wanted > fleet.live) fleet.scaleTo(Math.min(wanted, most));
      else fleet.scaleTo(Math.min(fleet.live, Math.max(...recommended)));
    },
  };
  return rule;
}
