import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tooMuchInUse } from './others-use.ts';

test('a device at rest is free, one with more than the share in use is not', () => {
  assert.equal(tooMuchInUse(4, 81_559, 0.1), false);
  assert.equal(tooMuchInUse(8_155, 81_559, 0.1), false);
  assert.equal(tooMuchInUse(8_156, 81_559, 0.1), true);
  assert.equal(tooMuchInUse(81_000, 81_559, 1), false);
});

test('what is not known keeps no device back', () => {
  assert.equal(tooMuchInUse(null, 81_559, 0.1), false);
  assert.equal(tooMuchInUse(50_000, 0, 0.1), false);
});
