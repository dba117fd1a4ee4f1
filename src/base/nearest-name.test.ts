import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { editDistance, nearestName } from './nearest-name.ts';

test('the nearest known name is found for a slip of the keyboard', () => {
  const known = ['max_replicas', 'min_replicas', 'image', 'envs'];
  assert.equal(nearestName('max_replica', known), 'max_replicas');
  assert.equal(nearestName('MinReplicas', known), 'min_replicas');
  assert.equal(nearestName('env', known), 'envs');
  assert.equal(nearestName('imgae', known), undefined, 'two letters of five is a guess');
  assert.equal(nearestName('immage', known), 'image');
});

test('nothing is suggested when nothing is close, and long names are not compared', () => {
  assert.equal(nearestName('zzz', ['image', 'envs']), undefined);
  assert.equal(nearestName('', ['image']), undefined);
  assert.equal(nearestName('a'.repeat(65), ['a'.repeat(64)]), undefined);
});

test('edit distance is a metric', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
      assert.ok(editDistance(a, c) <= editDistance(a, b) + editDistance(b, c));
      assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
    }),
  );
});
