import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { HostPorts } from '../../src/adapters/driver-process/host-ports.ts';
import { createHttpReadiness, type HttpReadiness } from '../../src/adapters/readiness-http.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import type { WorkerAddress } from '../../src/model/worker.ts';
import type { ReadinessTarget } from '../../src/ports/driver.ts';

const WORKER = 'worker' as WorkerId;

let clock: ManualClock;
let readiness: HttpReadiness;
let stop: AbortController;
let changes: boolean[];
let connections: number;
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeEach(() => {
  clock = new ManualClock();
  readiness = createHttpReadiness({ clock });
  stop = new AbortController();
  changes = [];
  connections = 0;
});

afterEach(() => {
  stop.abort();
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server, port = 0): Promise<WorkerAddress> {
  servers.push(server);
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

async function freeAddress(): Promise<WorkerAddress> {
  const port = await new HostPorts({ first: 20_000, last: 32_767 }).take(Math.random());
  return { host: '127.0.0.1', port };
}

function watch(address: WorkerAddress, path = '', past: Pick<ReadinessTarget, 'wasHealthy'> = {}): void {
  readiness.watch(
    { workerId: WORKER, address, healthCheck: { path, port: 0 }, takesJobs: false, ...past },
    (healthy) => changes.push(healthy),
    stop.signal,
  );
}

/** Lets sockets work, and moves no clock, until it holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** Until the attempt under way has its verdict: the pause to the next, which is fired unless told otherwise. */
async function verdict(timeoutMs: number, fire = true): Promise<number> {
  const pauseMs = (): number => (clock.nextDueMs() ?? timeoutMs) - clock.nowMs();
  await until(() => clock.timerCount === 1 && pauseMs() !== timeoutMs);
  const delayMs = pauseMs();
  if (fire) clock.advance(delayMs);
  return delayMs;
}

test('a worker that tells is asked at once, not when its next attempt is due', async () => {
  const address = await freeAddress();
  watch(address);
  for (let attempt = 0; attempt < 80; attempt += 1) await verdict(1_000);
  assert.equal(await verdict(1_000, false), 5);
  await listen(createServer(), address.port);
  readiness.noticed(WORKER);
  await until(() => changes.length > 0);
  assert.deepEqual(changes, [true]);
});

test('a notice that comes before its worker is watched counts', async () => {
  let answered = 200;
  const asked: number[] = [];
  const address = await listen(
    createHttpServer((_request, response) => {
      asked.push(answered);
      response.writeHead(answered).end();
      answered = 500;
    }),
  );
  readiness.noticed(WORKER);
  watch(address, '/healthz');
  await until(() => changes.length > 0);
  assert.deepEqual(asked, [200]);
});

test('one that told too early is asked often from then on, and many notices cost as much as one', async () => {
  const address = await freeAddress();
  watch(address);
  for (let attempt = 0; attempt < 80; attempt += 1) await verdict(1_000);
  readiness.noticed(WORKER);
  assert.ok((await verdict(1_000, false)) < 2);
  for (let more = 0; more < 100; more += 1) readiness.noticed(WORKER);
  assert.equal(clock.timerCount, 1);
  assert.ok((await verdict(1_000, false)) < 2, 'the hundred asked nobody');
  assert.deepEqual(changes, []);
});

test('with a health path the notice brings the check forward and does not replace it', async () => {
  let status = 503;
  const address = await listen(createHttpServer((_request, response) => response.writeHead(status).end()));
  watch(address, '/healthz');
  await verdict(10_000, false);
  readiness.noticed(WORKER);
  await until(() => connections === 2);
  assert.ok((await verdict(10_000, false)) < 2);
  assert.deepEqual(changes, []);
  status = 200;
  clock.advance(2);
  await until(() => changes.length > 0);
});

test('what a proxy accepts after the notice is taken for the worker, without a wait', async () => {
  readiness.noticed(WORKER);
  watch({ ...(await listen(createServer())), throughProxy: true });
  await until(() => changes.length > 0);
  assert.deepEqual(changes, [true]);
});

test('who does not start is not asked for a notice', async () => {
  const address = await listen(createServer());
  watch(address, '', { wasHealthy: true });
  assert.equal(await verdict(1_000, false), 5_000);
  readiness.noticed(WORKER);
  assert.equal(clock.nextDueMs(), clock.nowMs() + 5_000);
  assert.equal(connections, 1);
});
