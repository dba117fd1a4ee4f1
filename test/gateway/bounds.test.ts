import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import {
  ENDPOINT,
  KEY,
  gatewayWorld,
  readToEnd,
  readUntil,
  reasonOf,
  testBoth,
  type ForwarderName,
  type GatewayWorld,
} from '../support/gateway-world.ts';

/** All that a connection says whose head does not come. Node measures by the machine's time, we by the world's. */
async function headTimesOut(world: GatewayWorld, forwarder: ForwarderName, socket: Socket): Promise<string> {
  let ended = false;
  const text = readToEnd(socket).finally(() => (ended = true));
  while (forwarder !== 'general' && !ended) {
    world.clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return text;
}

const AUTH = `Host: h\r\nAuthorization: Bearer ${KEY}\r\n`;

testBoth('a head that is too large is 431', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const answer = await world.send('/', {
    headers: { authorization: `Bearer ${KEY}`, 'x-big': 'x'.repeat(40_000) },
  });
  assert.equal(answer.status, 431);
  assert.equal(reasonOf(answer), 'REQUEST_HEADERS_TOO_LARGE');
  assert.equal(world.gateway.inFlight, 0);
});

testBoth('a head within the bound passes with every header', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const worker = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    response.end(String(Object.keys(request.headers).length));
  });
  worker.maxHeadersCount = 0;
  world.putWorker(await world.listen(worker));
  const headers: Record<string, string> = { authorization: `Bearer ${KEY}` };
  for (let index = 0; index < 2_400; index += 1) headers[`a${index}`] = '';
  const answer = await world.send('/', { headers });
  assert.ok(Number(answer.body) > 2_400, answer.body);
});

testBoth(
  'a client that is slow with its head is 408, and one that says nothing is closed',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder, { limits: { headTimeoutMs: 200 } });
    const slow = await world.raw();
    const silent = await world.raw();
    slow.write(`GET /e/${ENDPOINT}/ HTTP/1.1\r\nHo`);
    const text = await headTimesOut(world, forwarder, slow);
    assert.match(text, /^HTTP\/1\.1 408 [^]*"reason":"REQUEST_HEADERS_TIMEOUT"/);
    assert.match(await headTimesOut(world, forwarder, silent), /^HTTP\/1\.1 408 /);
  },
);

testBoth('a slow body is no slow head', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { limits: { headTimeoutMs: 200 } });
  await world.worker((request, response) => {
    request.pipe(response);
  });
  // Its time-out would have come before this other connection's.
  const upload = await world.raw();
  upload.write(`POST /e/${ENDPOINT}/ HTTP/1.1\r\n${AUTH}Connection: close\r\nContent-Length: 4\r\n\r\nbo`);
  await world.listener.seen('started');
  const slow = await world.raw();
  slow.write('GET');
  assert.match(await headTimesOut(world, forwarder, slow), /^HTTP\/1\.1 408 /);
  upload.write('dy');
  assert.match(await readToEnd(upload), /bo\r\n2\r\ndy\r\n/);
});

testBoth('a body that says it is too large is 413 before it takes a place', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { limits: { bodyBytes: 10 } });
  let served = 0;
  await world.worker((request, response) => {
    served += 1;
    request.pipe(response);
  });
  const refused = await world.send('/', { body: 'x'.repeat(11) });
  assert.equal(refused.status, 413);
  assert.equal(reasonOf(refused), 'BODY_TOO_LARGE');
  assert.equal(world.listener.events.length, 0);
  assert.equal((await world.send('/', { body: 'x'.repeat(10) })).body, 'x'.repeat(10));
  assert.equal(served, 1);
});

testBoth('a chunked body that grows too large is 413 and cut off at the worker', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { limits: { bodyBytes: 100_000 } });
  let got = 0;
  await world.worker((request) => {
    request.on('data', (chunk: Buffer) => (got += chunk.length));
    request.on('error', () => undefined);
  });
  const refused = await world.send('/', {
    body: 'x'.repeat(300_000),
    headers: { authorization: `Bearer ${KEY}`, 'transfer-encoding': 'chunked' },
  });
  assert.equal(refused.status, 413);
  await world.listener.seen('ended');
  assert.equal(world.listener.outcomes()[0]?.end, 'clientGone');
  assert.ok(got <= 100_000);
});

testBoth('a refused upload still gets its answer, and its connection is used again', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const socket = await world.raw();
  const body = 'x'.repeat(200_000);
  socket.write(`POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  socket.write(`GET /e/nothing/ HTTP/1.1\r\n${AUTH}Connection: close\r\n\r\n`);
  const text = await readToEnd(socket);
  assert.deepEqual(
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]),
    ['401', '404'],
  );
});

testBoth(
  'requests that are over at once are answered one by one, however many are sent ahead',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const socket = await world.raw();
    const refused = `GET /e/nothing/ HTTP/1.1\r\n${AUTH}\r\n`;
    const answers = readToEnd(socket);
    for (let sent = 0; sent < 5_000; sent += 1) socket.write(refused);
    socket.write(`GET /e/nothing/ HTTP/1.1\r\n${AUTH}Connection: close\r\n\r\n`);
    assert.equal((await answers).match(/HTTP\/1\.1 404/g)?.length, 5_001);
  },
);

testBoth('a refused upload that goes on is cut off', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { limits: { discardBytes: 100_000 } });
  const socket = await world.raw();
  socket.write(`POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nContent-Length: 90000000\r\n\r\n`);
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  const closed = once(socket, 'close');
  let open = true;
  void closed.then(() => (open = false));
  const chunk = Buffer.alloc(50_000);
  while (open) {
    socket.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(text, /^HTTP\/1\.1 401 /);
});

testBoth('CONNECT and other strange openings are refused', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const connect = await world.raw();
  connect.write(`CONNECT example.test:80 HTTP/1.1\r\n${AUTH}\r\n`);
  assert.match(await readToEnd(connect), /^HTTP\/1\.1 405 /);
  const tls = await world.raw();
  tls.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]));
  assert.match(await readToEnd(tls), /^HTTP\/1\.1 400 /);
});

testBoth('a broken request behind a running one is answered after it', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  let finish = (): void => undefined;
  await world.worker((_request, response) => {
    finish = () => response.end('first answer');
  });
  const socket = await world.raw();
  const text = readToEnd(socket);
  socket.write(`GET /e/${ENDPOINT}/ HTTP/1.1\r\n${AUTH}\r\nNONSENSE\r\n\r\n`);
  await world.listener.seen('started');
  while (finish.length !== 0 || world.listener.count('answered') === 0) {
    finish();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(await text, /^HTTP\/1\.1 200 OK[^]*first answer[^]*HTTP\/1\.1 400 /);
});

testBoth('an upload that timed out is read away, and its connection is used again', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const worker = await world.worker((request, response) => {
    if (request.method === 'POST') request.on('error', () => undefined).resume();
    else response.end('next');
  });
  const socket = await world.raw();
  const half = 'x'.repeat(100_000);
  socket.write(`POST /e/${ENDPOINT}/ HTTP/1.1\r\n${AUTH}Content-Length: 200000\r\n\r\n${half}`);
  await once(worker.server, 'request');
  world.clock.advance(60_000);
  assert.match(await readUntil(socket, /REQUEST_TIMEOUT_RUNNING/), /^HTTP\/1\.1 504 /);
  await world.listener.seen('ended');
  // No time passes any more: what is left of the body is in nobody's way.
  socket.write(`${half}GET /e/${ENDPOINT}/ HTTP/1.1\r\n${AUTH}Connection: close\r\n\r\n`);
  assert.match(await readToEnd(socket), /next/);
});
