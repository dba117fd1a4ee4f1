const FIRST_MS = 5_000;
/** The last try is about a day after the first one: 5 s × (2¹⁴ − 1) = 22.8 h. */
const TRIES_MAX = 15;
/** How far chance moves a try, as a share: those that failed together come back apart. */
const SPREAD = 0.2;

/** When a delivery that failed `tries` times is tried again, from now on; null: never. `chance` in [0, 1). */
export function deliveryRetryMs(tries: number, chance: number): number | null {
  if (tries >= TRIES_MAX) return null;
  return Math.round(FIRST_MS * 2 ** (tries - 1) * (1 + SPREAD * (chance - 0.5)));
}
