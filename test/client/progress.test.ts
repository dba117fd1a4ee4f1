import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Client } from '../../src/client/client.ts';
import { ClientError } from '../../src/client/client-error.ts';

const INPUT = { path: { endpoint_id: 'ep1' }, body: {} };

/** A server whose answers the test writes itself. */
async function eventServer(t: TestContext, respond: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    respond(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('progress is told as it comes, also in pieces, and the result is the answer', async (t) => {
  const told: unknown[] = [];
  const seen = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const url = await eventServer(t, (response) => {
    void (async () => {
      response.write('event: progress\ndata: {"do');
      response.write('ne":1}\n\n: a comment\n\nevent: other\ndata: 7\n\n');
      await seen[0]?.promise;
      response.write('event: progress\ndata: {"done":"ü"}\n\n');
      await seen[1]?.promise;
      response.end('event: result\ndata: {"notes":[]}\n\n');
    })();
  });
  const answer = await new Client({ url }).callWithProgress('simulateEndpoint', INPUT, (data) => {
    seen[told.length]?.resolve();
    told.push(data);
  });
  assert.deepEqual(told, [{ done: 1 }, { done: 'ü' }]);
  assert.deepEqual(answer, { notes: [] });
});

test('a server that falls silent is given up', async (t) => {
  const url = await eventServer(t, (response) => response.write('event: progress\ndata: {}\n\n'));
  const call = new Client({ url, timeoutMs: 50 }).callWithProgress(
    'simulateEndpoint',
    INPUT,
    () => undefined,
  );
  await assert.rejects(call, (error) => error instanceof ClientError && error.reason === 'TIMEOUT');
});

test('the caller can give up, and the server sees it', async (t) => {
  const left = Promise.withResolvers<void>();
  const url = await eventServer(t, (response) => {
    response.once('close', () => left.resolve());
    response.write('event: progress\ndata: {}\n\n');
  });
  const abort = new AbortController();
  const call = new Client({ url }).callWithProgress(
    'simulateEndpoint',
    INPUT,
    () => abort.abort(new Error('enough')),
    { signal: abort.signal },
  );
  await assert.rejects(call, /enough/);
  await left.promise;
});
