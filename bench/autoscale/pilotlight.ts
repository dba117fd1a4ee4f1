import { IDLE_KEEP_MAX_MS } from '../../src/decide/autoscale/idle-keep.ts';
import { LoadModel } from '../../src/decide/autoscale/load-model.ts';
import { priceOfWaiting } from '../../src/decide/autoscale/price.ts';
import { queueNeed } from '../../src/decide/autoscale/queue-need.ts';
import type { Fleet, FleetWorker, Rule } from './fleet.ts';

const MAX_WORKERS = 1_000;

/** Pilotlight's own rule, called as the control loop calls it. Only units are converted here. */
export function pilotlight(policyValueSeconds: number): Rule {
  let known: LoadModel | null = null;
  const modelOf = (fleet: Fleet): LoadModel =>
    (known ??= new LoadModel(
      {
        slotsPerWorker: fleet.cell.slots,
        startMs: fleet.cell.startS * 1_000,
        minWorkers: 0,
        maxWorkers: MAX_WORKERS,
        idleLimitMs: IDLE_KEEP_MAX_MS,
        price: priceOfWaiting({ type: 'queue', value: policyValueSeconds }),
      },
      fleet.nowS * 1_000,
    ));

  const rule: Rule = {
    nextAtS: Infinity,
    arrived(fleet) {
      modelOf(fleet).arrived(fleet.nowS * 1_000);
    },
    ended(fleet, arrivedS, serviceS) {
      modelOf(fleet).served(arrivedS * 1_000, serviceS * 1_000, fleet.nowS * 1_000);
    },
    act(fleet) {
      const load = modelOf(fleet);
      const nowMs = fleet.nowS * 1_000;
      if (fleet.waiting > 0) {
        const startedAgoMs: number[] = [];
        for (const worker of fleet.workers) {
          if (!worker.ready) startedAgoMs.push(nowMs - worker.startedAtS * 1_000);
        }
        const { waiting, running, ready } = fleet;
        const { workers } = queueNeed({ waiting, running, ready, startedAgoMs }, load, nowMs);
        fleet.start(workers - fleet.live);
      }
      rule.nextAtS = Infinity;
      const needed = Math.ceil((fleet.waiting + fleet.running) / fleet.cell.slots);
      while (fleet.starting === 0 && fleet.ready > needed) {
        const longest = longestIdle(fleet);
        if (longest === null) return;
        const leavesAtS = longest.idleSinceS + load.keepIdleMs(fleet.ready, nowMs) / 1_000;
        if (leavesAtS > fleet.nowS) {
          rule.nextAtS = leavesAtS;
          return;
        }
        fleet.release(longest);
      }
    },
  };
  return rule;
}

function longestIdle(fleet: Fleet): FleetWorker | null {
  let longest: FleetWorker | null = null;
  for (const worker of fleet.workers) {
    if (!worker.ready || worker.running > 0) continue;
    if (longest === null || worker.idleSinceS < longest.idleSinceS) longest = worker;
  }
  return longest;
}
