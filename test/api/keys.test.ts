import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, KEY, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID } from '../support/stub-endpoint-service.ts';

const GUARDED = [
  ['GET', '/gpus/v2/endpoints'],
  ['POST', '/gpus/v2/endpoints'],
  ['GET', `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`],
  ['PUT', `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`],
  ['DELETE', `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`],
  ['GET', `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}/workers`],
  ['GET', `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}/workers/w/log`],
  ['GET', '/gpus/v2/products?category=serverless&type=gpu'],
  ['GET', '/gpus/v2/regions'],
] as const;

test('every route of the API asks for a key before it looks at anything else', async (context) => {
  const { url, calls } = await startApi(context);
  for (const [method, path] of GUARDED) {
    const body = method === 'POST' || method === 'PUT' ? '{not json' : undefined;
    const none = await ask(url + path, method, body, { authorization: '' });
    assert.equal(none.status, 401, `${method} ${path}`);
    assert.equal((none.json as { reason: string }).reason, 'UNAUTHORIZED');
    assert.equal(none.headers.get('www-authenticate'), 'Bearer');
    const wrong = await ask(url + path, method, body, { authorization: 'Bearer not-the-key' });
    assert.equal(wrong.status, 403, `${method} ${path}`);
    assert.deepEqual(wrong.json, {
      code: 403,
      reason: 'INVALID_API_KEY',
      message: 'The API key is not known here; check the key after "Bearer".',
      metadata: {},
    });
  }
  assert.deepEqual(calls, []);
});

test('the key is taken as the scheme asks, and what is no bearer key counts as none', async (context) => {
  const { url } = await startApi(context);
  const path = `${url}/gpus/v2/regions`;
  for (const authorization of [`Bearer ${KEY}`, `bearer ${KEY}`, `BEARER  ${KEY}`]) {
    assert.equal((await ask(path, 'GET', undefined, { authorization })).status, 200, authorization);
  }
  for (const authorization of ['Bearer', 'Bearer ', `Basic ${KEY}`, KEY, `Bearer ${KEY} more`]) {
    assert.equal((await ask(path, 'GET', undefined, { authorization })).status, 401, authorization);
  }
});

test('the caller that a key stands for reaches the service', async (context) => {
  const { url, calls } = await startApi(context);
  await ask(`${url}/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`);
  assert.deepEqual(calls, [{ method: 'get', args: [STUB_ENDPOINT_ID, { ownerId: 'owner-1', admin: true }] }]);
});

test('what probes and scrapers read needs no key', async (context) => {
  const { url } = await startApi(context);
  for (const path of ['/healthz', '/metrics', '/openapi.json']) {
    assert.equal((await ask(url + path, 'GET', undefined, { authorization: '' })).status, 200, path);
  }
});
