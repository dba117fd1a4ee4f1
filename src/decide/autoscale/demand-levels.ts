/** Gaps are counted in bins whose upper edges grow by a constant ratio: from a quarter of a second to 10 hours. */
export const GAP_BINS = 24;
const FIRST_EDGE_MS = 250;
const EDGE_RATIO = 2 ** 0.75;
export const GAP_EDGES_MS: readonly number[] = Array.from(
  { length: GAP_BINS },
  (_, bin) => FIRST_EDGE_MS * EDGE_RATIO ** bin,
);
const LOG_RATIO = Math.log(EDGE_RATIO);

/** Levels above this one are taken to be like it: their histories would cost memory and learn little. */
export const LEVELS_MAX = 128;
/** What was seen so long ago counts 1/e of what is seen now. */
const MEMORY_MS = 3_600_000;
/**
 * Of a silence so much counts as age: nothing is learned in it, and nothing is to be forgotten over
 * it. What a night leaves of the gaps before it is what tells how long to keep a worker through the next.
 */
const SILENCE_MAX_MS = 600_000;
/** Ages are applied in steps: between them a history is exact to 6 %. */
const FADE_STEP_MS = MEMORY_MS / 16;

/** What is known of the times in which a k-th worker was needed, and of those in which it was not. */
export interface DemandLevel {
  /** Faded counts and sums of the gaps between times of need, a bin each. */
  readonly gapCount: Float32Array;
  readonly gapSumMs: Float32Array;
  /**
   * Faded sums over windows that begin with a need: slot × milliseconds used until a worker started
   * then would be ready, those used in as long a time after it, and the number of windows.
   */
  usedEarlyMs: number;
  usedLateMs: number;
  windows: number;
  /** Counts up whenever something was learned. */
  version: number;
  /** Slots of this level in use now. */
  inUse: number;
  lastNeededMs: number;
  countedToMs: number;
  /** The window that began last, and what was used in it so far. */
  windowFromMs: number;
  windowEarlyMs: number;
  windowLateMs: number;
  fadedToMs: number;
}

/**
 * How the demand of an endpoint goes up and down, level by level: level k is needed while more requests
 * than k−1 workers have slots would run at once if nobody ever had to wait. An arrival or an end
 * touches one level, so learning from it takes constant time.
 */
export class DemandLevels {
  readonly #levels: DemandLevel[] = [];
  #slots: number;
  #startMs: number;
  #inFlight = 0;
  /** The last wake: when it began; and over all, faded, how much waiting wakes saw and how many they were. */
  #wokenAtMs = -Infinity;
  #wakeWaitingMs = 0;
  #wakes = 0;
  #wakesFadedToMs = 0;

  constructor(slotsPerWorker: number, startMs: number) {
    this.#slots = slotsPerWorker;
    this.#startMs = startMs;
  }

  get slotsPerWorker(): number {
    return this.#slots;
  }

  /** How long a start takes from now on. */
  startTime(startMs: number): void {
    this.#startMs = startMs;
  }

  /** Level 1 is that of the first worker. */
  level(number: number): DemandLevel {
    const index = Math.min(number, LEVELS_MAX) - 1;
    return (this.#levels[index] ??= newLevel());
  }

  /**
   * Waiting of all that come until a worker started for the first of them is ready, in the mean over
   * the wakes seen and one of `assumedMs`. Requests × milliseconds.
   */
  wakeWaitingMs(assumedMs: number): number {
    return (this.#wakeWaitingMs + assumedMs) / (this.#wakes + 1);
  }

  more(nowMs: number): void {
    if (this.#inFlight === 0 && nowMs >= this.#wokenAtMs + this.#startMs) {
      const left = Math.exp(-(nowMs - this.#wakesFadedToMs) / MEMORY_MS);
      this.#wakeWaitingMs *= left;
      this.#wakes = this.#wakes * left + 1;
      this.#wakesFadedToMs = nowMs;
      this.#wokenAtMs = nowMs;
    }
    this.#wakeWaitingMs += Math.max(0, this.#wokenAtMs + this.#startMs - nowMs);
    this.#inFlight += 1;
    const number = Math.ceil(this.#inFlight / this.#slots);
    if (number > LEVELS_MAX) return;
    const level = this.level(number);
    this.#count(level, nowMs);
    level.inUse += 1;
    if (level.inUse > 1) return;
    if (level.windowFromMs !== -Infinity) addGap(level, nowMs);
    if (nowMs >= level.windowFromMs + 2 * this.#startMs) openWindow(level, nowMs);
  }

  fewer(nowMs: number): void {
    const number = Math.ceil(this.#inFlight / this.#slots);
    this.#inFlight -= 1;
    if (number > LEVELS_MAX) return;
    const level = this.level(number);
    this.#count(level, nowMs);
    level.inUse -= 1;
    if (level.inUse > 0) return;
    level.lastNeededMs = nowMs;
  }

  #count(level: DemandLevel, nowMs: number): void {
    if (level.inUse > 0) {
      const readyMs = level.windowFromMs + this.#startMs;
      const endMs = readyMs + this.#startMs;
      level.windowEarlyMs += level.inUse * Math.max(0, Math.min(nowMs, readyMs) - level.countedToMs);
      level.windowLateMs +=
        level.inUse * Math.max(0, Math.min(nowMs, endMs) - Math.max(level.countedToMs, readyMs));
    }
    level.countedToMs = nowMs;
  }
}

function newLevel(): DemandLevel {
  return {
    gapCount: new Float32Array(GAP_BINS),
    gapSumMs: new Float32Array(GAP_BINS),
    usedEarlyMs: 0,
    usedLateMs: 0,
    windows: 0,
    version: 0,
    inUse: 0,
    lastNeededMs: 0,
    countedToMs: 0,
    windowFromMs: -Infinity,
    windowEarlyMs: 0,
    windowLateMs: 0,
    fadedToMs: 0,
  };
}

/** The one before is over: what was used in it is known. */
function openWindow(level: DemandLevel, nowMs: number): void {
  fade(level, nowMs);
  if (level.windowFromMs !== -Infinity) {
    level.usedEarlyMs += level.windowEarlyMs;
    level.usedLateMs += level.windowLateMs;
    level.windows += 1;
    level.version += 1;
  }
  level.windowFromMs = nowMs;
  level.windowEarlyMs = 0;
  level.windowLateMs = 0;
}

function addGap(level: DemandLevel, nowMs: number): void {
  fade(level, nowMs);
  const gapMs = nowMs - level.lastNeededMs;
  const bin =
    gapMs <= FIRST_EDGE_MS
      ? 0
      : Math.min(GAP_BINS - 1, Math.ceil(Math.log(gapMs / FIRST_EDGE_MS) / LOG_RATIO));
  level.gapCount[bin]! += 1;
  level.gapSumMs[bin]! += gapMs;
  level.version += 1;
}

function fade(level: DemandLevel, nowMs: number): void {
  const forMs = nowMs - level.fadedToMs;
  if (forMs < FADE_STEP_MS) return;
  const left = Math.exp(-Math.min(forMs, SILENCE_MAX_MS) / MEMORY_MS);
  level.fadedToMs = nowMs;
  for (let bin = 0; bin < GAP_BINS; bin += 1) {
    level.gapCount[bin]! *= left;
    level.gapSumMs[bin]! *= left;
  }
  level.usedEarlyMs *= left;
  level.usedLateMs *= left;
  level.windows *= left;
}
