import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BucketCounts } from './bucket-counts.ts';

test('nothing noted is nothing counted', () => {
  const counts = new BucketCounts([1, 2]);
  assert.deepEqual(counts.upTo(), [0, 0, 0]);
  assert.equal(counts.sum, 0);
});

test('a value counts at its bound and at all larger ones', () => {
  const counts = new BucketCounts([1, 2, 5]);
  for (const value of [0, 1, 1.5, 5, 9]) counts.note(value);
  assert.deepEqual(counts.upTo(), [2, 3, 4, 5]);
  assert.equal(counts.sum, 16.5);
});

test('it counts what a look at all values would', () => {
  const bounds = fc.uniqueArray(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(bounds, fc.array(fc.integer({ min: 0, max: 60 })), (drawn, values) => {
      const rising = [...drawn].sort((a, b) => a - b);
      const counts = new BucketCounts(rising);
      for (const value of values) counts.note(value);
      const expected = [...rising, Infinity].map((bound) => values.filter((value) => value <= bound).length);
      assert.deepEqual(counts.upTo(), expected);
      assert.equal(
        counts.sum,
        values.reduce((sum, value) => sum + value, 0),
      );
    }),
  );
});
