import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureOf, isParts, resultOf } from './result.ts';

const RETURNED: readonly (readonly [what: string, returned: unknown, body: unknown])[] = [
  ['a text', 'hello', { output: 'hello' }],
  ['nothing', undefined, { output: null }],
  ['false', false, { output: false }],
  ['a list', [1, 2], { output: [1, 2] }],
  ['an object', { text: 'a' }, { output: { text: 'a' } }],
  ['an empty object', {}, { output: {} }],
  ['an error', { error: 'no such model' }, { error: 'no such model' }],
  ['an error with more', { error: 'half', done: 3 }, { output: { done: 3 }, error: 'half' }],
  ['an error that is an object', { error: { code: 7 } }, { error: '{"code":7}' }],
  ['no error', { error: null, text: 'a' }, { output: { text: 'a' } }],
  ['a wish for a new worker', { refresh_worker: true }, { stopPod: true }],
  ['a wish beside an output', { refresh_worker: true, text: 'a' }, { output: { text: 'a' }, stopPod: true }],
  ['no wish', { refresh_worker: false, text: 'a' }, { output: { text: 'a' } }],
];

describe('what a handler returned', () => {
  for (const [what, returned, body] of RETURNED) {
    test(what, () => assert.deepEqual(resultOf(returned), body));
  }

  test('an instance of a class is an output as it is', () => {
    const returned = new (class {
      error = 'of its own';
    })();
    assert.deepEqual(resultOf(returned), { output: returned });
  });

  test('what was thrown is told whatever it is', () => {
    const { error } = failureOf('just a text', 'w1', 'host');
    assert.deepEqual(JSON.parse(error ?? ''), {
      error_type: 'string',
      error_message: 'just a text',
      error_traceback: '',
      hostname: 'host',
      worker_id: 'w1',
    });
  });

  test('generators have parts; lists, texts and maps have none', () => {
    function* parts() {
      yield 1;
    }
    async function* laterParts() {
      yield 1;
    }
    assert.deepEqual([parts(), laterParts()].map(isParts), [true, true]);
    assert.deepEqual([[1], 'ab', new Map(), null, { next: () => 1 }].map(isParts), [
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});
