import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Client } from '../../src/client/client.ts';
import { ClientError } from '../../src/client/client-error.ts';
import { refusalOf, StubApi, STUB_ENDPOINT } from '../support/stub-api.ts';

async function errorOf(call: Promise<unknown>): Promise<ClientError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof ClientError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'the call was expected to fail' });
}

test('a call fills the path, sends query, body and key, and gives the answer', async () => {
  await using stub = await StubApi.start({
    'PUT /base/gpus/v2/endpoints/a%2Fb': { body: { revision: 2, changed: {}, rollout: null } },
    'GET /base/gpus/v2/endpoints': { body: { data: [], next_cursor: '', has_more: false } },
  });
  const client = new Client({ url: `${stub.url}/base/`, apiKey: 'key-1' });

  const answer = await client.call('updateEndpoint', { path: { endpoint_id: 'a/b' }, body: { name: 'new' } });
  await client.call('listEndpoints', { query: { limit: 5, keyword: 'a b&c' } });

  assert.deepEqual(answer, { revision: 2, changed: {}, rollout: null });
  assert.deepEqual(stub.calls, [
    'PUT /base/gpus/v2/endpoints/a%2Fb',
    'GET /base/gpus/v2/endpoints?limit=5&keyword=a+b%26c',
  ]);
  const [put, get] = stub.requests;
  assert.deepEqual(put?.body, { name: 'new' });
  assert.equal(put?.headers['content-type'], 'application/json');
  assert.equal(put?.headers.authorization, 'Bearer key-1');
  assert.equal(get?.headers['content-type'], undefined);
});

test('a text answer comes as text, with its headers', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1/workers/w1/log': {
      body: 'grüße\n',
      headers: { 'x-pilotlight-dropped-bytes': '7' },
    },
  });
  const client = new Client({ url: stub.url });
  const path = { endpoint_id: 'ep1', worker_id: 'w1' };

  assert.equal(await client.call('getWorkerLog', { path }), 'grüße\n');
  const { headers } = await client.callWithHeaders('getWorkerLog', { path });
  assert.equal(headers.get('x-pilotlight-dropped-bytes'), '7');
  assert.equal(stub.requests[0]?.headers.authorization, undefined);
});

test("a refusal carries the server's status, reason, message and facts", async () => {
  await using stub = await StubApi.start({
    'POST /gpus/v2/endpoints': {
      ...refusalOf(400, 'VALIDATOR_PARAM', 'two fields are wrong', { name: 'missing' }),
      headers: { 'retry-after': '3' },
    },
  });
  const client = new Client({ url: stub.url });
  const body = {
    type: 'sync',
    name: '',
    product_id: 'cpu',
    image: 'host',
    worker_config: { max_replicas: 1 },
  } as const;
  const error = await errorOf(client.call('createEndpoint', { body }));

  assert.equal(error.status, 400);
  assert.equal(error.reason, 'VALIDATOR_PARAM');
  assert.equal(error.message, 'two fields are wrong');
  assert.deepEqual(error.metadata, { name: 'missing' });
  assert.equal(error.retryAfterSeconds, 3);
});

test('what is not an answer of this API says so', async () => {
  await using stub = await StubApi.start({
    'GET /healthz': { status: 502, body: '<html>bad gateway</html>' },
    'GET /gpus/v2/regions': { body: 'not json' },
    'GET /gpus/v2/endpoints': { status: 500, body: { oops: true } },
  });
  const client = new Client({ url: stub.url });

  const proxy = await errorOf(client.call('getHealth', {}));
  assert.deepEqual([proxy.status, proxy.reason], [502, 'BAD_ANSWER']);
  assert.match(proxy.message, /healthz \(status 502\) is not JSON/);
  const broken = await errorOf(client.call('listRegions', {}));
  assert.deepEqual([broken.status, broken.reason], [200, 'BAD_ANSWER']);
  const strange = await errorOf(client.call('listEndpoints', {}));
  assert.match(strange.message, /is not an error of this API/);
});

test('a redirect is not followed', async () => {
  await using stub = await StubApi.start({
    'GET /healthz': { status: 302, body: '', headers: { location: '/elsewhere' } },
    'GET /elsewhere': { body: { status: 'serving', version: '1' } },
  });
  const error = await errorOf(new Client({ url: stub.url, apiKey: 'secret' }).call('getHealth', {}));
  assert.equal(error.reason, 'UNREACHABLE');
  assert.deepEqual(stub.calls, ['GET /healthz']);
});

test('no server: the URL and the cause are told', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');

  const error = await errorOf(new Client({ url: `http://127.0.0.1:${port}` }).call('getHealth', {}));
  assert.equal(error.status, null);
  assert.equal(error.reason, 'UNREACHABLE');
  assert.match(error.message, new RegExp(`cannot reach http://127.0.0.1:${port}: .*ECONNREFUSED`));
});

test('a server that never answers is given up after the limit; the caller can give up earlier', async () => {
  const silent = createServer((socket) => socket.on('error', () => socket.destroy())).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;

  const error = await errorOf(new Client({ url, timeoutMs: 50 }).call('getHealth', {}));
  assert.equal(error.reason, 'TIMEOUT');
  assert.match(error.message, /GET .*healthz was not answered within 50 ms/);

  const caller = new AbortController();
  const call = new Client({ url }).call('getHealth', {}, { signal: caller.signal });
  caller.abort(new Error('no longer wanted'));
  await assert.rejects(call, /no longer wanted/);
  silent.close();
});

test('an id that a URL would take for a folder is never sent', async () => {
  await using stub = await StubApi.start({});
  const client = new Client({ url: stub.url });
  for (const id of ['', '.', '..']) {
    const error = await errorOf(client.call('deleteEndpoint', { path: { endpoint_id: id } }));
    assert.equal(error.reason, 'BAD_INPUT');
  }
  assert.deepEqual(stub.calls, []);
});

test('the types of the answers are those of the document', async () => {
  await using stub = await StubApi.start({ 'GET /gpus/v2/endpoints/ep1': { body: STUB_ENDPOINT } });
  const endpoint = await new Client({ url: stub.url }).call('getEndpoint', { path: { endpoint_id: 'ep1' } });
  // Compiles only while these fields have these types.
  const text: string = endpoint.status.message;
  const count: number = endpoint.worker_config.max_replicas;
  assert.deepEqual([text, count], ['', 3]);
});
