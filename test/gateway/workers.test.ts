import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import {
  ENDPOINT,
  gatewayWorld,
  testBoth,
  readAnswer,
  reasonOf,
  type Answer,
} from '../support/gateway-world.ts';

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A worker that says what it likes, byte for byte. */
async function rawWorker(t: TestContext, talk: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    talk(socket);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

testBoth(
  'requests go to the highest preference first and to the least loaded of it',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder, { endpoint: { slotsPerWorker: 2 } });
    const open: ServerResponse[] = [];
    const hold = (_request: unknown, response: ServerResponse): void => {
      open.push(response);
    };
    const low = await world.worker(hold, { preference: 0 });
    const high = await world.worker(hold, { preference: 1 });
    const other = await world.worker(hold, { preference: 1 });
    const answers: Promise<Answer>[] = [];
    for (let index = 0; index < 6; index += 1) {
      answers.push(world.send('/'));
      await world.listener.seen('started', index + 1);
    }
    const order = world.listener.events.flatMap((event) =>
      event.kind === 'started' ? [event.workerId] : [],
    );
    assert.deepEqual(order, [high.id, other.id, high.id, other.id, low.id, low.id]);
    while (open.length < 6) await new Promise((resolve) => setImmediate(resolve));
    for (const response of open) response.end();
    await Promise.all(answers);
  },
);

testBoth('a sample limit counts down at each request and is lifted by null', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { endpoint: { slotsPerWorker: 8 } });
  const worker = await world.worker((_request, response) => response.end('ok'), {
    sampleLimit: 2,
    preference: 5,
  });
  assert.equal((await world.send('/')).status, 200);
  assert.equal((await world.send('/')).status, 200);
  const third = world.send('/');
  await world.listener.seen('waiting');
  assert.equal(world.gateway.load(ENDPOINT).waiting, 1);
  world.putWorker(worker.port, { workerId: worker.id, sampleLimit: null });
  assert.equal((await third).status, 200);
});

testBoth(
  'a draining worker gets nothing new, is told drained when it fell idle, and can be taken back',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder, { endpoint: { slotsPerWorker: 2 } });
    let finish = (): void => undefined;
    const worker = await world.worker((request, response) => {
      if (request.url === '/held') finish = () => response.end('held');
      else response.end('quick');
    });
    const held = world.send('/held');
    await world.listener.seen('started');
    world.gateway.workerDrain(ENDPOINT, worker.id);
    const waiting = world.send('/quick');
    await world.listener.seen('waiting');
    assert.equal(world.listener.count('drained'), 0);
    // Taken back: the one that waits gets its slot.
    world.putWorker(worker.port, { workerId: worker.id });
    assert.equal((await waiting).body, 'quick');
    world.gateway.workerDrain(ENDPOINT, worker.id);
    finish();
    assert.equal((await held).body, 'held');
    await world.listener.seen('drained');
    const kinds = world.listener.events.map((event) => event.kind);
    assert.ok(kinds.lastIndexOf('ended') < kinds.lastIndexOf('drained'));
    // Idle already: told in the same turn.
    world.putWorker(worker.port, { workerId: worker.id });
    world.gateway.workerDrain(ENDPOINT, worker.id);
    assert.equal(world.listener.count('drained'), 2);
  },
);

testBoth('the load tells what runs and since when', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  let finish = (): void => undefined;
  const worker = await world.worker((_request, response) => {
    finish = () => response.end();
  });
  const addedAtMs = world.clock.nowMs();
  assert.equal(world.gateway.load(ENDPOINT).workers.get(worker.id)?.idleSinceMs, addedAtMs);
  world.clock.advance(1_000);
  const first = world.send('/');
  await world.listener.seen('started');
  world.clock.advance(500);
  const second = world.send('/');
  await world.listener.seen('waiting');
  const load = world.gateway.load(ENDPOINT);
  const { waiting, waitingSinceMs, oldestWaitingSinceMs, earliestDeadlineMs, running, workers } = load;
  assert.deepEqual(
    { waiting, waitingSinceMs, oldestWaitingSinceMs, earliestDeadlineMs, running },
    {
      waiting: 1,
      waitingSinceMs: [addedAtMs + 1_500],
      oldestWaitingSinceMs: addedAtMs + 1_500,
      earliestDeadlineMs: addedAtMs + 61_500,
      running: 1,
    },
  );
  assert.deepEqual(
    [...workers].map(([id, slots]) => [id, slots.running, slots.runningSinceMs, slots.idleSinceMs]),
    [[worker.id, 1, [addedAtMs + 1_000], null]],
  );
  const answers = [first, second];
  for (const answer of answers) {
    while (world.listener.count('started') === world.listener.count('ended'))
      await new Promise((resolve) => setImmediate(resolve));
    const before = world.listener.count('ended');
    while (world.listener.count('ended') === before) {
      finish();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await answer;
  }
  assert.equal(world.gateway.load(ENDPOINT).workers.get(worker.id)?.idleSinceMs, world.clock.nowMs());
});

testBoth('a refused connection is tried elsewhere, and the client notices nothing', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  world.putWorker(await closedPort(), { preference: 9 });
  await world.worker((request, response) => {
    request.pipe(response);
  });
  const body = 'y'.repeat(500_000);
  const answer = await world.send('/', { body });
  assert.equal(answer.status, 200);
  assert.equal(answer.body, body);
  assert.deepEqual(
    world.listener.events.map((event) => event.kind),
    ['started', 'waiting', 'started', 'answered', 'ended'],
  );
});

testBoth(
  'a worker that refuses is left alone for a while, and after three more tries the client gets 502',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    world.putWorker(await closedPort());
    const answer = world.send('/');
    const rest = world.gateway.limits.restMs;
    for (let tries = 1; tries <= 3; tries += 1) {
      await world.listener.seen('waiting', tries);
      assert.equal(world.gateway.load(ENDPOINT).waiting, 1);
      world.clock.advance(rest * 2 ** (tries - 1) - 1);
      assert.equal(world.listener.count('started'), tries);
      world.clock.advance(1);
      assert.equal(world.listener.count('started'), tries + 1);
    }
    const refused = await answer;
    assert.equal(refused.status, 502);
    assert.equal(reasonOf(refused), 'WORKER_BROKE');
    await world.listener.seen('ended');
    assert.deepEqual(
      world.listener.outcomes().map(({ end, status }) => ({ end, status })),
      [{ end: 'broke', status: null }],
    );
    assert.deepEqual(world.outcomes, ['worker_broke']);
  },
);

testBoth(
  'a request whose worker refuses waits for the next worker when that one is removed',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const dead = world.putWorker(await closedPort());
    const answer = world.send('/');
    await world.listener.seen('waiting');
    world.gateway.workerRemove(ENDPOINT, dead);
    await world.worker((_request, response) => response.end('saved'));
    assert.equal((await answer).body, 'saved');
  },
);

testBoth('a connection that the worker closed while it was idle is replaced', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const sockets = new Set<Socket>();
  const worker = await world.worker((request, response) => {
    sockets.add(request.socket);
    response.end('ok');
  });
  assert.equal((await world.send('/')).status, 200);
  worker.server.closeIdleConnections();
  assert.equal((await world.send('/', { body: 'x' })).status, 200);
  assert.equal(sockets.size, 2);
  assert.equal(world.listener.count('started'), 2);
});

// Of several threads each learns it by itself.
test('a worker that closes behind an answer without saying so gets connections of one request', async (t) => {
  const world = await gatewayWorld(t, 'strict');
  const ended: Promise<unknown>[] = [];
  const port = await rawWorker(t, (socket) => {
    ended.push(once(socket, 'end'));
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      if (ended.length === 1) socket.end();
    });
  });
  world.putWorker(port);
  assert.equal((await world.send('/')).status, 200);
  await ended[0];
  for (const number of [1, 2]) {
    assert.equal((await world.send('/')).status, 200);
    // The gateway's own end: this worker has not closed.
    await ended[number];
  }
  world.clock.advance(60_000);
  assert.equal((await world.send('/')).status, 200);
  assert.equal((await world.send('/')).status, 200);
  assert.equal(ended.length, 4);
});

const BROKEN: [string, (socket: Socket) => void][] = [
  ['closes before it answers', (socket) => socket.once('data', () => socket.end())],
  ['resets before it answers', (socket) => socket.once('data', () => socket.resetAndDestroy())],
  ['answers garbage', (socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))],
  ['answers half a head', (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Le'))],
  [
    'answers both lengths',
    (socket) =>
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
      ),
  ],
  [
    'answers two lengths',
    (socket) =>
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'),
      ),
  ],
  [
    'switches protocols unasked',
    (socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      ),
  ],
  [
    'answers a head without end',
    (socket) => socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(200_000)}`)),
  ],
  [
    'answers with control characters in a header',
    (socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n')),
  ],
];

for (const [what, talk] of BROKEN) {
  testBoth(`a worker that ${what} is 502, and nothing is tried twice`, async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    let requests = 0;
    world.putWorker(
      await rawWorker(t, (socket) => {
        socket.once('data', () => (requests += 1));
        talk(socket);
      }),
    );
    const answer = await world.send('/');
    assert.equal(answer.status, 502);
    assert.equal(reasonOf(answer), 'WORKER_BROKE');
    await world.listener.seen('ended');
    assert.equal(world.listener.outcomes()[0]?.end, 'broke');
    assert.equal(requests, 1);
    assert.equal(world.gateway.load(ENDPOINT).running, 0);
  });
}

const CUT: [string, string][] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
];

for (const [what, head] of CUT) {
  testBoth(`an answer with ${what} that breaks off never ends cleanly`, async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    let breakOff = (): void => undefined;
    world.putWorker(
      await rawWorker(t, (socket) => {
        socket.once('data', () => socket.write(head));
        breakOff = () => socket.end();
      }),
    );
    const { answer } = await world.open('/');
    assert.equal(answer.statusCode, 200);
    const got = new Promise((resolve) => answer.once('data', resolve));
    const read = readAnswer(answer);
    await got;
    breakOff();
    await assert.rejects(read, { code: 'ECONNRESET' });
    await world.listener.seen('ended');
    const [outcome] = world.listener.outcomes();
    assert.deepEqual({ end: outcome?.end, status: outcome?.status }, { end: 'broke', status: 200 });
  });
}

testBoth(
  'an answer to HTTP/1.0 that breaks off is reset, for its end is only the close',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    let breakOff = (): void => undefined;
    world.putWorker(
      await rawWorker(t, (socket) => {
        socket.once('data', () =>
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'),
        );
        breakOff = () => socket.resetAndDestroy();
      }),
    );
    const socket = await world.raw();
    const error = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
    const got = new Promise((resolve) => socket.once('data', resolve));
    socket.write(`GET /e/${ENDPOINT}/ HTTP/1.0\r\nAuthorization: Bearer key-of-the-owner\r\n\r\n`);
    await got;
    breakOff();
    assert.equal((await error).code, 'ECONNRESET');
  },
);

testBoth(
  'a request that runs past request_timeout is 504, and its slot comes back when the worker let go',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder, { endpoint: { requestTimeoutMs: 5_000 } });
    let arrived = (): void => undefined;
    const there = new Promise<void>((resolve) => (arrived = resolve));
    await world.worker(() => {
      arrived();
    });
    const answer = world.send('/');
    await there;
    world.clock.advance(5_000);
    const late = await answer;
    assert.equal(late.status, 504);
    assert.equal(reasonOf(late), 'REQUEST_TIMEOUT_RUNNING');
    await world.listener.seen('ended');
    assert.equal(world.listener.outcomes()[0]?.end, 'timeout');
  },
);

testBoth('a streamed answer that runs past request_timeout is cut off', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { endpoint: { requestTimeoutMs: 5_000 } });
  await world.worker((_request, response) => {
    response.write('begun');
  });
  const { answer } = await world.open('/');
  const read = readAnswer(answer);
  world.clock.advance(5_000);
  await assert.rejects(read, { code: 'ECONNRESET' });
  await world.listener.seen('ended');
  assert.equal(world.listener.outcomes()[0]?.end, 'timeout');
});

testBoth(
  'a removed worker takes its idle connections with it and lets its running request end',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder, { endpoint: { slotsPerWorker: 2 } });
    let finish = (): void => undefined;
    const sockets = new Set<Socket>();
    const worker = await world.worker((request, response) => {
      sockets.add(request.socket);
      if (request.url !== '/held') {
        response.end();
        return;
      }
      response.write('a');
      finish = () => response.end('b');
    });
    const { answer } = await world.open('/held');
    await world.send('/idle');
    const closed = Promise.all(
      [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
    );
    world.gateway.workerRemove(ENDPOINT, worker.id);
    finish();
    assert.equal((await readAnswer(answer)).body, 'ab');
    await closed;
    assert.equal(sockets.size, 2);
    await world.listener.seen('ended', 2);
  },
);

testBoth('an answer given before the body was sent reaches the client', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((request, response) => {
    request.on('error', () => undefined);
    response.writeHead(413, { 'content-length': '8' }).end('too much');
  });
  const socket = await world.raw();
  let text = '';
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (text.endsWith('too much')) resolve();
    });
  });
  socket.write(
    `POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer key-of-the-owner\r\nContent-Length: 1000000\r\n\r\nfirst`,
  );
  await answered;
  await world.listener.seen('ended');
  assert.equal(world.listener.outcomes()[0]?.end, 'complete');
  // What the client still sends is read away for a while, then the connection goes.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  world.clock.advance(world.gateway.limits.discardMs);
  await closed;
});

testBoth(
  'what is closed for a worker that must leave is told so, an answer that has begun is cut off',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder, { endpoint: { slotsPerWorker: 2 } });
    const worker = await world.worker((request, response) => {
      if (request.url === '/stream') response.write('begun');
    });
    const { answer } = await world.open('/stream');
    const silent = world.send('/silent');
    await world.listener.seen('started', 2);
    const error = new AppError('DRAIN_DEADLINE', 'it has drained for too long');
    assert.equal(world.gateway.runningCut(ENDPOINT, worker.id, error, true), 1);
    const refused = await silent;
    assert.deepEqual([refused.status, reasonOf(refused)], [503, 'DRAIN_DEADLINE']);
    assert.equal(world.gateway.runningCut(ENDPOINT, worker.id, error, false), 1);
    answer.resume();
    await assert.rejects(new Promise((_, reject) => answer.on('error', reject)), /aborted/);
    // What is being closed already is not counted again.
    assert.equal(world.gateway.runningCut(ENDPOINT, worker.id, error, false), 0);
    await world.listener.seen('ended', 2);
    assert.deepEqual(
      world.listener.outcomes().map(({ end }) => end),
      ['cut', 'cut'],
    );
  },
);
