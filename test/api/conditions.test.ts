import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { ChangeTerms } from '../../src/ports/endpoint-service.ts';
import { ask, KEY, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID, stubService } from '../support/stub-endpoint-service.ts';

const PATH = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`;

function metadataOf(answer: { readonly json: unknown }): Readonly<Record<string, string>> {
  return (answer.json as { metadata: Readonly<Record<string, string>> }).metadata;
}

test('If-Match of a PUT and a DELETE reaches the service, as one tag, a list, several headers or a star', async (context) => {
  const { url, calls } = await startApi(context);
  for (const [header, ifMatch] of [
    ['"1-5"', ['"1-5"']],
    ['"1-5", W/"2-5"', ['"1-5"', 'W/"2-5"']],
    ['*', '*'],
  ] as const) {
    assert.equal((await ask(url + PATH, 'PUT', '{}', { 'if-match': header })).status, 200);
    assert.deepEqual((calls.at(-1)?.args[3] as ChangeTerms | undefined)?.ifMatch, ifMatch);
    assert.equal((await ask(url + PATH, 'DELETE', undefined, { 'if-match': header })).status, 200);
    assert.deepEqual(calls.at(-1)?.args[2], ifMatch);
  }
});

test('an If-Match that is none is refused, and not taken for one that does not match', async (context) => {
  const { url, calls } = await startApi(context);
  for (const header of ['1-5', '"1-5', '"1-5" "2-5"', '*, "1-5"', `"${'x'.repeat(1024)}"`]) {
    for (const method of ['PUT', 'DELETE']) {
      const body = method === 'PUT' ? '{}' : undefined;
      const answer = await ask(url + PATH, method, body, { 'if-match': header });
      assert.equal(answer.status, 400, `${method} ${header}`);
      assert.deepEqual(Object.keys(metadataOf(answer)), ['if-match']);
    }
  }
  assert.deepEqual(calls, []);
});

test('a refused condition is 412 with the present tag in a header and in the facts', async (context) => {
  const service = stubService({
    update: async () => {
      throw new AppError('PRECONDITION_FAILED', 'changed since', {
        metadata: { etag: '"3-7"', image: 'was "a", is now "b"' },
      });
    },
  });
  const { url } = await startApi(context, { service });
  const answer = await ask(url + PATH, 'PUT', '{}', { 'if-match': '"1-1"' });
  assert.equal(answer.status, 412);
  assert.equal(answer.headers.get('etag'), '"3-7"');
  assert.deepEqual(answer.json, {
    code: 412,
    reason: 'PRECONDITION_FAILED',
    message: 'changed since',
    metadata: { etag: '"3-7"', image: 'was "a", is now "b"' },
  });
});

test('one key gives one request one fingerprint; another method, query or body gives another', async (context) => {
  const { url, calls } = await startApi(context);
  const fingerprint = async (method: string, path: string, body: string): Promise<string> => {
    assert.equal((await ask(url + path, method, body, { 'idempotency-key': 'k-1' })).status, 200);
    const args = calls.at(-1)?.args ?? [];
    const once = method === 'PUT' ? (args[3] as ChangeTerms).once : (args[2] as ChangeTerms['once']);
    assert.equal(once?.key, 'k-1');
    return once.fingerprint;
  };
  const first = await fingerprint('PUT', PATH, '{"name":"a"}');
  assert.equal(await fingerprint('PUT', PATH, '{"name":"a"}'), first);
  const others = [
    await fingerprint('PUT', PATH, '{"name":"b"}'),
    await fingerprint('PUT', PATH, '{"name": "a"}'),
    await fingerprint('PUT', `${PATH}?bake_seconds=1`, '{"name":"a"}'),
    await fingerprint('POST', '/gpus/v2/endpoints', '{"name":"a"}'),
  ];
  assert.equal(new Set([first, ...others]).size, 5);
});

test('an idempotency key has 1 to 255 visible characters', async (context) => {
  const { url, calls } = await startApi(context);
  const longest = 'k'.repeat(255);
  assert.equal((await ask(url + PATH, 'PUT', '{}', { 'idempotency-key': longest })).status, 200);
  const taken = calls.length;
  const empty = await fetch(url + PATH, {
    method: 'PUT',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'idempotency-key': '' },
    body: '{}',
  });
  assert.equal(empty.status, 400);
  for (const key of [`${longest}k`, 'a b', 'ä']) {
    for (const [method, path] of [
      ['PUT', PATH],
      ['POST', '/gpus/v2/endpoints'],
    ] as const) {
      const answer = await ask(url + path, method, '{}', { 'idempotency-key': key });
      assert.equal(answer.status, 400, `${method} ${key}`);
      assert.deepEqual(Object.keys(metadataOf(answer)), ['idempotency-key']);
    }
  }
  assert.equal(calls.length, taken);
});

test('an answer that was given before says so in a header, not in its body', async (context) => {
  const outcome = { revision: 2, changed: {}, rollout: null, etag: '"2-6"' };
  const service = stubService({ update: async () => ({ ...outcome, replayed: true }) });
  const { url } = await startApi(context, { service });
  const answer = await ask(url + PATH, 'PUT', '{}', { 'idempotency-key': 'k' });
  assert.deepEqual(answer.json, outcome);
  assert.equal(answer.headers.get('idempotency-replayed'), 'true');
  const created = await ask(`${url}/gpus/v2/endpoints`, 'POST', '{}', { 'idempotency-key': 'k' });
  assert.equal(created.headers.get('idempotency-replayed'), null);
});
