import assert from 'node:assert/strict';
import test from 'node:test';
import { Type } from 'typebox';
import { FAULTS_MAX, FaultList } from '../../model/faults.ts';
import { checkShape } from './check-shape.ts';

const SHAPE = Type.Object(
  {
    count: Type.Integer({ minimum: 1, maximum: 9 }),
    label: Type.Optional(Type.String({ minLength: 1, maxLength: 4 })),
    kind: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: ['a', 'b'] })),
    items: Type.Optional(
      Type.Array(Type.Object({ key: Type.String() }, { additionalProperties: false }), { maxItems: 150 }),
    ),
    path: Type.Optional(Type.String({ pattern: '^/', 'x-allowed': 'an absolute path' })),
    anything: Type.Optional(Type.Unknown()),
    flag: Type.Optional(Type.Boolean()),
    from: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);

function faultsOf(value: unknown): Readonly<Record<string, string>> {
  const faults = new FaultList();
  checkShape(SHAPE, value, faults);
  return faults.toFaults();
}

test('a fitting value has no fault', () => {
  assert.deepEqual(
    faultsOf({
      count: 1,
      label: '日本語字',
      kind: 'b',
      items: [{ key: '' }],
      path: '/x',
      anything: [null],
      flag: false,
    }),
    {},
  );
});

test('all faults come together, each with what was given and what is allowed', () => {
  assert.deepEqual(
    faultsOf({
      count: 1.5,
      label: '12345',
      kind: 'c',
      items: [{ key: 'x' }, { key: 7 }, 'y', {}],
      path: 'x',
      flag: 'true',
      from: -1,
      lable: 1,
    }),
    {
      count: 'is 1.5; allowed: an integer from 1 to 9',
      label: 'has 5 characters; allowed: a string of 1 to 4 characters',
      kind: 'is the string "c"; allowed: one of "a", "b"',
      'items[1].key': 'is 7; allowed: a string of 0 to any number of characters',
      'items[2]': 'is the string "y"; allowed: an object with the fields key',
      'items[3].key': 'is missing; allowed: a string of 0 to any number of characters',
      path: 'is the string "x"; allowed: a string of 0 to any number of characters: an absolute path',
      flag: 'is the string "true"; allowed: true or false',
      from: 'is -1; allowed: an integer from 0 up',
      lable: 'is an unknown field "lable"; did you mean "label"?',
    },
  );
});

test('a value that is no object is at fault as a whole', () => {
  for (const value of [null, undefined, 1, 'text', true, [], [{ count: 1 }]]) {
    assert.deepEqual(Object.keys(faultsOf(value)), ['body'], JSON.stringify(value));
  }
});

test('null is told apart from absent', () => {
  assert.match(faultsOf({ count: null })['count'] ?? '', /^is null; .*leave the field out instead of null$/);
  assert.match(faultsOf({})['count'] ?? '', /^is missing/);
});

test('characters are counted as people do, not in UTF-16 units', () => {
  assert.deepEqual(faultsOf({ count: 1, label: '😀😀😀😀' }), {});
  assert.match(faultsOf({ count: 1, label: '😀😀😀😀😀' })['label'] ?? '', /^has 5 characters/);
});

test('text that no store or environment can hold is refused', () => {
  assert.match(faultsOf({ count: 1, label: 'a\0b' })['label'] ?? '', /NUL/);
  assert.match(faultsOf({ count: 1, label: 'a\ud800' })['label'] ?? '', /surrogate/);
});

test('names that every object has are unknown fields like any other', () => {
  const body: unknown = JSON.parse('{"count":1,"__proto__":1,"constructor":2,"toString":3}');
  assert.deepEqual(Object.keys(faultsOf(body)).toSorted(), ['__proto__', 'constructor', 'toString']);
});

test('the answer to a hopeless body is bounded', () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field_${index}`, 1]));
  assert.equal(Object.keys(faultsOf(many)).length, FAULTS_MAX);
  const items = Array.from({ length: 150 }, () => 0);
  assert.equal(Object.keys(faultsOf({ count: 1, items })).length, FAULTS_MAX);
  assert.deepEqual(Object.keys(faultsOf({ count: 1, items: [...items, 0] })), ['items']);
  const [path, text] = Object.entries(faultsOf({ count: 1, ['x'.repeat(100_000)]: 1 }))[0] ?? ['', ''];
  assert.ok(path.length < 300 && text.length < 300);
});
