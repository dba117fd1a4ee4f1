import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import { ask, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID, stubService } from '../support/stub-endpoint-service.ts';

const PATH = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`;

function throwing(error: unknown) {
  return stubService({
    get: () => {
      throw error;
    },
  });
}

test('an expected failure tells its outside message and facts, never its inside', async (context) => {
  const error = new AppError('STORE_FAILED', 'The store could not be written; try again.', {
    metadata: { endpoint_id: 'x' },
    detail: 'disk /secret/place is full',
    cause: new Error('ENOSPC'),
    retryAfterSeconds: 3,
  });
  const { url, logLines } = await startApi(context, { service: throwing(error) });
  const answer = await ask(url + PATH);
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.json, {
    code: 500,
    reason: 'STORE_FAILED',
    message: 'The store could not be written; try again.',
    metadata: { endpoint_id: 'x' },
  });
  assert.equal(answer.headers.get('retry-after'), '3');
  const line = logLines.find((entry) => entry.level === 'error');
  assert.equal(line?.facts['error'], error);
  assert.equal(line?.facts['detail'], 'disk /secret/place is full');
});

test('an unexpected failure tells nothing of itself, and the log has it under the told id', async (context) => {
  for (const thrown of [
    new TypeError('secret: cannot read x of undefined'),
    'a secret string',
    null,
    { code: 7 },
    { statusCode: 404 },
  ]) {
    const { url, logLines } = await startApi(context, { service: throwing(thrown) });
    const answer = await ask(url + PATH);
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.text, /secret/);
    const body = answer.json as { reason: string; metadata: { request_id: string } };
    assert.equal(body.reason, 'UNKNOWN');
    const line = logLines.find((entry) => entry.level === 'error');
    assert.equal(line?.facts['error'], thrown);
    assert.equal(line?.facts['requestId'], body.metadata.request_id);
  }
});

test('refusals are not logged as errors', async (context) => {
  const { url, logLines } = await startApi(context);
  assert.equal((await ask(`${url}/gpus/v2/endpoints/unknown`)).status, 404);
  assert.equal((await ask(`${url}/nowhere`)).status, 404);
  assert.equal((await ask(url + PATH, 'GET', undefined, { authorization: '' })).status, 401);
  assert.deepEqual(
    logLines.filter((line) => line.level !== 'debug'),
    [],
  );
});

test('/healthz says when the server no longer serves', async (context) => {
  let serving = true;
  const { url } = await startApi(context, { isServing: () => serving });
  const up = await ask(`${url}/healthz`);
  assert.equal(up.status, 200);
  assert.deepEqual(up.json, { status: 'serving', version: '1.2.3' });
  serving = false;
  const down = await ask(`${url}/healthz`);
  assert.equal(down.status, 503);
  assert.equal((down.json as { reason: string }).reason, 'SHUTTING_DOWN');
});

test('/metrics passes on what the registry reads', async (context) => {
  const { url } = await startApi(context);
  const answer = await ask(`${url}/metrics`);
  assert.equal(answer.text, 'up 1\n');
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
});
