import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { ENDPOINT, KEY, gatewayWorld, testBoth, readToEnd, readUntil } from '../support/gateway-world.ts';

const MIB = 1_048_576;
const TOTAL_MIB = 64;
const MANY_TURNS = 3_000;

async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until a number has stood still for many turns of the event loop. */
async function settled(read: () => number): Promise<number> {
  let last = -1;
  let value = read();
  while (value !== last) {
    last = value;
    await turns(MANY_TURNS);
    value = read();
  }
  return value;
}

testBoth('each event of a stream reaches the client before the next one is sent', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  let stream: ServerResponse | null = null;
  await world.worker((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    stream = response;
  });
  // The head comes alone, before any event.
  const { answer } = await world.open('/');
  assert.equal(answer.headers['content-type'], 'text/event-stream');
  assert.ok(stream);
  const sent: ServerResponse = stream;
  for (let index = 0; index < 20; index += 1) {
    const next = once(answer, 'data');
    sent.write(`data: ${index}\n\n`);
    const [chunk] = (await next) as [Buffer];
    assert.equal(chunk.toString(), `data: ${index}\n\n`);
  }
  sent.end();
  await once(answer, 'end');
});

testBoth('an encoded body passes as it is', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const body = gzipSync('hello');
  await world.worker((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(body);
  });
  const { answer } = await world.open('/');
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  assert.equal(answer.headers['content-encoding'], 'gzip');
  assert.deepEqual(Buffer.concat(chunks), body);
});

testBoth('a slow reader stops the worker instead of filling memory', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  let taken = 0;
  await world.worker((_request, response) => {
    const chunk = Buffer.alloc(MIB);
    let left = TOTAL_MIB;
    const push = (): void => {
      while (left > 0) {
        left -= 1;
        const more = response.write(chunk, () => (taken += 1));
        if (!more) {
          response.once('drain', push);
          return;
        }
      }
      response.end();
    };
    push();
  });
  const { answer } = await world.open('/');
  answer.pause();
  const stalled = await settled(() => taken);
  // Kernel buffers on both legs hold a few MiB; what they do not hold must still be the worker's.
  assert.ok(stalled < TOTAL_MIB / 2, `${stalled} MiB left the worker while nobody read`);
  let read = 0;
  answer.on('data', (chunk: Buffer) => (read += chunk.length));
  answer.resume();
  await once(answer, 'end');
  assert.equal(read, TOTAL_MIB * MIB);
});

testBoth('a worker that reads slowly stops the client instead of filling memory', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  let upload: IncomingMessage | null = null;
  let answerWith: (text: string) => void = () => undefined;
  await world.worker((request, response) => {
    upload = request;
    answerWith = (text) => response.end(text);
  });
  const socket = await world.raw();
  socket.write(
    `POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\nContent-Length: ${TOTAL_MIB * MIB}\r\n\r\n`,
  );
  let sent = 0;
  const chunk = Buffer.alloc(MIB);
  for (let index = 0; index < TOTAL_MIB; index += 1) socket.write(chunk, () => (sent += 1));
  const stalled = await settled(() => sent);
  assert.ok(stalled < TOTAL_MIB / 2, `${stalled} MiB left the client while nobody read`);
  assert.ok(upload);
  const request: IncomingMessage = upload;
  let read = 0;
  request.on('data', (one: Buffer) => (read += one.length));
  await once(request, 'end');
  assert.equal(read, TOTAL_MIB * MIB);
  answerWith('took it');
  assert.match(await readToEnd(socket), /took it$/);
});

testBoth('the body of a request that waits stays with its client', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const socket = await world.raw();
  socket.write(
    `POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\nContent-Length: ${TOTAL_MIB * MIB}\r\n\r\n`,
  );
  let sent = 0;
  const chunk = Buffer.alloc(MIB);
  for (let index = 0; index < TOTAL_MIB; index += 1) socket.write(chunk, () => (sent += 1));
  await world.listener.seen('waiting');
  const stalled = await settled(() => sent);
  assert.ok(stalled < TOTAL_MIB / 2, `${stalled} MiB left the client while it waited`);
  await world.worker((request, response) => {
    let read = 0;
    request.on('data', (one: Buffer) => (read += one.length));
    request.on('end', () => response.end(`${read} read`));
  });
  assert.match(await readToEnd(socket), new RegExp(`${TOTAL_MIB * MIB} read`));
});

testBoth('both directions flow at the same time', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((request, response) => {
    request.pipe(response);
  });
  const socket = await world.raw();
  socket.write(
    `POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  for (const word of ['one', 'two', 'three']) {
    socket.write(`${word.length}\r\n${word}\r\n`);
    await readUntil(socket, new RegExp(word));
  }
  socket.write('0\r\n\r\n');
  assert.match(await readToEnd(socket), /0\r\n\r\n$/);
});

testBoth(
  'a body announced with Expect is asked for only when somebody is there to take it',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const socket = await world.raw();
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.write(
      `POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`,
    );
    await world.listener.seen('waiting');
    await turns(100);
    assert.equal(text, '');
    let expectSeen: string | undefined = 'unset';
    await world.worker((request, response) => {
      expectSeen = request.headers.expect;
      request.pipe(response);
    });
    while (!text.includes('\r\n\r\n')) await once(socket, 'data');
    assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    socket.write('body');
    await once(socket, 'close');
    assert.match(text, /HTTP\/1\.1 200 OK[^]*body/);
    assert.equal(expectSeen, undefined);
  },
);

testBoth(
  'a body announced with Expect is never asked for when the request is refused',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const socket = await world.raw();
    socket.write(
      `POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer wrong\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`,
    );
    const text = await readToEnd(socket);
    assert.match(text, /^HTTP\/1\.1 401 /);
    assert.match(text, /connection: close/i);
  },
);

testBoth('a client that leaves in the middle of an answer stops the worker', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const stopped = new Promise<void>((resolve) => {
    void world.worker((_request, response) => {
      response.write('begun');
      response.once('close', () => {
        resolve();
      });
    });
  });
  const { answer, socket } = await world.open('/');
  await once(answer, 'data');
  answer.on('error', () => undefined);
  socket.destroy();
  await stopped;
  await world.listener.seen('ended');
  assert.equal(world.listener.outcomes()[0]?.end, 'clientGone');
  while (world.gateway.inFlight > 0) await turns(1);
  assert.deepEqual(world.outcomes, ['client_gone']);
});

testBoth('a client that closes only its own direction counts as gone', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const socket = await world.raw();
  socket.write(`GET /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\n\r\n`);
  await world.listener.seen('waiting');
  socket.end();
  await world.listener.seen('gone');
});

testBoth('a client that stops reading is bounded by request_timeout', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((_request, response) => {
    response.end(Buffer.alloc(TOTAL_MIB * MIB));
  });
  const { answer } = await world.open('/');
  answer.pause();
  const failed = assert.rejects(readAll(answer), { code: 'ECONNRESET' });
  world.clock.advance(60_000);
  answer.resume();
  await failed;
  await world.listener.seen('ended');
  assert.equal(world.listener.outcomes()[0]?.end, 'timeout');
});

testBoth(
  'a client that never fetches the end of an answer is cut off after a while',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    let gatewaySide: Socket | null = null;
    world.server.once('connection', (socket) => (gatewaySide = socket));
    let stream: ServerResponse | null = null;
    await world.worker((_request, response) => {
      response.flushHeaders();
      stream = response;
    });
    const { answer } = await world.open('/');
    answer.pause();
    assert.ok(stream !== null && gatewaySide !== null);
    const worker: ServerResponse = stream;
    const side: Socket = gatewaySide;
    // Fills the kernel's buffers, until the gateway itself holds a little; then the answer ends.
    while (side.writableLength === 0) {
      worker.write(Buffer.alloc(16_384));
      await turns(5);
    }
    worker.end();
    await world.listener.seen('ended');
    assert.equal(world.listener.outcomes()[0]?.end, 'complete');
    await turns(50);
    assert.equal(world.gateway.inFlight, 1);
    const failed = assert.rejects(readAll(answer), { code: 'ECONNRESET' });
    world.clock.advance(world.gateway.limits.fetchTimeoutMs);
    answer.resume();
    await failed;
    while (world.gateway.inFlight > 0) await turns(1);
  },
);

async function readAll(answer: IncomingMessage): Promise<void> {
  await new Promise((resolve, reject) => {
    answer.on('end', resolve);
    answer.on('error', reject);
  });
}

testBoth('requests sent ahead on one connection are answered in their order', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { endpoint: { slotsPerWorker: 4 } });
  const held: (() => void)[] = [];
  await world.worker((request, response) => {
    if (request.url === '/0') held.push(() => response.end('answer /0'));
    else response.end(`answer ${request.url}`);
  });
  const socket = await world.raw();
  for (let index = 0; index < 15; index += 1) {
    const last = index === 14 ? 'Connection: close\r\n' : '';
    socket.write(
      `GET /e/${ENDPOINT}/${index} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\n${last}\r\n`,
    );
  }
  // Node reads ahead and serves side by side; we serve one request of a connection at a time.
  if (forwarder === 'general') await world.listener.seen('ended', 14);
  while (held.length === 0) await turns(1);
  await turns(100);
  assert.equal(world.listener.count('started'), forwarder === 'general' ? 15 : 1);
  held[0]?.();
  const text = await readToEnd(socket);
  const order = [...text.matchAll(/answer \/(\d+)/g)].map((match) => Number(match[1]));
  assert.deepEqual(
    order,
    Array.from({ length: 15 }, (_, index) => index),
  );
});
