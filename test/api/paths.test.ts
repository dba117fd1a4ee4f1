import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID } from '../support/stub-endpoint-service.ts';

test('an unknown path is 404, a known one with another method 405 with Allow', async (context) => {
  const { url, calls } = await startApi(context);
  for (const path of ['/', '/gpus/v2', '/gpus/v2/endpoint', '/gpus/v1/endpoints', '/healthz/x']) {
    const answer = await ask(url + path);
    assert.equal(answer.status, 404, path);
    assert.equal((answer.json as { reason: string }).reason, 'API_NOT_FOUND');
  }
  const endpoint = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`;
  for (const [method, path, allow] of [
    ['PATCH', endpoint, 'DELETE, GET, HEAD, PUT'],
    ['POST', endpoint, 'DELETE, GET, HEAD, PUT'],
    ['PUT', '/gpus/v2/endpoints', 'GET, HEAD, POST'],
    ['DELETE', `${endpoint}/workers?x=1`, 'GET, HEAD'],
    ['OPTIONS', '/healthz', 'GET, HEAD'],
    ['PROPFIND', '/gpus/v2/regions', 'GET, HEAD'],
  ] as const) {
    const answer = await ask(url + path, method);
    assert.equal(answer.status, 405, `${method} ${path}`);
    assert.equal((answer.json as { reason: string }).reason, 'METHOD_NOT_ALLOWED');
    assert.equal(answer.headers.get('allow'), allow);
  }
  assert.deepEqual(calls, []);
});

test('an endpoint id has 1 to 255 characters', async (context) => {
  const { url } = await startApi(context);
  const longest = await ask(`${url}/gpus/v2/endpoints/${'a'.repeat(255)}`);
  assert.equal(longest.status, 404);
  assert.equal((longest.json as { reason: string }).reason, 'SERVERLESS_ENDPOINT_NOT_FOUND');
  const empty = await ask(`${url}/gpus/v2/endpoints/`);
  assert.equal(empty.status, 400);
  assert.deepEqual(Object.keys((empty.json as { metadata: object }).metadata), ['endpoint_id']);
  const tooLong = await ask(`${url}/gpus/v2/endpoints/${'a'.repeat(256)}`);
  assert.equal(tooLong.status, 400);
  assert.deepEqual((tooLong.json as { metadata: object }).metadata, {
    endpoint_id: 'has 256 characters; allowed: a string of 1 to 255 characters',
  });
});

test('a path with a broken escape is refused', async (context) => {
  const { url } = await startApi(context);
  const answer = await ask(`${url}/gpus/v2/endpoints/%zz`);
  assert.equal(answer.status, 400);
  assert.equal((answer.json as { reason: string }).reason, 'REQUEST');
});
