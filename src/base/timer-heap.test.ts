import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TimerHeap, type Timer } from './timer-heap.ts';

test('gives timers by time and then by order, whichever leave in between', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), dueMs: fc.nat({ max: 20 }) }),
    fc.record({ kind: fc.constant('remove' as const), pick: fc.nat() }),
    fc.record({ kind: fc.constant('take' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new TimerHeap();
      const inside: Timer[] = [];
      const everyone: Timer[] = [];
      const inOrder = (): Timer[] => inside.sort((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence);
      for (const action of steps) {
        if (action.kind === 'add') {
          const timer = { dueMs: action.dueMs, sequence: everyone.length, task: () => undefined, place: -1 };
          heap.add(timer);
          inside.push(timer);
          everyone.push(timer);
        } else {
          const gone = action.kind === 'take' ? inOrder()[0] : everyone[action.pick % everyone.length];
          if (action.kind === 'take') assert.equal(heap.earliest, gone);
          if (gone === undefined) continue;
          heap.remove(gone);
          if (inside.includes(gone)) inside.splice(inside.indexOf(gone), 1);
        }
        assert.equal(heap.size, inside.length);
        assert.equal(heap.earliest, inOrder()[0]);
      }
    }),
  );
});
