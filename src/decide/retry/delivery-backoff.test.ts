import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, HOUR_MS } from '../../base/units.ts';
import { deliveryRetryMs } from './delivery-backoff.ts';

test('a delivery is tried again in growing steps for about a day, and then never', () => {
  let sumMs = 0;
  let before = 0;
  let tries = 1;
  for (; ; tries += 1) {
    const waitMs = deliveryRetryMs(tries, 0.5);
    if (waitMs === null) break;
    assert.ok(waitMs > before, `try ${tries} waits ${waitMs} ms after ${before} ms`);
    before = waitMs;
    sumMs += waitMs;
  }
  assert.equal(tries, 15);
  assert.ok(sumMs > 22 * HOUR_MS && sumMs < DAY_MS, `${sumMs / HOUR_MS} h in all`);
});

test('chance moves a try by a tenth at most', () => {
  assert.equal(deliveryRetryMs(1, 0), 4_500);
  assert.ok((deliveryRetryMs(1, 0.999999) ?? 0) <= 5_500);
});
