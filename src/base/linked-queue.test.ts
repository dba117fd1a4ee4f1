import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LinkedQueue, type QueueEntry } from './linked-queue.ts';

test('a linked queue behaves as an array does, from both ends and in the middle', () => {
  const step = fc.oneof(
    fc.constant({ kind: 'push' as const }),
    fc.constant({ kind: 'pushFront' as const }),
    fc.constant({ kind: 'shift' as const }),
    fc.record({ kind: fc.constant('remove' as const), index: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new LinkedQueue<number>();
      let model: QueueEntry<number>[] = [];
      const gone: QueueEntry<number>[] = [];
      let next = 0;
      for (const one of steps) {
        if (one.kind === 'push') model.push(queue.push(next++));
        else if (one.kind === 'pushFront') model.unshift(queue.pushFront(next++));
        else if (one.kind === 'shift') {
          const expected = model.shift();
          assert.equal(queue.shift(), expected?.value);
          if (expected) gone.push(expected);
        } else {
          const entry = model[one.index];
          if (entry === undefined) continue;
          assert.equal(queue.remove(entry), true);
          model = model.filter((other) => other !== entry);
          gone.push(entry);
        }
        assert.equal(queue.size, model.length);
        assert.equal(queue.peek(), model[0]?.value);
        assert.deepEqual(
          [...queue],
          model.map((entry) => entry.value),
        );
      }
      for (const entry of gone) assert.equal(queue.remove(entry), false);
    }),
  );
});
