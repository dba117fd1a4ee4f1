import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from './random.ts';

function drawn(seed: number, count: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.next());
}

test('a seed gives the same numbers on every machine', () => {
  assert.deepEqual(
    drawn(42, 4).map((number) => Math.floor(number * 2 ** 32)),
    [2_581_720_956, 1_925_393_290, 3_661_312_704, 2_876_485_805],
  );
});

test('property: numbers lie in [0, 1) and follow from the seed alone', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const numbers = drawn(seed, 50);
      for (const number of numbers) assert.ok(number >= 0 && number < 1);
      assert.deepEqual(drawn(seed, 50), numbers);
      assert.notDeepEqual(drawn(seed + 1, 50), numbers);
    }),
  );
});

test('numbers are spread evenly', () => {
  const tenths = Array.from({ length: 10 }, () => 0);
  for (const number of drawn(1, 20_000)) {
    const tenth = Math.floor(number * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  // 2,000 expected, with a standard deviation of 42; the seed is fixed.
  for (const count of tenths) assert.ok(Math.abs(count - 2_000) < 170, tenths.join(' '));
});
