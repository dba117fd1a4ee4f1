import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import {
  ENDPOINT,
  KEY,
  gatewayWorld,
  testBoth,
  readToEnd,
  readUntil,
  type GatewayWorld,
} from '../support/gateway-world.ts';

/** A worker that echoes WebSocket messages. */
async function echoWorker(
  t: TestContext,
  world: GatewayWorld,
): Promise<{ most: () => number; upgrades: IncomingMessage[] }> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  let open = 0;
  let most = 0;
  const upgrades: IncomingMessage[] = [];
  sockets.on('connection', (socket, request) => {
    upgrades.push(request);
    open += 1;
    most = Math.max(most, open);
    socket.on('message', (data, isBinary) => {
      socket.send(data, { binary: isBinary });
    });
    socket.on('close', () => (open -= 1));
  });
  world.putWorker(await world.listen(server));
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  });
  return { most: () => most, upgrades };
}

function dial(world: GatewayWorld, path = '/socket', key = KEY): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${world.port}/e/${ENDPOINT}${path}`, {
    headers: { authorization: `Bearer ${key}` },
  });
}

async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await new Promise((resolve) => setImmediate(resolve));
}

testBoth('WebSocket messages pass both ways, large ones too', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const worker = await echoWorker(t, world);
  const socket = dial(world, '/chat?room=1');
  const upgraded = once(socket, 'upgrade');
  await once(socket, 'open');
  const [answer] = (await upgraded) as [IncomingMessage];
  assert.equal(answer.headers['x-pilotlight-worker'], 'worker0');
  assert.equal(worker.upgrades[0]?.url, '/chat?room=1');
  assert.equal(worker.upgrades[0]?.headers.authorization, undefined);
  for (const message of ['short', 'x'.repeat(3_000_000)]) {
    const back = once(socket, 'message');
    socket.send(message);
    const [data] = (await back) as [Buffer];
    assert.equal(data.toString(), message);
  }
  socket.close();
  await once(socket, 'close');
  await world.listener.seen('ended');
  const [outcome] = world.listener.outcomes();
  assert.equal(outcome?.status, 101);
  while (world.gateway.inFlight > 0) await turns(1);
  assert.equal(world.gateway.load(ENDPOINT).running, 0);
});

testBoth('a WebSocket holds its slot until the worker has closed its side', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const worker = await echoWorker(t, world);
  const first = dial(world);
  await once(first, 'open');
  const second = dial(world);
  await world.listener.seen('waiting');
  first.terminate();
  await once(second, 'open');
  assert.equal(worker.most(), 1);
  assert.equal(world.listener.count('ended'), 1);
  second.close();
  await once(second, 'close');
  await world.listener.seen('ended', 2);
});

testBoth(
  'an upgrade without a worker waits and wakes one, and its early bytes are kept',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const socket = await world.raw();
    socket.write(
      `GET /e/${ENDPOINT}/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nearly `,
    );
    await world.listener.seen('waiting');
    socket.write('bird');
    await turns(20);
    const server = createServer();
    server.on('upgrade', (_request: IncomingMessage, worker: Duplex, head: Buffer) => {
      worker.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\nX-Extra: 1\r\n\r\nhello ',
      );
      let text = head.toString();
      worker.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text === 'early bird') worker.end(text.toUpperCase());
      });
    });
    world.putWorker(await world.listen(server));
    const text = await readToEnd(socket);
    assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    assert.match(text, /Upgrade: shout\r\n/);
    assert.match(text, /X-Extra: 1\r\n/);
    assert.ok(text.endsWith('hello EARLY BIRD'), text);
    await world.listener.seen('ended');
  },
);

testBoth('a client that leaves while its upgrade waits leaves the queue', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  for (const leave of ['destroy', 'end'] as const) {
    const gone = world.listener.count('gone');
    const socket = await world.raw();
    socket.write(
      `GET /e/${ENDPOINT}/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n`,
    );
    await world.listener.seen('waiting', gone + 1);
    socket[leave]();
    await world.listener.seen('gone', gone + 1);
    socket.destroy();
  }
  assert.equal(world.gateway.load(ENDPOINT).waiting, 0);
});

testBoth('a refused upgrade is answered as any request is', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const cases: [string, RegExp][] = [
    ['wrong key', /^HTTP\/1\.1 401 [^]*"reason":"UNAUTHORIZED"/],
    [KEY, /^HTTP\/1\.1 426 [^]*use WebSocket/],
  ];
  await world.worker((_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain' }).end('use WebSocket');
  });
  for (const [key, expected] of cases) {
    const socket = await world.raw();
    socket.write(
      `GET /e/${ENDPOINT}/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${key}\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n`,
    );
    assert.match(await readToEnd(socket), expected);
  }
  await world.listener.seen('ended');
  assert.equal(world.listener.outcomes()[0]?.end, 'complete');
  while (world.gateway.inFlight > 0) await turns(1);
});

testBoth('an offer of HTTP/2 is ignored and the request is served as it is', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const seen: unknown[] = [];
  await world.worker((request, response) => {
    seen.push(request.headers.upgrade, request.headers['http2-settings']);
    request.pipe(response);
  });
  const socket = await world.raw();
  socket.write(
    `POST /e/${ENDPOINT}/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 4\r\n\r\nbody`,
  );
  assert.match(await readUntil(socket, /body/), /^HTTP\/1\.1 200 /);
  assert.deepEqual(seen, [undefined, undefined]);
});

testBoth(
  'a connection on which HTTP/2 was offered with a body is served on, or closed with the answer',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    await world.worker((request, response) => {
      request.pipe(response);
    });
    const socket = await world.raw();
    const request = `POST /e/${ENDPOINT}/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 4\r\n\r\nbody`;
    if (forwarder === 'general') {
      // Node would read nothing more on it.
      socket.write(request);
      assert.match(await readToEnd(socket), /^HTTP\/1\.1 200 [^]*connection: close[^]*body/i);
      return;
    }
    for (let round = 0; round < 2; round += 1) {
      socket.write(request);
      assert.match(await readUntil(socket, /body/), /^HTTP\/1\.1 200 [^]*connection: keep-alive/i);
    }
  },
);

testBoth('a worker that refuses the connection of an upgrade is tried elsewhere', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const closed = createServer();
  const port = await world.listen(closed);
  closed.close();
  world.putWorker(port, { preference: 9 });
  const worker = await echoWorker(t, world);
  const socket = dial(world);
  await once(socket, 'open');
  assert.equal(worker.most(), 1);
  socket.terminate();
  await world.listener.seen('ended');
});

testBoth('a worker that breaks a tunnel takes the client with it', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const server = createServer();
  let workerSide: Socket | null = null;
  server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nhello');
    workerSide = socket as Socket;
  });
  world.putWorker(await world.listen(server));
  const socket = await world.raw();
  socket.write(
    `GET /e/${ENDPOINT}/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n`,
  );
  await readUntil(socket, /hello$/);
  const closed = once(socket, 'close');
  (workerSide as Socket | null)?.resetAndDestroy();
  socket.resume();
  await closed;
  await world.listener.seen('ended');
  assert.equal(world.listener.outcomes()[0]?.end, 'broke');
});

testBoth('a tunnel ends at request_timeout', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await echoWorker(t, world);
  const socket = dial(world);
  await once(socket, 'open');
  world.clock.advance(60_000);
  await once(socket, 'close');
  world.clock.advance(world.gateway.limits.closeGraceMs);
  await world.listener.seen('ended');
  assert.equal(world.listener.outcomes()[0]?.end, 'timeout');
  while (world.gateway.inFlight > 0) await turns(1);
});

testBoth('an upgrade that is sent ahead of another answer takes nothing from it', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((request, response) => response.end(`worker ${request.url}`));
  const socket = await world.raw();
  const request = (path: string, key: string, connection: string): string =>
    `GET /e/${ENDPOINT}${path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${key}\r\nConnection: ${connection}\r\nUpgrade: shout\r\n\r\n`;
  const plain = request('/1', KEY, 'keep-alive');
  socket.write(request('/0', 'unknown', 'keep-alive') + plain + request('/2', KEY, 'Upgrade, close'));
  const text = await readToEnd(socket);
  assert.match(text, /^HTTP\/1\.1 401 [^]*worker \/1[^]*worker \/2$/);
});

testBoth(
  'a client that does not close its side after the worker has is cut off after a while',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const server = createServer();
    server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nbye');
    });
    world.putWorker(await world.listen(server));
    const socket = connect({ port: world.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(
      `GET /e/${ENDPOINT}/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n`,
    );
    assert.match(await readToEnd(socket), /bye$/);
    await world.listener.seen('ended');
    assert.equal(world.gateway.inFlight, 1);
    const closed = once(socket, 'close');
    world.clock.advance(world.gateway.limits.fetchTimeoutMs);
    while (world.gateway.inFlight > 0) await turns(1);
    socket.end();
    await closed;
  },
);
