import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { splitWords } from './words.ts';

function wordsOf(text: string, variables?: Record<string, string>): readonly string[] {
  const result = splitWords(text, variables);
  assert.ok('words' in result, 'fault' in result ? result.fault : '');
  return result.words;
}

const SPLITS: readonly (readonly [string, readonly string[]])[] = [
  ['', []],
  ['  \t\n ', []],
  ['node server.ts', ['node', 'server.ts']],
  [' a  b\tc\nd ', ['a', 'b', 'c', 'd']],
  [`a 'b c' d`, ['a', 'b c', 'd']],
  [`a "b c" d`, ['a', 'b c', 'd']],
  [`a''b`, ['ab']],
  [`''`, ['']],
  [`"" x ''`, ['', 'x', '']],
  [`'a"b' "c'd"`, ['a"b', "c'd"]],
  [`--x='y z'"w"v`, ['--x=y zwv']],
  [`a\\ b`, ['a b']],
  [`\\'a\\"`, [`'a"`]],
  [`"a\\"b\\\\c\\d"`, ['a"b\\c\\d']],
  [`'a\\b'`, ['a\\b']],
  [`a\\\nb "c\\\nd"`, ['ab', 'cd']],
  [`a\\\n`, ['a']],
  ['a|b && c; d > e # f * $(g) `h`', ['a|b', '&&', 'c;', 'd', '>', 'e', '#', 'f', '*', '$(g)', '`h`']],
  ['a\r\nb', ['a\r', 'b']],
  ['日本 "é ß"', ['日本', 'é ß']],
];

for (const [text, words] of SPLITS) {
  test(`splits ${JSON.stringify(text)}`, () => assert.deepEqual(wordsOf(text), words));
}

const EXPANSIONS: readonly (readonly [string, readonly string[]])[] = [
  ['--port $PORT', ['--port', '8080']],
  ['--port=${PORT}1', ['--port=80801']],
  ['"$PORT" "${PORT}"', ['8080', '8080']],
  [`'$PORT'`, ['$PORT']],
  ['\\$PORT "\\$PORT"', ['$PORT', '$PORT']],
  ['$PORTS ${OTHER} $ ${ ${PORT $1 a$', ['$PORTS', '${OTHER}', '$', '${', '${PORT', '$1', 'a$']],
  ['${PORT:-1}', ['${PORT:-1}']],
  ['$SPACED x', ['a b', 'x']],
  ['$EMPTY x', ['x']],
  ['"$EMPTY" x', ['', 'x']],
  ['$QUOTED', [`'"$PORT\\`]],
];

for (const [text, words] of EXPANSIONS) {
  test(`expands ${JSON.stringify(text)}`, () => {
    assert.deepEqual(wordsOf(text, { PORT: '8080', SPACED: 'a b', EMPTY: '', QUOTED: `'"$PORT\\` }), words);
  });
}

test('a name that every object has is not taken for a variable', () => {
  assert.deepEqual(wordsOf('$constructor ${toString}'), ['$constructor', '${toString}']);
});

for (const text of [`a 'b`, `a "b`, `"a\\"`, `a \\`, `'`, `"`, `\\`]) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    const result = splitWords(text);
    assert.ok('fault' in result);
    assert.match(result.fault, /character \d+/);
  });
}

test('single-quoted words come back as they are, whatever is in them', () => {
  const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
      assert.deepEqual(wordsOf(words.map(quote).join(' '), { a: 'b' }), words);
    }),
  );
});

test('any text is either split or refused, and never throws', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', ' ', '\n', "'", '"', '\\', '$', '{', '}', 'P')), (parts) => {
      const result = splitWords(parts.join(''), { P: 'x y', a: '' });
      assert.ok(
        'words' in result ? result.words.every((word) => typeof word === 'string') : result.fault !== '',
      );
    }),
  );
});
