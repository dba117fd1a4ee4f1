import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import {
  ENDPOINT,
  KEY,
  gatewayWorld,
  readToEnd,
  readUntil,
  type GatewayWorld,
} from '../support/gateway-world.ts';

const AUTH = `Host: h\r\nAuthorization: Bearer ${KEY}\r\n`;
const toEndpoint = (path: string, ...lines: string[]): string =>
  `GET /e/${ENDPOINT}${path} HTTP/1.1\r\n${AUTH}${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
const toServer = (method: string, path: string, ...lines: string[]): string =>
  `${method} ${path} HTTP/1.1\r\nHost: h\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

/** A world whose own server, behind the listener, answers by `own`. */
async function worldWith(
  t: TestContext,
  own: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<GatewayWorld> {
  return await gatewayWorld(t, 'strict', { own });
}

async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await new Promise((resolve) => setImmediate(resolve));
}

function bodies(text: string): string[] {
  return text.split(/HTTP\/1\.1 \d{3} [^]*?\r\n\r\n/).slice(1);
}

test('a connection goes to the server itself and to endpoints by turns', async (t) => {
  const world = await worldWith(t, (request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += String(chunk)));
    request.on('end', () => {
      const body = `own ${request.method} ${request.url} ${text}`;
      response.writeHead(200, { 'content-length': body.length }).end(request.method === 'HEAD' ? '' : body);
    });
  });
  await world.worker((request, response) => {
    response.setHeader('content-length', String(request.url?.length)).end(request.url);
  });
  const socket = await world.raw();
  const requests: [string, string][] = [
    [toServer('GET', '/a'), 'own GET /a '],
    [toEndpoint('/1'), '/1'],
    [`${toServer('POST', '/b', 'Content-Length: 3')}abc`, 'own POST /b abc'],
    [`${toServer('PUT', '/c', 'Transfer-Encoding: chunked')}2\r\nde\r\n0\r\n\r\n`, 'own PUT /c de'],
    [toEndpoint('/2'), '/2'],
    [toServer('HEAD', '/d'), ''],
    [toEndpoint('/3'), '/3'],
  ];
  for (const [bytes, body] of requests) {
    socket.write(bytes);
    const text = await readUntil(socket, new RegExp(`\r\n\r\n${body}$`));
    assert.deepEqual(bodies(text), [body]);
    assert.match(text, /connection: keep-alive/i);
  }
});

test('requests sent ahead to either are answered in their order', async (t) => {
  const world = await worldWith(t, (request, response) => response.end(`own ${request.url}`));
  await world.worker((request, response) => response.end(`worker ${request.url}`));
  const socket = await world.raw();
  socket.write(
    toServer('GET', '/a') + toEndpoint('/1') + toServer('GET', '/b') + toEndpoint('/2', 'Connection: close'),
  );
  const text = await readToEnd(socket);
  assert.deepEqual(text.match(/(?:own|worker) \/\w/g), ['own /a', 'worker /1', 'own /b', 'worker /2']);
});

test('a stream of the server itself reaches the client piece by piece and ends when it leaves', async (t) => {
  let stream: ServerResponse | null = null;
  let address: string | undefined;
  const world = await worldWith(t, (request, response) => {
    address = request.socket.remoteAddress;
    stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
  });
  const socket = await world.raw();
  socket.write(toServer('GET', '/events'));
  await readUntil(socket, /\r\n\r\n/);
  assert.ok(stream !== null);
  assert.equal(address, '127.0.0.1');
  const open: ServerResponse = stream;
  for (let index = 0; index < 5; index += 1) {
    open.write(`data: ${index}\n\n`);
    await readUntil(socket, new RegExp(`data: ${index}\n\n`));
  }
  const closed = once(open, 'close');
  socket.destroy();
  await closed;
});

test('a reader that is slow holds back a stream of the server itself, and a slow server its sender', async (t) => {
  const total = 64 * 1_048_576;
  let taken = 0;
  let upload: IncomingMessage | null = null;
  const world = await worldWith(t, (request, response) => {
    if (request.method === 'POST') {
      upload = request;
      request.on('end', () => response.end('took it'));
      return;
    }
    const push = (): void => {
      for (;;) {
        if (taken === total) {
          response.end();
          return;
        }
        taken += 65_536;
        if (!response.write(Buffer.alloc(65_536))) {
          response.once('drain', push);
          return;
        }
      }
    };
    push();
  });
  const reader = await world.raw();
  reader.write(toServer('GET', '/', 'Connection: close'));
  await once(reader, 'readable');
  let before = -1;
  while (before !== taken) {
    before = taken;
    await turns(2_000);
  }
  assert.ok(taken < total / 2, `${taken} bytes left the server while nobody read`);
  assert.ok((await readToEnd(reader)).length > total);

  const sender = await world.raw();
  sender.write(toServer('POST', '/', 'Connection: close', `Content-Length: ${total}`));
  let sent = 0;
  for (let index = 0; index < 64; index += 1)
    sender.write(Buffer.alloc(total / 64), () => (sent += total / 64));
  before = -1;
  while (before !== sent) {
    before = sent;
    await turns(2_000);
  }
  assert.ok(upload !== null && sent < total / 2, `${sent} bytes left the client while nobody read`);
  (upload as IncomingMessage).resume();
  assert.match(await readToEnd(sender), /took it/);
});

test('the server itself is asked with the body that its client was asked for', async (t) => {
  const world = await worldWith(t, (request, response) => {
    request.on('data', (chunk) => response.write(`${request.headers.expect ?? 'nothing'} ${String(chunk)}`));
    request.on('end', () => response.end());
  });
  const socket = await world.raw();
  socket.write(toServer('POST', '/', 'Expect: 100-continue', 'Content-Length: 4', 'Connection: close'));
  assert.equal(await readUntil(socket, /\r\n\r\n$/), 'HTTP/1.1 100 Continue\r\n\r\n');
  socket.write('body');
  assert.match(await readToEnd(socket), /^HTTP\/1\.1 200 OK\r\n[^]*nothing body/);
});

test('an answer that the server itself breaks off never ends cleanly', async (t) => {
  const world = await worldWith(t, (request, response) => {
    if (request.url === '/begun') response.write('begun');
    setImmediate(() => request.socket.destroy());
  });
  const socket = await world.raw();
  socket.write(toServer('GET', '/begun'));
  assert.doesNotMatch(await readToEnd(socket), /\r\n0\r\n\r\n$/);
  const other = await world.raw();
  other.write(toServer('GET', '/silent', 'Connection: close'));
  assert.match(await readToEnd(other), /^HTTP\/1\.1 500 [^]*"reason":"UNKNOWN"/);
});

test('a connection that lies idle is closed, and not before its time', async (t) => {
  const world = await worldWith(t, (_request, response) => response.end('own'));
  const { idleTimeoutMs, headTimeoutMs } = world.gateway.limits;
  const socket = await world.raw();
  let closed = false;
  socket.once('close', () => (closed = true));
  const ask = async (): Promise<void> => {
    socket.write(toServer('GET', '/'));
    await readUntil(socket, /own$/);
    await turns(20);
  };
  await ask();
  world.clock.advance(idleTimeoutMs - 1);
  await turns(20);
  assert.equal(closed, false);
  await ask();
  // The time began anew.
  world.clock.advance(idleTimeoutMs - 1);
  await turns(20);
  assert.equal(closed, false);
  // A head that has begun has its own time, which is shorter.
  socket.write('GET / HT');
  await turns(20);
  world.clock.advance(headTimeoutMs - 1);
  await turns(20);
  assert.equal(closed, false);
  world.clock.advance(1_000);
  assert.match(await readToEnd(socket), /^HTTP\/1\.1 408 /);

  const other = await world.raw();
  other.write(toServer('GET', '/'));
  await readUntil(other, /own/);
  await turns(20);
  world.clock.advance(idleTimeoutMs + 1_000);
  assert.doesNotMatch(await readToEnd(other), /HTTP/, 'nothing is said: the client may be about to send');
  assert.equal(world.clock.timerCount, 0);
});

test('a head that comes byte by byte is read, and refused at its first bad byte', async (t) => {
  const world = await worldWith(t, (request, response) => response.end(`own ${request.url}`));
  const socket = await world.raw();
  for (const byte of toServer('GET', '/slow', 'Connection: close').split('')) {
    socket.write(byte);
    await turns(2);
  }
  assert.match(await readToEnd(socket), /own \/slow/);
  const bad = await world.raw();
  for (const byte of 'GET / HTTP/1.1\r\nHost: h\nX'.split('')) {
    bad.write(byte);
    await turns(2);
  }
  assert.match(await readToEnd(bad), /^HTTP\/1\.1 400 /);
});

test('requests sent ahead beyond a bound are not read before their turn', async (t) => {
  const world = await gatewayWorld(t, 'strict');
  const socket = await world.raw();
  socket.write(toEndpoint('/first'));
  await world.listener.seen('waiting');
  const ahead = toEndpoint('/ahead', `X-Padding: ${'x'.repeat(12_000)}`);
  let sent = 0;
  for (let index = 0; index < 1_500; index += 1) socket.write(ahead, () => (sent += 1));
  let before = -1;
  while (before !== sent) {
    before = sent;
    await turns(2_000);
  }
  assert.ok(sent < 1_000, `${sent} requests left the client while the first one waits`);
  let served = 0;
  await world.worker((_request, response) => {
    served += 1;
    response.end();
  });
  socket.resume();
  while (served < 1_501) await turns(1);
});

test('what a worker says unasked on an idle connection becomes nobody’s answer', async (t) => {
  const world = await gatewayWorld(t, 'strict');
  const idle: { write(text: string): unknown }[] = [];
  await world.worker((request, response) => {
    idle.push(request.socket);
    response.end(request.url);
  });
  assert.equal((await world.send('/first')).body, '/first');
  idle[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged');
  await turns(50);
  assert.equal((await world.send('/second')).body, '/second');
  assert.equal(new Set(idle).size, 2);
});

test('idle connections to a worker are closed after a while, by one timer', async (t) => {
  const world = await gatewayWorld(t, 'strict', { endpoint: { slotsPerWorker: 4 } });
  const sockets = new Set<IncomingMessage['socket']>();
  const held: ServerResponse[] = [];
  const worker = await world.worker((request, response) => {
    sockets.add(request.socket);
    held.push(response);
  });
  // Node tells of its own time-out otherwise, and that counts.
  worker.server.keepAliveTimeout = 0;
  const answers = [world.send('/'), world.send('/'), world.send('/')];
  while (held.length < 3) await turns(1);
  for (const response of held.splice(0)) response.end();
  await Promise.all(answers);
  await world.listener.seen('ended', 3);
  const all = Promise.all([...sockets].map((socket) => once(socket, 'close')));
  await turns(20);
  world.clock.advance(1_000);
  await all;
  assert.equal(sockets.size, 3);
});

test('a client that fetches not even its error answers is cut off after a while', async (t) => {
  const world = await gatewayWorld(t, 'strict');
  const socket = await world.raw();
  socket.pause();
  const refused = `GET /e/nothing/ HTTP/1.1\r\n${AUTH}\r\n`.repeat(500);
  let closed = false;
  socket.once('close', () => (closed = true));
  // Until the answers fill the buffers on the way, and one of them cannot leave.
  while (socket.writableLength < 1_000_000) {
    socket.write(refused);
    await turns(20);
  }
  assert.equal(world.gateway.inFlight, 1);
  world.clock.advance(world.gateway.limits.fetchTimeoutMs);
  while (world.gateway.inFlight > 0) await turns(1);
  socket.resume();
  while (!closed) await turns(1);
});

test('a body that the server itself left unread is read away, and its connection is used again', async (t) => {
  const world = await worldWith(t, (request, response) => {
    response.writeHead(request.method === 'GET' ? 200 : 404).end(`own ${request.method}`);
  });
  const socket = await world.raw();
  socket.write(toServer('POST', '/', 'Content-Length: 100000'));
  assert.match(await readUntil(socket, /own POST/), /connection: keep-alive/i);
  socket.write('x'.repeat(100_000) + toServer('GET', '/', 'Connection: close'));
  assert.match(await readToEnd(socket), /own GET/);
});

test('a request sent ahead is not begun once its connection is closed because the server leaves', async (t) => {
  let served = 0;
  const world = await worldWith(t, (_request, response) => {
    served += 1;
    response.end();
  });
  let running: ServerResponse | null = null;
  await world.worker((_request, response) => (running = response));
  const socket = await world.raw();
  socket.write(toEndpoint('/1') + toServer('POST', '/', 'Content-Length: 0'));
  while (running === null) await turns(1);
  world.closeIdleConnections();
  (running as ServerResponse).end('first');
  assert.match(await readToEnd(socket), /first$/);
  await turns(20);
  assert.equal(served, 0);
});

test('the server itself may end a connection whose body it takes no more of', async (t) => {
  const world = await worldWith(t, (request, response) => {
    response.writeHead(413);
    response.write('too much');
    request.once('data', () => {
      response.end();
      // A socket's own, which a stream inside this process does not have by itself.
      request.socket.destroySoon();
    });
  });
  const socket = await world.raw();
  socket.write(toServer('POST', '/', 'Content-Length: 100000'));
  await readUntil(socket, /too much/);
  socket.write('x');
  await readUntil(socket, /0\r\n\r\n$/);
  // What else comes of the body is read away for a while.
  world.clock.advance(2_000);
  assert.equal(await readToEnd(socket), '');
});

test('an early answer says that its connection ends where the rest of the body is too long to be read away', async (t) => {
  const world = await gatewayWorld(t, 'strict', {
    limits: { discardBytes: 1_000 },
    own: (_request, response) => response.writeHead(413, { 'content-length': '0' }).end(),
  });
  for (const path of ['/e/nothing/', '/own']) {
    for (const [length, connection] of [
      [1_000, 'keep-alive'],
      [1_001, 'close'],
    ] as const) {
      const socket = await world.raw();
      socket.write(`POST ${path} HTTP/1.1\r\n${AUTH}Content-Length: ${length}\r\n\r\nthe beginning`);
      const text = await readUntil(socket, /\r\n\r\n/);
      assert.match(text, new RegExp(`^HTTP/1\\.1 4\\d\\d [^]*\r\nConnection: ${connection}\r\n`), path);
      socket.destroy();
    }
  }
});
