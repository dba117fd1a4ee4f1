import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { DEFAULT_LIMITS } from '../../src/gateway/limits.ts';
import { GatewayThreads } from '../../src/main/gateways/gateway-threads.ts';
import type { SetupReport } from '../../src/main/gateways/thread-setup.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import { RecordingListener } from '../support/gateway-world.ts';
import { silentLog } from '../support/silent-log.ts';

const THREADS = 2;

test('a stop waits for the connections of threads that have died before, too', async (t) => {
  const front = new GatewayThreads({
    threads: THREADS,
    clock: systemClock(),
    log: silentLog,
    logLevel: 'silent',
    listener: new RecordingListener(),
    metrics: {} as Metrics,
    arrivals: { arrivalRecord: () => undefined },
    limits: DEFAULT_LIMITS,
    domain: null,
    apiKeys: [],
  });
  t.after(async () => await front.close());
  const port = await front.listen('127.0.0.1', 0);
  for (let thread = 0; thread < THREADS; thread += 1) {
    const before = front.workers.get(thread);
    assert.ok(before !== undefined);
    await before.terminate();
    await listening(await startedAgain(front, thread, before));
  }

  const socket = connect(port, '127.0.0.1');
  const ask = async (): Promise<string> => {
    socket.write('GET /e/nowhere/ HTTP/1.1\r\nHost: here\r\n\r\n');
    return String((await once(socket, 'data'))[0]).slice(0, 12);
  };
  assert.equal(await ask(), 'HTTP/1.1 401');
  let stopped = false;
  const stop = front.stopListening().then(() => {
    stopped = true;
  });
  assert.equal(await ask(), 'HTTP/1.1 401');
  assert.equal(stopped, false);
  socket.destroy();
  await stop;
});

async function startedAgain(front: GatewayThreads, thread: number, before: Worker): Promise<Worker> {
  for (;;) {
    const worker = front.workers.get(thread);
    if (worker !== undefined && worker !== before) return worker;
    await new Promise(setImmediate);
  }
}

async function listening(worker: Worker): Promise<void> {
  await new Promise<void>((resolve) => {
    worker.on('message', (report: SetupReport) => {
      if (report.kind === 'listening') resolve();
    });
  });
}
