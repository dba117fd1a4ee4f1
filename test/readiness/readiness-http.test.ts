import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { HostPorts } from '../../src/adapters/driver-process/host-ports.ts';
import { createHttpReadiness, nextProbeDelayMs } from '../../src/adapters/readiness-http.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import type { WorkerAddress } from '../../src/model/worker.ts';
import type { ReadinessTarget } from '../../src/ports/driver.ts';

/** The clock moves only from one timer of the watch to its next: real sockets, no real waiting. */
let clock: ManualClock;
let stop: AbortController;
let changes: { healthy: boolean; detail: string }[];
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeEach(() => {
  clock = new ManualClock();
  stop = new AbortController();
  changes = [];
});

afterEach(async () => {
  stop.abort();
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) if (server.listening) await close(server);
});

async function listen(server: Server, port = 0): Promise<WorkerAddress> {
  servers.push(server);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

async function close(server: Server): Promise<void> {
  server.close();
  for (const socket of sockets) socket.destroy();
  await once(server, 'close');
}

/** A port nobody listens on, and outside the range in which a connection could meet itself. */
async function freeAddress(): Promise<WorkerAddress> {
  const port = await new HostPorts({ first: 20_000, last: 32_767 }).take(Math.random());
  return { host: '127.0.0.1', port };
}

function watch(address: WorkerAddress, path = '', past: Pick<ReadinessTarget, 'wasHealthy'> = {}): void {
  createHttpReadiness({ clock }).watch(
    { workerId: 'worker' as WorkerId, address, healthCheck: { path, port: 0 }, takesJobs: false, ...past },
    (healthy, detail) => changes.push({ healthy, detail }),
    stop.signal,
  );
}

/**
 * Waits until the attempt under way has its verdict, which is when the time-out's timer was replaced
 * by the next attempt's. Then fires that one, unless `fire` is false. Answers its delay.
 */
async function untilVerdict(timeoutMs: number, fire = true): Promise<number> {
  for (;;) {
    const delayMs = (clock.nextDueMs() ?? Number.NaN) - clock.nowMs();
    if (clock.timerCount === 1 && delayMs !== timeoutMs) {
      if (fire) clock.advance(delayMs);
      return delayMs;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('the pause between attempts', () => {
  test('begins at a millisecond, never shrinks and stays at 25 ms or less until the first success', () => {
    assert.ok(nextProbeDelayMs(1, false, 'connect') < 2);
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('connect' as const, 'http' as const), (attempts, kind) => {
        const delayMs = nextProbeDelayMs(attempts, false, kind);
        assert.ok(delayMs >= 1 && delayMs <= 25);
        assert.ok(nextProbeDelayMs(attempts + 1, false, kind) >= delayMs);
      }),
    );
  });

  test('is at ease afterwards', () => {
    assert.equal(nextProbeDelayMs(1, true, 'connect'), 5_000);
    assert.equal(nextProbeDelayMs(1_000_000, true, 'http'), 2_000);
  });
});

describe('without a health path', () => {
  test('the first connection that is accepted makes it healthy; three refused ones in a row do not', async () => {
    const address = await freeAddress();
    watch(address);
    for (let attempt = 0; attempt < 30; attempt += 1) assert.ok((await untilVerdict(1_000)) <= 25);
    assert.equal(changes.length, 0);
    const server = createServer();
    await listen(server, address.port);
    while (changes.length === 0) await untilVerdict(1_000, changes.length === 0);
    assert.equal(changes[0]?.healthy, true);
    assert.equal(changes[0]?.detail, `port ${address.port} accepts connections`);
    assert.equal(await untilVerdict(1_000), 5_000);

    await close(server);
    while (changes.length === 1) assert.equal(await untilVerdict(1_000), 5_000);
    assert.equal(changes[1]?.healthy, false);
    assert.match(changes[1]?.detail ?? '', /^3 health checks in a row failed; .*nothing listens/);

    await listen(createServer(), address.port);
    while (changes.length === 2) assert.equal(await untilVerdict(1_000), 5_000);
    assert.equal(changes[2]?.healthy, true);
  });
});

describe('behind a proxy that accepts for everybody', () => {
  test('a connection it hangs up on is none; one that holds makes it healthy', async () => {
    let listens = false;
    const proxy = createServer((socket) => {
      if (!listens) socket.destroy();
    });
    watch({ ...(await listen(proxy)), throughProxy: true });
    for (let attempt = 0; attempt < 5; attempt += 1) assert.ok((await untilVerdict(1_000)) <= 25);
    assert.equal(changes.length, 0);
    listens = true;
    // The attempt under way may have met the one who hung up.
    while (changes.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      if (clock.timerCount === 2) clock.advance(30);
      else if ((clock.nextDueMs() ?? 0) - clock.nowMs() <= 25) await untilVerdict(1_000);
    }
    assert.equal(changes[0]?.healthy, true);
  });
});

describe('with a health path', () => {
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let address: WorkerAddress;
  let asked: string[];

  beforeEach(async () => {
    asked = [];
    address = await listen(
      createHttpServer((request, response) => {
        asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
        answer(request, response);
      }),
    );
  });

  test('only 200 is healthy', async () => {
    const statuses = [503, 404, 500, 204, 301, 401, 200];
    const answered: number[] = [];
    answer = (_request, response) => {
      const status = statuses[answered.length] ?? 200;
      answered.push(status);
      response.writeHead(status, { location: '/elsewhere' }).end('body');
    };
    watch(address, '/healthz?deep=1');
    while (changes.length === 0) await untilVerdict(10_000, answered.length < statuses.length);
    assert.deepEqual(answered, statuses);
    assert.deepEqual(new Set(asked), new Set(['GET /healthz?deep=1']));
    assert.deepEqual(changes, [{ healthy: true, detail: 'GET /healthz?deep=1 answered 200' }]);
  });

  test('failures that are not three in a row change nothing; three do, and one success undoes it', async () => {
    const statuses = [200, 500, 500, 200, 500, 500, 500, 500, 200];
    let at = 0;
    answer = (_request, response) => {
      response.writeHead(statuses[at] ?? 200).end();
      at += 1;
    };
    watch(address, '/healthz');
    for (let verdict = 0; verdict < statuses.length; verdict += 1) {
      assert.equal(await untilVerdict(10_000, verdict < statuses.length - 1), 2_000);
      const healthy = changes.map((change) => change.healthy);
      const expected = verdict < 6 ? [true] : verdict < 8 ? [true, false] : [true, false, true];
      assert.deepEqual(healthy, expected, `after ${verdict + 1} answers`);
    }
  });

  test('an answer that hangs is given up after ten seconds, and the next attempt comes', async () => {
    const hung = once(servers[0] as Server, 'request');
    answer = (_request, response) => {
      if (asked.length > 1) response.end();
    };
    watch(address, '/healthz');
    await hung;
    assert.equal(clock.nextDueMs(), clock.nowMs() + 10_000);
    clock.advance(10_000);
    assert.ok((await untilVerdict(10_000)) <= 25);
    while (changes.length === 0) await untilVerdict(10_000, false);
    assert.equal(asked.length, 2);
  });

  test('an answer without end does not hold more than one connection', async () => {
    answer = (_request, response) => {
      response.writeHead(200).write('never ends');
    };
    watch(address, '/healthz');
    for (let verdict = 0; verdict < 5; verdict += 1) await untilVerdict(10_000);
    while (asked.length < 6) await new Promise((resolve) => setImmediate(resolve));
    while (sockets.size > 1) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      changes.map((change) => change.healthy),
      [true],
    );
  });

  test('what is not HTTP, and a path that cannot be sent, are failures with a reason', async () => {
    const garbage = await listen(createServer((socket) => socket.end('this is no HTTP\r\n\r\n')));
    watch(garbage, '/healthz');
    for (let verdict = 0; verdict < 4; verdict += 1) await untilVerdict(10_000);
    stop.abort();
    stop = new AbortController();
    clock = new ManualClock();
    answer = (_request, response) => void response.end();
    watch(address, '/a path with blanks');
    for (let verdict = 0; verdict < 4; verdict += 1) await untilVerdict(10_000);
    assert.deepEqual(changes, []);
    assert.deepEqual(asked, []);
  });
});

describe('a worker that is past its start', () => {
  for (const wasHealthy of [true, false]) {
    test(`and was ${wasHealthy ? 'healthy' : 'unhealthy'}: the first news is a change`, async () => {
      let status = wasHealthy ? 200 : 500;
      const address = await listen(
        createHttpServer((_request, response) => response.writeHead(status).end()),
      );
      watch(address, '/healthz', { wasHealthy });
      for (let attempt = 0; attempt < 5; attempt += 1) assert.equal(await untilVerdict(10_000), 2_000);
      assert.equal(changes.length, 0);
      status = wasHealthy ? 500 : 200;
      while (changes.length === 0) assert.equal(await untilVerdict(10_000), 2_000);
      assert.equal(changes[0]?.healthy, !wasHealthy);
    });
  }
});

describe('an abort', () => {
  test('leaves no timer and no connection, whatever was under way', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const address = await listen(createServer((socket) => accepted.resolve(socket)));
    watch(address, '/hangs');
    const socket = await accepted.promise;
    socket.resume();
    assert.equal(clock.timerCount, 1);
    const closed = once(socket, 'close');
    stop.abort();
    assert.equal(clock.timerCount, 0);
    await closed;
    assert.deepEqual(changes, []);
  });

  test('before the watch: nothing happens', async () => {
    stop.abort();
    watch(await freeAddress());
    assert.equal(clock.timerCount, 0);
  });

  test('from inside onChange stops the next attempt', async () => {
    const address = await listen(createServer());
    createHttpReadiness({ clock }).watch(
      { workerId: 'worker' as WorkerId, address, healthCheck: { path: '', port: 0 }, takesJobs: false },
      (healthy, detail) => {
        changes.push({ healthy, detail });
        stop.abort();
      },
      stop.signal,
    );
    while (changes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(clock.timerCount, 0);
  });
});
