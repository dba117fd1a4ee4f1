import { expectedWaiting, type QueueOutlook } from './expected-waiting.ts';

/** A fleet, real or imagined, as the rule looks at it. */
export interface FleetOutlook extends QueueOutlook {
  /** Workers that serve or will. */
  readonly live: number;
  readonly running: number;
}

export interface RuleTerms {
  readonly startMs: number;
  /** What a second of waiting is worth, in worker-seconds. */
  readonly price: number;
  readonly maxWorkers: number;
  /** What keeping a worker of this level will save beyond the queue of now. Worker × milliseconds. */
  keepSaves(level: number): number;
}

export interface StartDecision {
  /** Live workers there should be. */
  readonly workers: number;
  /** Expected waiting with the present workers, and with the wanted ones. Requests × milliseconds. */
  readonly waitingNow: number;
  readonly waitingThen: number;
  /** What the last added worker saves, or the next one would; and what it costs. Worker × milliseconds. */
  readonly saves: number;
  readonly costs: number;
}

/** A new worker costs its start, and as much again for the time in which it is not needed any more. */
const COST_IN_START_TIMES = 2;
/** A decision looks so far ahead; until then a later one cannot have been carried out. */
const HORIZON_IN_START_TIMES = 3;

/**
 * How many workers a queue asks for: one more as long as the waiting it saves, at the price, and what
 * keeping it will save, is more than it costs. Savings shrink with each worker added, so the number is
 * searched by doubling and halving. With no worker at all: one, whatever it saves.
 */
export function workersForQueue(fleet: FleetOutlook, terms: RuleTerms): StartDecision {
  const { startMs, price, maxWorkers } = terms;
  const costs = COST_IN_START_TIMES * startMs;
  const horizonMs = HORIZON_IN_START_TIMES * startMs;
  const needed = Math.ceil((fleet.waiting + fleet.running) / fleet.slotsPerWorker);
  const waitingWith = (added: number): number => expectedWaiting(fleet, added, startMs, horizonMs);
  const savedBy = (added: number): number => {
    const level = fleet.live + added;
    const kept = level <= needed ? terms.keepSaves(level) : 0;
    return (waitingWith(added - 1) - waitingWith(added)) * price + kept;
  };
  // More than all that wait or are expected by then could use would stand idle from the beginning.
  const starting = fleet.starting.workers.reduce((sum, count) => sum + count, 0);
  const expected = Math.round(fleet.arrivalRate * horizonMs);
  const usable = Math.ceil((fleet.waiting + expected) / fleet.slotsPerWorker) - starting;
  const room = Math.max(0, Math.min(maxWorkers - fleet.live, usable));
  // The one of number `good` is worth it, that of number `bad` is not.
  let good = 0;
  let bad = 1;
  while (bad <= room && savedBy(bad) > costs) {
    good = bad;
    bad *= 2;
  }
  bad = Math.min(bad, room + 1);
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (savedBy(middle) > costs) good = middle;
    else bad = middle;
  }
  const added = fleet.live === 0 && maxWorkers > 0 ? Math.max(1, good) : good;
  return {
    workers: fleet.live + added,
    waitingNow: waitingWith(0),
    waitingThen: waitingWith(added),
    saves: savedBy(Math.max(1, added)),
    costs,
  };
}
