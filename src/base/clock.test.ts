import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardClock, sleep } from './clock.ts';
import { ManualClock } from './manual-clock.ts';

test('a sleep ends when its time has come', async () => {
  const clock = new ManualClock(0);
  let awake = false;
  const sleeping = sleep(clock, 100).then(() => {
    awake = true;
  });
  clock.advance(99);
  await Promise.resolve();
  assert.equal(awake, false);
  clock.advance(1);
  await sleeping;
  assert.equal(awake, true);
  assert.equal(clock.timerCount, 0);
});

test('an abort ends a sleep at once, with its reason, and leaves no timer', async () => {
  const clock = new ManualClock(0);
  const controller = new AbortController();
  const sleeping = sleep(clock, 100, controller.signal);
  const reason = new Error('shutting down');
  controller.abort(reason);
  await assert.rejects(sleeping, reason);
  assert.equal(clock.timerCount, 0);
});

test('with a signal that was aborted before, nothing is slept', async () => {
  const clock = new ManualClock(0);
  const reason = new Error('too late');
  await assert.rejects(sleep(clock, 100, AbortSignal.abort(reason)), reason);
  assert.equal(clock.timerCount, 0);
});

test('an abort after the sleep changes nothing', async () => {
  const clock = new ManualClock(0);
  const controller = new AbortController();
  const sleeping = sleep(clock, 10, controller.signal);
  clock.advance(10);
  controller.abort();
  await sleeping;
});

test('a forward clock goes on from where it was when the wall clock is set back, and follows it forward', () => {
  const wall = new ManualClock(1_000_000);
  const clock = forwardClock(wall);
  assert.equal(clock.nowMs(), 1_000_000);
  wall.stepWall(-3_600_000);
  assert.equal(clock.nowMs(), 1_000_000);
  wall.advance(250);
  assert.equal(clock.nowMs(), 1_000_250);
  wall.stepWall(3_600_000 + 5_000);
  assert.equal(clock.nowMs(), 1_005_250);
});
