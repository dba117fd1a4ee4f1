import { SECOND_MS } from '../../base/units.ts';
import { GAP_BINS, GAP_EDGES_MS, type DemandLevel, type DemandLevels } from './demand-levels.ts';

/** What a worker of a level is worth. All in worker × milliseconds. */
export interface LevelWorth {
  /** What it costs, in waiting and starting, when the level is needed and there is no worker for it. */
  readonly missingCost: number;
  /** How long after it was last needed a worker of this level is kept. */
  readonly keepMs: number;
  /** What keeping it saves until it is let go, beyond the need at hand; never negative. */
  readonly keepSaves: number;
}

export interface WorthFactors {
  readonly startMs: number;
  readonly serviceTimeMs: number;
  readonly arrivalRate: number;
  /** Worker-seconds that a second of waiting is worth, as this rule weighs it. */
  readonly price: number;
  /** What `idle_timeout` allows: no worker is kept longer. */
  readonly idleLimitMs: number;
}

/** One need of one service time, assumed of a level of which nothing is known. */
const ASSUMED_WINDOWS = 1;
/** Gaps of every length, assumed evenly over the bins, in sum half of one that was seen. */
const ASSUMED_GAPS = 0.5;
const ASSUMED_PER_BIN = ASSUMED_GAPS / GAP_BINS;
const ASSUMED_SHARE_OF_EDGE = 0.8;
/**
 * Beyond so long a worker is kept for no more than its absence costs, whatever gaps were seen: then
 * nobody pays more than twice what a start would have cost, should the next request never come.
 */
const KEPT_FOR_GAPS_MS = 1_000 * SECOND_MS;
/** However regular it looks: one gap in fifty is taken to outlast the keeping. */
const LOST_SHARE_MIN = 0.02;

/**
 * The first worker's absence lets everybody wait a whole start time. That of a later one costs the
 * smaller of two: letting requests wait for the others' slots through the time of need, or a start
 * and the wait until it is ready. Against that cost stands keeping it through the gaps: a ski-rental
 * with the distribution of the gaps as it was measured.
 */
export function levelWorth(number: number, levels: DemandLevels, factors: WorthFactors): LevelWorth {
  const level = levels.level(number);
  const missingCost = number === 1 ? costOfWaking(levels, factors) : costOfMissing(level, factors);
  const limitMs = Math.min(factors.idleLimitMs, Math.max(KEPT_FOR_GAPS_MS, missingCost));
  let total = 0;
  for (let bin = 0; bin < GAP_BINS; bin += 1) total += level.gapCount[bin]! + ASSUMED_PER_BIN;
  let best = missingCost * total;
  let keepMs = 0;
  let held = 0;
  let lostShare = 1;
  let heldSoFar = 0;
  let back = 0;
  let beforeMs = 0;
  for (let bin = 0; bin < GAP_BINS && beforeMs < limitMs; bin += 1) {
    const edgeMs = GAP_EDGES_MS[bin]!;
    const untilMs = Math.min(edgeMs, limitMs);
    // Within the bin that the limit cuts, gaps are taken to be spread evenly.
    const share = (untilMs - beforeMs) / (edgeMs - beforeMs);
    const sumMs = level.gapSumMs[bin]! + ASSUMED_PER_BIN * ASSUMED_SHARE_OF_EDGE * edgeMs;
    heldSoFar +=
      share === 1 ? sumMs : (share * (level.gapCount[bin]! + ASSUMED_PER_BIN) * (beforeMs + untilMs)) / 2;
    back += share * (level.gapCount[bin]! + ASSUMED_PER_BIN);
    beforeMs = edgeMs;
    const holding = heldSoFar + (total - back) * untilMs;
    const cost = holding + (total - back) * missingCost;
    if (cost < best) {
      best = cost;
      keepMs = untilMs;
      held = holding / total;
      lostShare = (total - back) / total;
    }
  }
  if (keepMs === 0) return { missingCost, keepMs, keepSaves: 0 };
  const lost = Math.max(LOST_SHARE_MIN, lostShare);
  // A level that was hardly ever needed twice promises nothing.
  const seen = total - ASSUMED_GAPS;
  const sure = seen / (seen + 1);
  return { missingCost, keepMs, keepSaves: sure * Math.max(0, ((1 - lost) * missingCost - held) / lost) };
}

function costOfWaking(levels: DemandLevels, factors: WorthFactors): number {
  const { startMs, arrivalRate, price } = factors;
  return startMs + price * levels.wakeWaitingMs(startMs * (1 + (arrivalRate * startMs) / 2));
}

function costOfMissing(level: DemandLevel, factors: WorthFactors): number {
  const { startMs, serviceTimeMs, price } = factors;
  const windows = level.windows + ASSUMED_WINDOWS;
  const early = (level.usedEarlyMs + ASSUMED_WINDOWS * Math.min(serviceTimeMs, startMs)) / windows;
  const late = level.usedLateMs / windows;
  return price * early + Math.min(startMs, price * late);
}
