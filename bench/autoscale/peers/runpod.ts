import type { Fleet, Rule } from '../fleet.ts';

/**
 * RunPod, queue delay: workers for the requests that have waited longer than the value, one for each
 * `slots` of them (the step is not published), less those that are starting.
 */
export function runpodQueueDelay(knobs: { readonly valueS: number; readonly idleS: number }): Rule {
  const rule: Rule = {
    nextAtS: Infinity,
    act(fleet) {
      fleet.idleTimeoutS = knobs.idleS;
      let late = waitingLongerThan(fleet, knobs.valueS);
      if (fleet.live === 0 && fleet.waiting > 0) late = Math.max(1, late);
      fleet.start(Math.max(0, Math.ceil(late / fleet.cell.slots) - fleet.starting));
      rule.nextAtS = fleet.waitingSinceS(waitingLongerThan(fleet, knobs.valueS)) + knobs.valueS;
    },
  };
  return rule;
}

/** The waiting are in the order of arrival: a binary search counts those that came early enough. */
function waitingLongerThan(fleet: Fleet, limitS: number): number {
  let low = 0;
  let high = fleet.waiting;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fleet.waitingSinceS(middle) + limitS <= fleet.nowS) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** RunPod, request count: queued and running over the value; the idle ones above that leave at once. */
export function runpodRequestCount(knobs: { readonly value: number }): Rule {
  return {
    nextAtS: Infinity,
    act(fleet) {
      const desired = Math.ceil((fleet.waiting + fleet.running) / knobs.value);
      if (desired >= fleet.live) {
        fleet.start(desired - fleet.live);
        return;
      }
      for (const worker of fleet.workers.toReversed()) {
        if (fleet.live <= desired) break;
        if (worker.ready && worker.running === 0) fleet.release(worker);
      }
    },
  };
}
