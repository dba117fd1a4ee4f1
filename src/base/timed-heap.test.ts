import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TimedHeap } from './timed-heap.ts';

test('pairs come out by time, each with its value', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 50 }), { maxLength: 80 }), (times) => {
      const heap = new TimedHeap(1_000);
      for (const time of times) heap.push(time, time * 2);
      for (const time of times.toSorted((a, b) => a - b)) {
        assert.equal(heap.earliest, time);
        assert.equal(heap.pop(), time * 2);
      }
      assert.equal(heap.earliest, Infinity);
      assert.ok(Number.isNaN(heap.pop()));
    }),
  );
});

test('a full heap drops what is pushed', () => {
  const heap = new TimedHeap(2);
  for (const time of [3, 2, 1]) heap.push(time, time);
  assert.deepEqual([heap.size, heap.full, heap.earliest], [2, true, 2]);
});
