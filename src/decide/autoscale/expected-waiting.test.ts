import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { expectedWaiting, startingOutlook, type QueueOutlook } from './expected-waiting.ts';

const NONE = startingOutlook([]);
const outlook = (change: Partial<QueueOutlook>): QueueOutlook => ({
  waiting: 10,
  arrivalRate: 0,
  slots: 2,
  slotsPerWorker: 1,
  serviceTimeMs: 1_000,
  starting: NONE,
  ...change,
});

it('is the area under a queue that drains', () => {
  // Ten requests, two a second: empty after 5 s, five waiting in the mean.
  assert.equal(expectedWaiting(outlook({}), 0, 1_000, 10_000), 25_000);
  // With two slots more after a second: 9 s of waiting in it, then two of the 8 at once, 6 at four a second.
  assert.equal(expectedWaiting(outlook({}), 2, 1_000, 10_000), 9_000 + 4_500);
});

it('sees no use in more slots than there are requests', () => {
  const cold = outlook({ waiting: 1, slots: 0 });
  assert.equal(expectedWaiting(cold, 1, 1_000, 3_000), 1_000);
  assert.equal(expectedWaiting(cold, 2, 1_000, 3_000), 1_000);
});

it('counts workers that are starting from when they are ready', () => {
  const starting = startingOutlook([1_000, 1_000]);
  assert.equal(expectedWaiting(outlook({ starting }), 0, 9_000, 10_000), 9_000 + 4_500);
});

it('ends what arrives at the horizon, and goes on to the last that waits', () => {
  // Nothing drains in the first 2 s, in which four more come; then one slot is taken to serve them.
  const idle = outlook({ waiting: 0, arrivalRate: 0.002, slots: 0 });
  assert.equal(expectedWaiting(idle, 0, 5_000, 2_000), 4_000 + 8_000);
});

it('groups many starts, none ready sooner than it is', () => {
  const times = Array.from({ length: 1_000 }, (_, index) => index);
  const { readyInMs, workers } = startingOutlook(times);
  assert.ok(readyInMs.length <= 16);
  assert.equal(
    workers.reduce((sum, count) => sum + count, 0),
    1_000,
  );
  assert.equal(readyInMs.at(-1), 999);
});

it('is finite, not negative, and never more with more workers', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 1_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat({ max: 50 }),
      fc.array(fc.nat({ max: 20_000 }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.nat({ max: 30_000 }),
      fc.nat({ max: 100 }),
      (waiting, arrivalRate, slots, ready, serviceTimeMs, startMs, added) => {
        const starting = startingOutlook(ready.toSorted((a, b) => a - b));
        const given = outlook({ waiting, arrivalRate, slots, serviceTimeMs, starting });
        const fewer = expectedWaiting(given, added, startMs, 3 * startMs);
        const more = expectedWaiting(given, added + 1, startMs, 3 * startMs);
        assert.ok(Number.isFinite(fewer) && fewer >= 0);
        assert.ok(more <= fewer * (1 + 1e-9) + 1e-6, `${more} > ${fewer}`);
      },
    ),
  );
});
