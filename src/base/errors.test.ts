import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, impossible } from './errors.ts';

test('an error carries what the client, the operator and the next try need', () => {
  const cause = new Error('ECONNREFUSED');
  const error = new AppError('WORKER_BROKE', 'the worker broke', {
    metadata: { worker: 'w1' },
    detail: 'at 127.0.0.1:9',
    cause,
    retryAfterSeconds: 5,
  });
  assert.ok(error instanceof Error);
  assert.equal(error.name, 'AppError');
  assert.equal(error.code, 'WORKER_BROKE');
  assert.equal(error.message, 'the worker broke');
  assert.deepEqual(error.metadata, { worker: 'w1' });
  assert.equal(error.detail, 'at 127.0.0.1:9');
  assert.equal(error.cause, cause);
  assert.equal(error.retryAfterSeconds, 5);
  assert.match(error.stack ?? '', /errors\.test/);
});

test('what is left out is empty', () => {
  const error = new AppError('UNKNOWN', 'something');
  assert.deepEqual(error.metadata, {});
  assert.equal(error.detail, undefined);
  assert.equal(error.retryAfterSeconds, undefined);
  assert.equal('cause' in error, false);
});

test('the impossible throws with its fixed id, and is no AppError', () => {
  assert.throws(
    () => impossible('queue-1a2b', 'two heads'),
    (error) => {
      assert.ok(error instanceof Error && !(error instanceof AppError));
      assert.equal(error.message, 'impossible (queue-1a2b): two heads');
      return true;
    },
  );
});
