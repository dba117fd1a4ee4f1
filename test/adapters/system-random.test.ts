import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../src/adapters/system-random.ts';
import { newId, type WorkerId } from '../../src/base/ids.ts';

test('numbers lie in [0, 1), do not repeat, and come from more than one draw of the system', () => {
  const random = systemRandom();
  const numbers = Array.from({ length: 1_000 }, () => random.next());
  for (const number of numbers) assert.ok(number >= 0 && number < 1, String(number));
  // Among 1,000 of 2^32 values one repetition is a matter of 1 in 8,600 runs, three of none.
  assert.ok(new Set(numbers).size >= 998);
});

test('numbers are spread over the whole range', () => {
  const random = systemRandom();
  const tenths = Array.from({ length: 10 }, () => 0);
  for (let count = 0; count < 20_000; count += 1) {
    const tenth = Math.floor(random.next() * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  // 2,000 expected, a standard deviation of 42: ten of those are out of reach of chance.
  for (const count of tenths) assert.ok(count > 1_580 && count < 2_420, tenths.join(' '));
});

test('two sources make different ids', () => {
  assert.notEqual(newId<WorkerId>(systemRandom()), newId<WorkerId>(systemRandom()));
});
