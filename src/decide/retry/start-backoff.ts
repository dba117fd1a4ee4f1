import { MINUTE_MS, SECOND_MS } from '../../base/units.ts';

const FIRST_MS = SECOND_MS;
const LONGEST_MS = 5 * MINUTE_MS;

/** From this many failed starts in a row on, requests are refused instead of being kept waiting. */
export const CRASH_LOOP_FAILURES = 3;

/** The pause before the next start after `failures` failed ones in a row: 1 s, 2 s, 4 s … 5 min. */
export function startBackoffMs(failures: number): number {
  if (failures <= 0) return 0;
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
}
