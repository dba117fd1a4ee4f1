import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { jsonMembers } from './json-members.ts';

describe('the members of a JSON object as they were written', () => {
  test('keep every digit', () => {
    assert.deepEqual(
      [...(jsonMembers('{"input" : {"seed":18446744073709551615, "x":[1.0, "]}\\""]} ,"n":1.50}') ?? [])],
      [
        ['input', '{"seed":18446744073709551615, "x":[1.0, "]}\\""]}'],
        ['n', '1.50'],
      ],
    );
  });

  test('of a name that comes twice the last counts, and names are read', () => {
    assert.deepEqual([...(jsonMembers('{"a":1,"\\u0061":null}') ?? [])], [['a', 'null']]);
  });

  for (const text of ['[1]', '"{}"', '1', 'null', ' true ']) {
    test(`${text} has none`, () => assert.equal(jsonMembers(text), null));
  }

  for (const text of ['', '{', '{"a":1,}', "{'a':1}", '{"a":01}', 'undefined']) {
    test(`${text} is no JSON`, () => assert.throws(() => jsonMembers(text), SyntaxError));
  }

  test('any object comes apart into members that put together again are the same', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(object, fc.constantFrom(undefined, 1, '\t', '\r\n'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        const members = jsonMembers(text) ?? new Map<string, string>();
        const again = [...members].map(([name, raw]) => `${JSON.stringify(name)}:${raw}`).join(',');
        assert.deepEqual(JSON.parse(`{${again}}`), JSON.parse(text));
        for (const raw of members.values()) assert.equal(raw, raw.trim());
      }),
    );
  });
});
