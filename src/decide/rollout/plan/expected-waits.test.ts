import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { expectedWaits } from './expected-waits.ts';

const span = (durationMs: number, ready: number) => ({ durationMs, ready, alive: ready });

it('nobody waits while somebody is ready for all that come', () => {
  assert.deepEqual(expectedWaits([span(10_000, 1), span(5_000, 2)], 1, 4, 100), {
    requests: 0,
    longestMs: 0,
  });
  assert.deepEqual(expectedWaits([], 5, 1, 100), { requests: 0, longestMs: 0 });
});

it('nobody waits where nobody comes', () => {
  assert.deepEqual(expectedWaits([span(60_000, 0)], 0, 1, 100), { requests: 0, longestMs: 0 });
});

it('in an outage of 10 s all of them wait, the first one for 10 s, and those who come while it is worked off', () => {
  // 2 a second: 20 wait; 10 a second are served then: worked off in 20/(10-2) = 2.5 s, 5 more wait.
  const waits = expectedWaits([span(10_000, 0), span(60_000, 1)], 2, 1, 100);
  assert.deepEqual(waits, { requests: 25, longestMs: 10_000 });
});

it('a queue that is long to work off makes a later one wait longest', () => {
  // 4 a second for 10 s: 40 wait; served are 5 a second: the last one of the outage waits 8 s, the first 10 s.
  assert.deepEqual(expectedWaits([span(10_000, 0), span(100_000, 1)], 4, 1, 200), {
    requests: 40 + 160,
    longestMs: 10_000,
  });
  // With half the workers too few come through: the queue grows by 1 a second until there are two again.
  const waits = expectedWaits([span(10_000, 1), span(30_000, 2)], 3, 1, 500);
  assert.deepEqual(waits, { requests: 30 + 30, longestMs: 2_500 });
});

it('where no service time is known, a ready worker is taken to be enough', () => {
  assert.deepEqual(expectedWaits([span(1_000, 0), span(1_000, 1)], 5, 1, null), {
    requests: 5,
    longestMs: 1_000,
  });
});

it('property: more ready workers never make anybody wait longer', () => {
  const spans = fc.array(fc.record({ durationMs: fc.integer({ min: 1, max: 60_000 }), ready: fc.nat(5) }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(
      spans,
      fc.integer({ min: 0, max: 50 }),
      fc.integer({ min: 1, max: 2_000 }),
      (given, rate, ms) => {
        // In the end there are enough, or nobody could say how long they wait.
        const ended = [...given, { durationMs: 1, ready: 100 }];
        const with0 = ended.map((one) => span(one.durationMs, one.ready));
        const with1 = ended.map((one) => span(one.durationMs, one.ready + 1));
        const few = expectedWaits(with0, rate, 2, ms);
        const many = expectedWaits(with1, rate, 2, ms);
        assert.ok(many.requests <= few.requests && many.longestMs <= few.longestMs + 1e-6);
        assert.ok(Number.isFinite(few.requests) && Number.isFinite(few.longestMs));
      },
    ),
  );
});
