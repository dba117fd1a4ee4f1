import { getRandomValues } from 'node:crypto';
import type { Random } from '../base/random.ts';

/** Numbers drawn at a time: asking the system for each one costs more than drawing it. */
const DRAWN = 4_096;
const RANGE = 2 ** 32;

/** Chance from the system's own source, with 32 bits in each number: ids made of it cannot be guessed. */
export function systemRandom(): Random {
  const numbers = new Uint32Array(DRAWN);
  let next = DRAWN;
  return {
    next() {
      if (next === DRAWN) {
        getRandomValues(numbers);
        next = 0;
      }
      const drawn = numbers[next] ?? 0;
      numbers[next] = 0;
      next += 1;
      return drawn / RANGE;
    },
  };
}
