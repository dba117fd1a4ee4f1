import type { Rule } from '../fleet.ts';

const TICK_S = 20;
const LOOK_BACK_S = 60;

export interface SkyServeKnobs {
  /** Share of a replica's full rate that it is meant for. */
  readonly load: number;
  readonly upS: number;
  readonly downS: number;
  /** Its user gives requests a second and replica: taken from the whole trace, in its favour. */
  readonly meanServiceS: number;
}

/** SkyServe: the rate over 60 s, moved to only after it asked for it long enough in a row. */
export function skyServe(knobs: SkyServeKnobs): Rule {
  let arrivals: number[] = [];
  let upSinceS = Infinity;
  let downSinceS = Infinity;
  const rule: Rule = {
    nextAtS: Infinity,
    arrived(fleet) {
      arrivals.push(fleet.nowS);
    },
    act(fleet) {
      if (fleet.live === 0) {
        if (fleet.waiting === 0) return;
        upSinceS = downSinceS = Infinity;
        fleet.start(1);
        rule.nextAtS = fleet.nowS + TICK_S;
        return;
      }
      if (fleet.nowS < rule.nextAtS) return;
      rule.nextAtS = fleet.nowS + TICK_S;
      arrivals = arrivals.filter((atS) => atS > fleet.nowS - LOOK_BACK_S);
      const targetRate = (knobs.load * fleet.cell.slots) / knobs.meanServiceS;
      const desired = Math.ceil(arrivals.length / LOOK_BACK_S / targetRate);
      upSinceS = desired > fleet.live ? Math.min(upSinceS, fleet.nowS) : Infinity;
      downSinceS = desired < fleet.live ? Math.min(downSinceS, fleet.nowS) : Infinity;
      // Requests that still run or wait keep the last replica.
      const least = fleet.running + fleet.waiting > 0 ? 1 : 0;
      if (fleet.nowS - upSinceS >= knobs.upS || fleet.nowS - downSinceS >= knobs.downS) {
        fleet.scaleTo(Math.max(least, desired));
        upSinceS = downSinceS = Infinity;
        if (fleet.live === 0) rule.nextAtS = Infinity;
      }
    },
  };
  return rule;
}
