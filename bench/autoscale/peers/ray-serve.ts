import type { Rule } from '../fleet.ts';
import { DemandAverages } from './averages.ts';

const TICK_S = 1;
const LOOK_BACK_S = 30;

export interface RayServeKnobs {
  /** Ongoing requests a replica is meant for, over its slots. */
  readonly targetShare: number;
  readonly upS: number;
  readonly downS: number;
}

/** Ray Serve: the mean of ongoing requests over 30 s, moved to only after it asked for it long enough in a row. */
export function rayServe(knobs: RayServeKnobs): Rule {
  const averages = new DemandAverages(LOOK_BACK_S / TICK_S);
  let upSinceS = Infinity;
  let downSinceS = Infinity;
  const rule: Rule = {
    nextAtS: Infinity,
    act(fleet) {
      if (fleet.live === 0) {
        if (fleet.waiting === 0) return;
        averages.reset(fleet);
        upSinceS = downSinceS = Infinity;
        fleet.start(1);
        rule.nextAtS = fleet.nowS + TICK_S;
        return;
      }
      if (fleet.nowS < rule.nextAtS) return;
      rule.nextAtS = fleet.nowS + TICK_S;
      averages.tick(fleet);
      const mean = averages.over(LOOK_BACK_S / TICK_S);
      const desired = Math.ceil(mean / (fleet.cell.slots * knobs.targetShare));
      upSinceS = desired > fleet.live ? Math.min(upSinceS, fleet.nowS) : Infinity;
      downSinceS = desired < fleet.live ? Math.min(downSinceS, fleet.nowS) : Infinity;
      if (fleet.nowS - upSinceS >= knobs.upS || fleet.nowS - downSinceS >= knobs.downS) {
        fleet.scaleTo(desired);
        upSinceS = downSinceS = Infinity;
        if (fleet.live === 0) rule.nextAtS = Infinity;
      }
    },
  };
  return rule;
}
