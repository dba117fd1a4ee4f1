import { LEVELS_MAX, type DemandLevels } from './demand-levels.ts';
import { levelWorth, type LevelWorth, type WorthFactors } from './level-worth.ts';

interface Row {
  readonly worth: LevelWorth;
  readonly version: number;
  readonly untilMs: number;
}

/** What a level is worth moves slowly: it is worked out anew after one news in eight, or after this long. */
const NEWS_SHARE = 1 / 8;
const AGE_MAX_MS = 60_000;

/** The worth of each level at one price, remembered until enough was learned to work it out anew. */
export class WorthTable {
  readonly #rows: (Row | undefined)[] = [];

  of(number: number, levels: DemandLevels, factors: WorthFactors, nowMs: number): LevelWorth {
    const index = Math.min(number, LEVELS_MAX + 1);
    const level = levels.level(number);
    const row = this.#rows[index];
    if (row !== undefined && nowMs < row.untilMs && level.version - row.version <= row.version * NEWS_SHARE) {
      return row.worth;
    }
    const worth = levelWorth(number, levels, factors);
    this.#rows[index] = { worth, version: level.version, untilMs: nowMs + AGE_MAX_MS };
    return worth;
  }
}
