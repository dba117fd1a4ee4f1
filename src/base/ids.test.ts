import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newId, newRequestId, newUuid, type EndpointId, type JobId } from './ids.ts';
import { seededRandom } from './random.ts';

test('property: an id is a DNS label of its length that begins with a letter', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 63 }), (seed, length) => {
      const id = newId<EndpointId>(seededRandom(seed), length);
      assert.equal(id.length, length);
      assert.match(id, /^[a-z][a-z0-9]*$/);
    }),
  );
});

test('the ends of chance stay inside the alphabet', () => {
  assert.equal(newId<EndpointId>({ next: () => 0 }, 3), 'aaa');
  assert.equal(newId<EndpointId>({ next: () => 1 - Number.EPSILON / 2 }, 3), 'z99');
});

test('ids of 12 characters do not repeat among many, and every letter is used', () => {
  const random = seededRandom(7);
  const ids = Array.from({ length: 10_000 }, () => newId<EndpointId>(random));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(new Set(ids.map((id) => id[0])).size, 26);
  assert.equal(new Set(ids.join('')).size, 36);
});

test('a uuid says its version and variant, begins with its time, and does not repeat', () => {
  const random = seededRandom(11);
  const ids = Array.from({ length: 10_000 }, (_, index) => newUuid<JobId>(random, 1_700_000_000_000 + index));
  for (const id of ids)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids.map((id) => id.slice(14))).size, ids.length);
  assert.match(newUuid<JobId>({ next: () => 1 - Number.EPSILON / 2 }, 0), /^00000000-0000-7fff-bfff-f{12}$/);
});

test('a request id has the form of other ids, and every character is drawn', () => {
  assert.equal(newRequestId({ next: () => 0 }), 'a'.repeat(20));
  assert.equal(newRequestId({ next: () => 1 - Number.EPSILON / 2 }), `z${'9'.repeat(19)}`);
  const random = seededRandom(7);
  const ids = Array.from({ length: 10_000 }, () => newRequestId(random));
  for (const id of ids) assert.match(id, /^[a-z][a-z0-9]{19}$/);
  assert.equal(new Set(ids).size, ids.length);
  for (let place = 0; place < 20; place += 1) {
    assert.equal(new Set(ids.map((id) => id[place])).size, place === 0 ? 26 : 36);
  }
});
