import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, retryAfterMs } from './backoff.ts';

test('the pause doubles up to half a minute, and is never the same for all workers', () => {
  const most = { next: () => 1 };
  const least = { next: () => 0 };
  assert.deepEqual(
    [1, 2, 3, 7, 8, 1_000].map((tries) => backoffMs(tries, most)),
    [500, 1_000, 2_000, 30_000, 30_000, 30_000],
  );
  assert.deepEqual(
    [1, 1_000].map((tries) => backoffMs(tries, least)),
    [250, 15_000],
  );
});

test('Retry-After is read in seconds, and bounded', () => {
  assert.deepEqual(['3', ' 5 ', '86400', '-1', 'Wed, 21 Oct 2015', '', null].map(retryAfterMs), [
    3_000,
    5_000,
    60_000,
    null,
    null,
    null,
    null,
  ]);
});
