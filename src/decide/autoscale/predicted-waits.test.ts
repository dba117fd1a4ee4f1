import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { predictedWaits, residualMs } from './predicted-waits.ts';

it('gives waiting requests the slots in the order in which they fall free', () => {
  const waits = predictedWaits({
    nowMs: 100,
    waitingSinceMs: [50, 60, 90],
    slotFreeAtMs: [100, 140],
    serviceTimeMs: 30,
  });
  assert.deepEqual(waits, [50, 70, 50]);
});

it('predicts an endless wait where there is no slot', () => {
  assert.deepEqual(predictedWaits({ nowMs: 0, waitingSinceMs: [0], slotFreeAtMs: [], serviceTimeMs: 1 }), [
    Infinity,
  ]);
});

it('agrees with a plain simulation that sorts the slots anew for each request', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 1_000 }), { maxLength: 40 }),
      fc.array(fc.nat({ max: 3_000 }), { minLength: 1, maxLength: 10 }),
      fc.nat({ max: 500 }),
      (since, slotFreeAtMs, serviceTimeMs) => {
        const waitingSinceMs = since.sort((a, b) => a - b);
        const slots = slotFreeAtMs.map((time) => Math.max(time, 1_000));
        const expected = waitingSinceMs.map((sinceMs) => {
          slots.sort((a, b) => a - b);
          const freeAtMs = slots[0] ?? 0;
          slots[0] = freeAtMs + serviceTimeMs;
          return freeAtMs - sinceMs;
        });
        assert.deepEqual(
          predictedWaits({ nowMs: 1_000, waitingSinceMs, slotFreeAtMs, serviceTimeMs }),
          expected,
        );
      },
    ),
  );
});

it('expects the rest of the mean, and beyond it as long again as it has lasted', () => {
  assert.equal(residualMs(200, 1_000), 800);
  assert.equal(residualMs(1_500, 1_000), 1_500);
  assert.equal(residualMs(300, null), 300);
});
