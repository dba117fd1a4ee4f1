import type { Fleet, Rule } from '../fleet.ts';
import { DemandAverages } from './averages.ts';

export interface KnativeKnobs {
  readonly utilisation: number;
  readonly stableS: number;
  readonly graceS: number;
}

const TICK_S = 2;
const PANIC_SHARE = 0.1;
const PANIC_THRESHOLD = 2;
const UP_RATE_MAX = 1_000;
const DOWN_RATE_MAX = 2;

/** Knative's pod autoscaler (serving 98e5ef9, `autoscaler.go`, `scaler.go`). */
export function knative(knobs: KnativeKnobs): Rule {
  const stableTicks = Math.round(knobs.stableS / TICK_S);
  const panicTicks = Math.max(1, Math.round(stableTicks * PANIC_SHARE));
  const averages = new DemandAverages(stableTicks);
  let panicAtS = -Infinity;
  let panicMaximum = 0;
  let zeroSinceS = Infinity;

  const tick = (fleet: Fleet): void => {
    const target = fleet.cell.slots * knobs.utilisation;
    averages.tick(fleet);
    const stableMean = averages.over(stableTicks);
    const ready = Math.max(1, fleet.ready);
    const bounded = (mean: number): number =>
      Math.min(Math.max(Math.ceil(mean / target), Math.floor(ready / DOWN_RATE_MAX)), ready * UP_RATE_MAX);
    const panicMean = averages.over(panicTicks);
    let desired = bounded(stableMean);
    // Nothing in the whole window: the lower bound of one half of one must not hold it at one.
    if (stableMean === 0) desired = Math.min(desired, Math.floor(ready / DOWN_RATE_MAX));
    if (Math.ceil(panicMean / target) / ready >= PANIC_THRESHOLD) panicAtS = fleet.nowS;
    else if (panicAtS + knobs.stableS < fleet.nowS) panicAtS = -Infinity;
    if (panicAtS === -Infinity) {
      panicMaximum = 0;
    } else {
      panicMaximum = Math.max(panicMaximum, desired, bounded(panicMean));
      desired = panicMaximum;
    }
    if (desired > 0) zeroSinceS = Infinity;
    else zeroSinceS = Math.min(zeroSinceS, fleet.nowS);
    if (desired === 0 && fleet.nowS < zeroSinceS + knobs.graceS) desired = 1;
    fleet.scaleTo(desired);
  };

  const rule: Rule = {
    nextAtS: Infinity,
    act(fleet) {
      if (fleet.live === 0) {
        if (fleet.waiting === 0) return;
        // The activator pokes at once.
        averages.reset(fleet);
        zeroSinceS = Infinity;
        fleet.start(1);
        rule.nextAtS = fleet.nowS + TICK_S;
      } else if (fleet.nowS >= rule.nextAtS) {
        tick(fleet);
        rule.nextAtS = fleet.live === 0 && fleet.waiting === 0 ? Infinity : fleet.nowS + TICK_S;
      }
    },
  };
  return rule;
}
