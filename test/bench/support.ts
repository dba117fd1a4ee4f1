import { Fleet, type Cell, type Rule } from '../../bench/autoscale/fleet.ts';
import type { Trace } from '../../bench/autoscale/traces.ts';

/** A trace by hand. Seconds. */
export function traceOf(arrivals: readonly number[], services: readonly number[]): Trace {
  return { name: 'by-hand', arrivalS: Float64Array.from(arrivals), serviceS: Float64Array.from(services) };
}

/** Live workers at each of these times, under the rule. */
export function liveAt(rule: Rule, trace: Trace, cell: Cell, timesS: readonly number[]): readonly number[] {
  const seen: number[] = [];
  let live = 0;
  const watched: Rule = {
    get nextAtS() {
      return Math.min(rule.nextAtS, timesS[seen.length] ?? Infinity);
    },
    set nextAtS(_) {
      throw new Error('read only');
    },
    arrived: (fleet) => rule.arrived?.(fleet),
    ended: (fleet, arrivedS, serviceS) => rule.ended?.(fleet, arrivedS, serviceS),
    act(fleet) {
      // What was so until just before this event.
      while (seen.length < timesS.length && fleet.nowS >= timesS[seen.length]!) seen.push(live);
      rule.act(fleet);
      live = fleet.live;
    },
  };
  new Fleet(trace, cell, 1).run(watched);
  return seen;
}
