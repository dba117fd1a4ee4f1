import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExactJson } from './exact-json.ts';

test('numbers are written as they came, and plain ones are numbers', () => {
  const text = '{"seed":18446744073709551615,"float":1.0,"list":[0.10,3,-0.5,1e400],"text":"1.0"}';
  const value = parseExactJson(text) as { list: unknown[] };
  assert.equal(JSON.stringify(value), text);
  assert.deepEqual([value.list[1], value.list[2]], [3, -0.5]);
});

test('what is no JSON is refused as ever', () => {
  assert.throws(() => parseExactJson('{"a":01}'), SyntaxError);
});
