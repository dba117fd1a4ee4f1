import assert from 'node:assert/strict';
import { it } from 'node:test';
import { guardTripped } from './guard.ts';

const sample = (targetAnswered: number, targetFailed: number, stableAnswered = 50, stableFailed = 0) => ({
  targetAnswered,
  targetFailed,
  stableAnswered,
  stableFailed,
});

it('says nothing while nothing failed', () => assert.equal(guardTripped(sample(20, 0), true), null));
it('trips on three failures that stand out', () =>
  assert.match(guardTripped(sample(4, 3), false) ?? '', /3 of 4/));
it('does not trip on one or two before the end', () => assert.equal(guardTripped(sample(2, 2), false), null));
it('trips at the end on a small sample that failed altogether', () =>
  assert.notEqual(guardTripped(sample(1, 1), true), null));
it('holds the target against the stable revision', () =>
  assert.equal(guardTripped(sample(10, 9, 10, 9), false), null));
it('forgives a share within the margin', () => assert.equal(guardTripped(sample(20, 3), false), null));
