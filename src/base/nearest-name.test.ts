import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { editDistance, nearestName } from './nearest-name.ts';

test('the nearest known name is found for a slip of the keyboard', () => {
  const known = ['max_replicas', 'min_replicas', 'image', 'envs'];
  assert.equal(nearestName('max_replica', known), 'max_replicas');
  assert.equal(nearestName('MinReplicas', known), 'min_replicas');
  assert.equal(nearestName('env', known), 'envs');
  assert.equal(nearestName('imgae', known), 'image');
  assert.equal(nearestName('immage', known), 'image');
});

test('nothing is suggested when nothing is close, and long names are not compared', () => {
  assert.equal(nearestName('zzz', ['image', 'envs']), undefined);
  assert.equal(nearestName('', ['image']), undefined);
  assert.equal(nearestName('a'.repeat(65), ['a'.repeat(64)]), undefined);
});

test('edit distance counts single slips', () => {
  assert.equal(editDistance('abcd', 'abcd'), 0);
  assert.equal(editDistance('abcd', 'bacd'), 1);
  assert.equal(editDistance('abcd', 'acd'), 1);
  assert.equal(editDistance('abcd', 'axcd'), 1);
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('kitten', 'sitting'), 3);
});

test('property: edit distance is symmetric, bounded, and zero only for equals', () => {
  const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c') });
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
      assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
      assert.ok(editDistance(a, b) >= Math.abs(a.length - b.length));
    }),
  );
});
