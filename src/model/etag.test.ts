import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endpointEtag, parseTagCondition, readEtag, tagMatches } from './etag.ts';

test('an If-Match header is read as RFC 9110 writes it', () => {
  for (const [header, condition] of [
    ['*', '*'],
    [' * ', '*'],
    ['"1-1"', ['"1-1"']],
    ['"1-1","2-1" ,\t"a,b"', ['"1-1"', '"2-1"', '"a,b"']],
    [', "1-1", ,', ['"1-1"']],
    ['""', ['""']],
    ['W/"1-1"', ['W/"1-1"']],
    ['"é"', ['"é"']],
  ] as const) {
    assert.deepEqual(parseTagCondition(header), condition, header);
  }
});

test('what is no list of tags is no condition', () => {
  for (const header of ['', ' ', ',', '1-1', '"1-1', '"1-1" "2-1"', '*, "1-1"', 'w/"1-1"', '"a"b', '"a b"'])
    assert.equal(parseTagCondition(header), null, header);
});

test('a condition holds for its tags alone, and a weak one for none', () => {
  assert.ok(tagMatches('*', '"1-1"'));
  assert.ok(tagMatches(['"2-1"', '"1-1"'], '"1-1"'));
  assert.ok(!tagMatches(['"2-1"'], '"1-1"'));
  assert.ok(!tagMatches(['W/"1-1"'], '"1-1"'));
});

test('property: a tag tells what it was made of, and other facts make another tag', () => {
  const count = fc.integer({ min: 1, max: 1e9 });
  fc.assert(
    fc.property(count, count, count, count, (revision, settings, otherRevision, otherSettings) => {
      const etag = endpointEtag(revision, settings);
      assert.deepEqual(readEtag(etag), { revision, settingsGeneration: settings });
      assert.deepEqual(parseTagCondition(etag), [etag]);
      const same = revision === otherRevision && settings === otherSettings;
      assert.equal(endpointEtag(otherRevision, otherSettings) === etag, same);
    }),
  );
  assert.equal(readEtag('"other"'), null);
});
