import type { Random } from '../base/random.ts';

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** How long to wait before try number `tries` + 1: doubling up to 30 s, and each worker at a time of its own. */
export function backoffMs(tries: number, random: Random): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries - 1, 20));
  return longest / 2 + (longest / 2) * random.next();
}

/** `Retry-After` in milliseconds: seconds, bounded to a minute. Null when there is none that can be read. */
export function retryAfterMs(header: string | null): number | null {
  if (header === null || !/^\d{1,9}$/.test(header.trim())) return null;
  return Math.min(60_000, Number(header) * 1_000);
}
