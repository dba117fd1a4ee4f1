import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonMember } from './json-member.ts';

test('a member is given as it was written', () => {
  assert.equal(jsonMember('{"input":12345678901234567890,"a":1}', 'input'), '12345678901234567890');
  assert.equal(jsonMember(' { "a" : [ {"input":1} ] , "input" : 1.0 } ', 'input'), '1.0');
  assert.equal(jsonMember('{"input":{"a":"}\\\\\\"","b":[1, 2]}}', 'input'), '{"a":"}\\\\\\"","b":[1, 2]}');
  assert.equal(jsonMember('{"\\u0069nput":"x"}', 'input'), '"x"');
  assert.equal(jsonMember('{"input":1,"input":2}', 'input'), '2');
  assert.equal(jsonMember('{"a":{"input":1}}', 'input'), undefined);
  assert.equal(jsonMember('{}', 'input'), undefined);
  assert.equal(jsonMember('[1]', 'input'), undefined);
});

test('property: every member of every object is found, whatever the spaces', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(undefined, 1, '\t', '\r\n '),
      (object, space) => {
        const text = JSON.stringify(object, null, space);
        for (const [name, value] of Object.entries(object)) {
          const member = jsonMember(text, name);
          assert.ok(member !== undefined, name);
          assert.equal(member, member.trim());
          assert.equal(JSON.stringify(JSON.parse(member)), JSON.stringify(value));
        }
      },
    ),
  );
});
