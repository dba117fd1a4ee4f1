import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, type ErrorCode } from '../base/errors.ts';
import { ERROR_STATUS, errorAnswer } from './error-status.ts';

test('every code has a status that tells of an error', () => {
  for (const [code, status] of Object.entries(ERROR_STATUS)) {
    assert.ok(Number.isInteger(status) && status >= 400 && status < 600, code);
  }
});

test('the codes of the contract keep the status their clients know', () => {
  const contract: readonly [ErrorCode, number][] = [
    ['VALIDATOR_PARAM', 400],
    ['UNAUTHORIZED', 401],
    ['INVALID_API_KEY', 403],
    ['SERVERLESS_ENDPOINT_NOT_FOUND', 404],
    ['SERVERLESS_PRODUCT_NOT_FOUND', 400],
    ['SERVERLESS_APP_NAME_IS_EXIST', 400],
    ['INSUFFICIENT_RESOURCE', 400],
  ];
  for (const [code, status] of contract) assert.equal(ERROR_STATUS[code], status, code);
});

test('an answer has the outside of an error and nothing of its inside', () => {
  const error = new AppError('QUEUE_FULL', 'too many wait', {
    metadata: { limit: '10' },
    detail: 'secret-detail',
    cause: new Error('secret-cause'),
  });
  const answer = errorAnswer(error);
  assert.deepEqual(answer, {
    status: 429,
    body: { code: 429, reason: 'QUEUE_FULL', message: 'too many wait', metadata: { limit: '10' } },
  });
  assert.ok(!JSON.stringify(answer).includes('secret'));
});
