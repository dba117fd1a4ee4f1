/**
 * A lock is one word of shared memory: 0 when it is free, else who holds it, with a bit for "somebody
 * sleeps until it is free". What it guards takes well under a microsecond, so a taker looks again a few
 * times before it sleeps. Who holds it can be told from it, so the lock of a thread that died can be broken.
 */
const CONTENDED = 0x100;
const HOLDER = 0xff;
/** About two microseconds: the holder, if it runs at all, is through by then. */
const SPINS = 200;
/** Wakes are never relied on: a sleeper looks again by itself. */
const SLEEP_MS = 2;

/**
 * Takes the lock at `index` for `holder` (1 to 255). False when it was not free within `patienceMs`,
 * which is then known to have been slept through in steps of some milliseconds.
 */
export function lock(words: Int32Array, index: number, holder: number, patienceMs = Infinity): boolean {
  for (let spins = 0; spins < SPINS; spins += 1) {
    if (Atomics.compareExchange(words, index, 0, holder) === 0) return true;
  }
  for (let sleptMs = 0; sleptMs < patienceMs;) {
    // Others may sleep too: whoever comes after a sleep wakes the next one when it is through.
    const seen = Atomics.compareExchange(words, index, 0, holder | CONTENDED);
    if (seen === 0) return true;
    const marked = seen | CONTENDED;
    if (seen !== marked && Atomics.compareExchange(words, index, seen, marked) !== seen) continue;
    if (Atomics.wait(words, index, marked, SLEEP_MS) === 'timed-out') sleptMs += SLEEP_MS;
  }
  return false;
}

export function unlock(words: Int32Array, index: number): void {
  if ((Atomics.exchange(words, index, 0) & CONTENDED) !== 0) Atomics.notify(words, index, 1);
}

/** Takes the lock over from a holder that is gone; false when another one holds it, or nobody. */
export function breakLock(words: Int32Array, index: number, gone: number, holder: number): boolean {
  const seen = Atomics.load(words, index);
  if ((seen & HOLDER) !== gone) return false;
  // Only the contended bit can change under us, and it stays set once it is.
  Atomics.store(words, index, holder | CONTENDED);
  return true;
}
