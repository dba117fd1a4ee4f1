import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startBackoffMs } from './start-backoff.ts';

it('doubles from one second and stays at five minutes', () => {
  assert.deepEqual([0, 1, 2, 3, 4].map(startBackoffMs), [0, 1_000, 2_000, 4_000, 8_000]);
  assert.equal(startBackoffMs(9), 256_000);
  assert.equal(startBackoffMs(10), 300_000);
  assert.equal(startBackoffMs(5_000), 300_000);
});
