import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { HOUR_MS } from '../../src/base/units.ts';

const DAY_MS = 24 * HOUR_MS;
/** Of Node's own timers. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

test('it tells the time of the machine', () => {
  const clock = systemClock();
  const before = Date.now();
  const now = clock.nowMs();
  assert.ok(now >= before && now <= Date.now());
  const earlier = clock.monotonicMs();
  assert.ok(clock.monotonicMs() >= earlier);
});

test('a real timer fires, and an earlier one first', async () => {
  const clock = systemClock();
  const fired: string[] = [];
  await new Promise<void>((resolve) => {
    clock.schedule(40, () => {
      fired.push('late');
      resolve();
    });
    clock.schedule(1, () => fired.push('early'));
    clock.schedule(-5, () => fired.push('at once'));
  });
  assert.deepEqual(fired.toSorted(), ['at once', 'early', 'late']);
  assert.equal(fired.at(-1), 'late');
});

test('a task runs once, after its delay, and not when it was cancelled', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = systemClock();
  let ran = 0;
  clock.schedule(1_000, () => (ran += 1));
  const cancel = clock.schedule(500, () => assert.fail('it was cancelled'));
  cancel();
  context.mock.timers.tick(999);
  assert.equal(ran, 0);
  context.mock.timers.tick(1);
  assert.equal(ran, 1);
  context.mock.timers.tick(10_000);
  assert.equal(ran, 1);
  cancel();
});

test('a delay longer than timers can hold is kept, and can be cancelled on the way', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = systemClock();
  let ran = 0;
  clock.schedule(60 * DAY_MS, () => (ran += 1));
  const cancel = clock.schedule(60 * DAY_MS, () => assert.fail('it was cancelled'));
  const last = 60 * DAY_MS - 2 * TIMEOUT_MAX_MS;
  context.mock.timers.tick(TIMEOUT_MAX_MS);
  context.mock.timers.tick(TIMEOUT_MAX_MS);
  cancel();
  context.mock.timers.tick(last - 1);
  assert.equal(ran, 0);
  context.mock.timers.tick(1);
  assert.equal(ran, 1);
});
