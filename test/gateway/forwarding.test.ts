import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { ENDPOINT, gatewayWorld, testBoth, readToEnd } from '../support/gateway-world.ts';

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

testBoth('a request reaches the worker and its answer comes back, byte for byte', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const seen: string[] = [];
  await world.worker((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(201, 'Made', { 'x-kind': ['a', 'b'], 'content-type': 'text/plain' });
      response.end(`got ${body}`);
    });
  });
  const answer = await world.send('/a/../b%2Fc//d?q=%20&r', { body: 'hello' });
  assert.equal(answer.status, 201);
  assert.equal(answer.body, 'got hello');
  assert.equal(answer.headers['x-kind'], 'a, b');
  assert.deepEqual(seen, ['POST /a/../b%2Fc//d?q=%20&r hello']);
  assert.deepEqual(world.outcomes, ['2xx']);
  await world.listener.seen('ended');
  assert.equal(world.listener.outcomes()[0]?.end, 'complete');
  assert.equal(world.gateway.load(ENDPOINT).running, 0);
});

testBoth('connections to a worker are used again, one request at a time', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const sockets = new Set<unknown>();
  await world.worker((request, response) => {
    sockets.add(request.socket);
    response.end('ok');
  });
  for (let count = 0; count < 20; count += 1) {
    const answer = await world.send('/');
    assert.equal(answer.body, 'ok');
  }
  // Each thread has its own.
  assert.equal(sockets.size, forwarder === 'threads' ? 2 : 1);
});

testBoth('every method and body shape passes', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((request, response) => {
    void bodyOf(request).then((body) => {
      response.setHeader(
        'x-seen',
        `${request.method} ${body.length} ${request.headers['content-length'] ?? '-'}`,
      );
      response.end(request.method === 'HEAD' ? undefined : 'answer');
    });
  });
  const chunked = { 'transfer-encoding': 'chunked' };
  const cases: [string, string | undefined, Record<string, string>, string][] = [
    ['GET', undefined, {}, 'GET 0 -'],
    ['HEAD', undefined, {}, 'HEAD 0 -'],
    ['OPTIONS', undefined, {}, 'OPTIONS 0 -'],
    ['DELETE', undefined, {}, 'DELETE 0 -'],
    ['POST', '', { 'content-length': '0' }, 'POST 0 0'],
    ['POST', 'abc', {}, 'POST 3 3'],
    ['PUT', 'abcd', chunked, 'PUT 4 -'],
    ['PATCH', 'x'.repeat(300_000), {}, 'PATCH 300000 300000'],
    ['GET', 'body', { 'content-length': '4' }, 'GET 4 4'],
    ['DELETE', 'body', chunked, 'DELETE 4 -'],
    ['PROPFIND', 'body', {}, 'PROPFIND 4 4'],
  ];
  for (const [method, body, headers, seen] of cases) {
    const answer = await world.send('/', { method, headers, ...(body === undefined ? {} : { body }) });
    assert.equal(answer.headers['x-seen'], seen);
    assert.equal(answer.body, method === 'HEAD' ? '' : 'answer');
  }
});

testBoth('answers without a body keep their head: HEAD, 204 and 304', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((request, response) => {
    if (request.url === '/none') response.writeHead(204).end();
    else if (request.url === '/same') response.writeHead(304, { etag: '"1"' }).end();
    else response.writeHead(200, { 'content-length': '1234' }).end();
  });
  const head = await world.send('/', { method: 'HEAD' });
  assert.equal(head.headers['content-length'], '1234');
  assert.equal(head.body, '');
  assert.equal((await world.send('/none')).status, 204);
  const same = await world.send('/same');
  assert.equal(same.status, 304);
  assert.equal(same.headers.etag, '"1"');
});

testBoth('an interim answer is dropped and the final one passes', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((_request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    response.end('final');
  });
  assert.equal((await world.send('/')).body, 'final');
});

testBoth('trailers pass both ways', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((request, response) => {
    void bodyOf(request).then((body) => {
      response.writeHead(200, { trailer: 'x-sum' });
      response.write(`${body} ${request.trailers['x-check'] ?? 'none'}`);
      response.addTrailers({ 'x-sum': '42' });
      response.end();
    });
  });
  const plain = await world.send('/', { body: 'p' });
  assert.equal(plain.body, 'p none');
  assert.equal(plain.trailers['x-sum'], '42');

  const socket = await world.raw();
  socket.write(
    `POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer key-of-the-owner\r\nConnection: close\r\n` +
      'Trailer: X-Check\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Check: seven\r\n\r\n',
  );
  const text = await readToEnd(socket);
  assert.match(text, /abc seven/);
  assert.match(text, /x-sum: 42/i);
});

testBoth('an answer to HTTP/1.0 is framed by its length or by the close', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((_request, response) => {
    response.write('part one, ');
    response.end('part two');
  });
  const socket = await world.raw();
  socket.write(`GET /e/${ENDPOINT}/ HTTP/1.0\r\nAuthorization: Bearer key-of-the-owner\r\n\r\n`);
  const text = await readToEnd(socket);
  assert.match(text, /^HTTP\/1.1 200/);
  assert.doesNotMatch(text, /transfer-encoding/i);
  assert.ok(text.endsWith('\r\n\r\npart one, part two'));
});
