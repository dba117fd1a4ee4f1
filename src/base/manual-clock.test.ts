import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from './manual-clock.ts';

test('time stands still until it is moved', () => {
  const clock = new ManualClock(1_000);
  assert.equal(clock.nowMs(), 1_000);
  assert.equal(clock.monotonicMs(), 1_000);
  clock.advance(250);
  assert.equal(clock.nowMs(), 1_250);
  clock.advanceTo(2_000);
  assert.equal(clock.nowMs(), 2_000);
  clock.advanceTo(500);
  assert.equal(clock.nowMs(), 2_000, 'never backwards');
});

test('a task sees the time it was due at, and runs once', () => {
  const clock = new ManualClock(0);
  const seen: number[] = [];
  clock.schedule(10, () => seen.push(clock.nowMs()));
  clock.advance(9);
  assert.deepEqual(seen, []);
  clock.advance(100);
  assert.deepEqual(seen, [10]);
  assert.equal(clock.nowMs(), 109);
  clock.advance(100);
  assert.deepEqual(seen, [10]);
});

test('a task set by a task inside the moved span runs in it, also one without delay', () => {
  const clock = new ManualClock(0);
  const seen: [string, number][] = [];
  clock.schedule(10, () => {
    seen.push(['first', clock.nowMs()]);
    clock.schedule(0, () => seen.push(['at once', clock.nowMs()]));
    clock.schedule(5, () => seen.push(['later', clock.nowMs()]));
    clock.schedule(50, () => seen.push(['beyond', clock.nowMs()]));
  });
  clock.advance(20);
  assert.deepEqual(seen, [
    ['first', 10],
    ['at once', 10],
    ['later', 15],
  ]);
  assert.equal(clock.timerCount, 1);
  assert.equal(clock.nextDueMs(), 60);
});

test('a task can cancel another one that is due at the same time', () => {
  const clock = new ManualClock(0);
  const seen: string[] = [];
  clock.schedule(5, () => {
    seen.push('first');
    cancel();
  });
  const cancel = clock.schedule(5, () => seen.push('second'));
  clock.advance(5);
  assert.deepEqual(seen, ['first']);
  assert.equal(clock.nextDueMs(), null);
});

test('property: tasks run in order of due time, then of scheduling, except cancelled ones', () => {
  const timer = fc.record({ delayMs: fc.integer({ min: -5, max: 20 }), cancelled: fc.boolean() });
  fc.assert(
    fc.property(fc.array(timer, { maxLength: 30 }), fc.nat(25), (timers, spanMs) => {
      const clock = new ManualClock(0);
      const ran: number[] = [];
      const cancels = timers.map(({ delayMs }, index) => clock.schedule(delayMs, () => ran.push(index)));
      for (const [index, { cancelled }] of timers.entries()) if (cancelled) cancels[index]?.();
      clock.advance(spanMs);
      const expected = timers
        .map(({ delayMs, cancelled }, index) => ({ dueMs: Math.max(0, delayMs), cancelled, index }))
        .filter(({ dueMs, cancelled }) => dueMs <= spanMs && !cancelled)
        .toSorted((a, b) => a.dueMs - b.dueMs || a.index - b.index)
        .map(({ index }) => index);
      assert.deepEqual(ran, expected);
      assert.equal(clock.timerCount, timers.filter(({ cancelled }) => !cancelled).length - ran.length);
    }),
  );
});

test('timers can be fired one at a time', () => {
  const clock = new ManualClock(0);
  const seen: string[] = [];
  clock.schedule(10, () => seen.push('first'));
  clock.schedule(10, () => seen.push('second'));
  assert.equal(clock.fireNext(9), false);
  assert.equal(clock.nowMs(), 0, 'time stands when nothing is due');
  assert.equal(clock.fireNext(20), true);
  assert.deepEqual(seen, ['first']);
  assert.equal(clock.nowMs(), 10);
  assert.equal(clock.fireNext(20), true);
  assert.deepEqual(seen, ['first', 'second']);
  assert.equal(clock.fireNext(20), false);
  assert.equal(clock.nowMs(), 10);
});
