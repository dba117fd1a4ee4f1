import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitWords, UNSEEN_EXIT } from './worker-exit.ts';

test('an end is told by its cause first: memory before signal, signal before code', () => {
  assert.equal(exitWords({ ...UNSEEN_EXIT, signal: 'SIGKILL', outOfMemory: true }), 'ran out of memory');
  assert.equal(exitWords({ ...UNSEEN_EXIT, code: 137, outOfMemory: true }), 'ran out of memory');
  assert.equal(exitWords({ ...UNSEEN_EXIT, signal: 'SIGKILL', outOfMemory: false }), 'ended by SIGKILL');
  assert.equal(exitWords({ ...UNSEEN_EXIT, signal: 'SIGTERM' }), 'ended by SIGTERM');
  assert.equal(exitWords({ ...UNSEEN_EXIT, code: 0 }), 'exited with code 0');
  assert.equal(exitWords(UNSEEN_EXIT), 'vanished');
});
