import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { it } from 'node:test';
import { API_KEY, ServerProcess } from '../support/server-process.ts';
import { workerProcesses } from '../support/worker-processes.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;
const AUTH = { authorization: `Bearer ${API_KEY}` };
const SLOTS = 8;
const WAITING = 4;
const EVENTS = 30;

/** Until this gauge of the server's own metrics has the value. */
async function untilGauge(
  server: ServerProcess,
  name: string,
  value: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const text = await (await server.request('GET', '/metrics')).text();
    if (new RegExp(`^${name}\\{[^}]*\\} ${value}$`, 'm').test(text)) return;
    if (signal.aborted) throw new Error(`${name} is not ${value}:\n${text}`);
  }
}

async function untilRefused(url: string, signal: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(url);
  for (;;) {
    const refused = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(port), hostname);
      socket.once('connect', () => {
        socket.destroy();
        resolve(false);
      });
      socket.once('error', () => resolve(true));
    });
    if (refused) return;
    if (signal.aborted) throw new Error('connections are still taken');
  }
}

it(
  'SIGTERM cuts no request; the workers stay and the next server goes on with them',
  { timeout: TIME_OUT_MS },
  async () => {
    const signal = AbortSignal.timeout(TIME_OUT_MS - 20_000);
    let server = await ServerProcess.start();
    const { dataDir } = server;
    try {
      const id = await server.create({
        worker_config: {
          max_replicas: 1,
          min_replicas: 1,
          max_concurrent_per_worker: SLOTS,
          request_timeout: 60,
        },
      });
      const { url } = await server.until(id, ({ status }) => status.status === 'running', signal);
      const before = await workerProcesses(dataDir);
      assert.equal(before.size, 1);

      const streams = Array.from({ length: SLOTS / 2 }, () =>
        fetch(`${url}/sse?events=${EVENTS}&interval_ms=50`, { headers: AUTH }),
      );
      const plain = Array.from({ length: SLOTS / 2 }, () => fetch(`${url}/slow?ms=1000`, { headers: AUTH }));
      await untilGauge(server, 'pilotlight_slots_used', SLOTS, signal);
      const waiting = Array.from({ length: WAITING }, () => fetch(`${url}/slow?ms=100`, { headers: AUTH }));
      await untilGauge(server, 'pilotlight_queue_length', WAITING, signal);

      const ended = server.terminate();
      await untilRefused(server.url, signal);
      assert.equal(server.exitCode, null, 'requests run, so the server must');

      for (const answer of await Promise.all(streams)) {
        assert.equal(answer.status, 200);
        const text = await answer.text();
        assert.equal(text.split('\n').filter((line) => line.startsWith('data: {')).length, EVENTS);
        assert.ok(text.endsWith('data: [DONE]\n\n'));
      }
      for (const answer of await Promise.all([...plain, ...waiting])) {
        assert.equal(answer.status, 200);
        assert.equal(((await answer.json()) as { method: string }).method, 'GET');
      }
      assert.equal(await ended, 0, server.output);
      assert.deepEqual(await workerProcesses(dataDir), before);

      server = await ServerProcess.start({ dataDir });
      const next = await server.get(id);
      assert.deepEqual(
        next.workers.map((worker) => [worker.id, worker.status.status]),
        [...before.keys()].map((worker) => [worker, 'ready']),
      );
      const answer = await fetch(`${next.url}/hello`, { headers: AUTH });
      assert.equal(answer.status, 200);
      assert.ok(before.has(answer.headers.get('x-pilotlight-worker') ?? ''));
      assert.deepEqual(await workerProcesses(dataDir), before);
      const history = await server.workers(id);
      assert.equal(history.length, 1, JSON.stringify(history));
    } finally {
      await server.dispose();
    }
  },
);
