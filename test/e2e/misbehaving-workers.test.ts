import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { API_KEY, ServerProcess, type EndpointShown } from '../support/server-process.ts';
import { leftProcesses, workerProcesses } from '../support/worker-processes.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 150_000;
const LOG_LIMIT_BYTES = 8 * 1_024 * 1_024;
/** Twice: a worker flooding at 13 MB a second is well past the limit between two looks of its spawner. */
const LOG_PEAK_BYTES = 4 * LOG_LIMIT_BYTES;

let server: ServerProcess;
const signal = AbortSignal.timeout(TIME_OUT_MS - 20_000);

interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

async function ask(endpoint: EndpointShown, path: string): Promise<Response> {
  return await fetch(`${endpoint.url}${path}`, { headers: { authorization: `Bearer ${API_KEY}` } });
}

async function create(
  knobs: Record<string, string>,
  worker: Record<string, unknown> = {},
): Promise<EndpointShown> {
  const id = await server.create({
    envs: Object.entries(knobs).map(([key, value]) => ({ key, value })),
    worker_config: { max_replicas: 1, min_replicas: 0, request_timeout: 60, ...worker },
  });
  return await server.get(id);
}

async function untilGauge(name: string, endpointId: string, value: number): Promise<void> {
  const line = new RegExp(`^${name}\\{endpoint="${endpointId}"[^}]*\\} ${value}$`, 'm');
  while (!line.test(await (await server.request('GET', '/metrics')).text())) signal.throwIfAborted();
}

describe('a worker that misbehaves', { timeout: TIME_OUT_MS, concurrency: 2 }, () => {
  before(async () => {
    server = await ServerProcess.start({ flags: ['--stop-grace-seconds=1'] });
  });

  after(async () => {
    assert.equal(server.exitCode, null, `the server ended:\n${server.output}`);
    await server.removeAll();
    assert.deepEqual(await leftProcesses(server.dataDir), []);
    assert.equal(await server.terminate(), 0, server.output);
    await server.dispose();
  });

  it('never listens: the request waits until its time-out and is told so', async () => {
    const endpoint = await create({ NEVER_LISTEN: '1' }, { request_timeout: 3 });
    const asked = ask(endpoint, '/');
    const shown = await server.until(endpoint.id, ({ workers }) => workers.length > 0, signal);
    const [worker] = shown.workers;
    assert.deepEqual([worker?.health, worker?.status.error], [false, '']);
    assert.match(worker?.status.status ?? '', /^(pending|pulling|starting)$/);
    const answer = await asked;
    assert.equal(answer.status, 504);
    const refusal = (await answer.json()) as Refusal;
    assert.equal(refusal.reason, 'REQUEST_TIMEOUT_WAITING');
    assert.match(refusal.message, /request_timeout \(3 s\)/);
  });

  it('exits at once: the request is refused with the reason, the endpoint shows the end and the output', async () => {
    const endpoint = await create({ EXIT_AT_START: '1' });
    const answer = await ask(endpoint, '/');
    assert.equal(answer.status, 503);
    const refusal = (await answer.json()) as Refusal;
    assert.equal(refusal.reason, 'ENDPOINT_FAILED');
    assert.match(refusal.message, /exited with code 1/);
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    const shown = await server.until(
      endpoint.id,
      ({ status }) => /EXIT_AT_START/.test(status.message),
      signal,
    );
    assert.equal(shown.status.status, 'failed');
    assert.match(shown.status.error, /exited with code 1/);
    const [worker] = await server.workers(endpoint.id);
    assert.deepEqual([worker?.status.status, worker?.status.error], ['failed', 'exit code 1']);
    const log = await server.request('GET', worker?.log ?? '');
    assert.match(await log.text(), /EXIT_AT_START is set/);
  });

  it('answers garbage: 502', async () => {
    // Without a path the check is a connection alone, which garbage passes.
    const id = await server.create({ envs: [{ key: 'GARBAGE', value: '1' }], health_check: { path: '' } });
    const answer = await ask(await server.get(id), '/');
    assert.equal(answer.status, 502);
    assert.equal(((await answer.json()) as Refusal).reason, 'WORKER_BROKE');
  });

  it('closes in the middle of its answer: the client sees a broken answer, not a complete one', async () => {
    const endpoint = await create({});
    const answer = await ask(endpoint, '/cut');
    assert.equal(answer.status, 200);
    await assert.rejects(answer.text());
    assert.equal((await ask(endpoint, '/')).status, 200, 'the worker lives on');
  });

  it('ends in the middle of a stream: the client sees that it broke', async () => {
    const endpoint = await create({});
    const answer = await ask(endpoint, '/sse?events=1000&interval_ms=20');
    const worker = answer.headers.get('x-pilotlight-worker') ?? '';
    const reader = answer.body?.getReader();
    await reader?.read();
    process.kill((await workerProcesses(server.dataDir)).get(worker) ?? 0, 'SIGKILL');
    await assert.rejects(async () => {
      for (;;) {
        const part = await reader?.read();
        if (part?.done !== false) return;
      }
    });
  });

  it('ignores SIGTERM: it is killed after the grace', async () => {
    const endpoint = await create({ IGNORE_SIGTERM: '1' });
    const answer = await ask(endpoint, '/');
    assert.equal(answer.status, 200);
    const worker = answer.headers.get('x-pilotlight-worker') ?? '';
    await server.api('DELETE', `/gpus/v2/endpoints/${endpoint.id}`);
    while ((await server.request('GET', `/gpus/v2/endpoints/${endpoint.id}`)).status !== 404)
      signal.throwIfAborted();
    assert.equal((await workerProcesses(server.dataDir)).has(worker), false);
  });

  it('floods its log: the log stays bounded and the server answers', async () => {
    const endpoint = await create({ LOG_FLOOD: '1' });
    const answer = await ask(endpoint, '/');
    assert.equal(answer.status, 200);
    const folder = join(server.dataDir, 'workers', answer.headers.get('x-pilotlight-worker') ?? '');
    const [shown] = await server.workers(endpoint.id);
    let peakBytes = 0;
    const look = async (): Promise<boolean> => {
      signal.throwIfAborted();
      const names = (await readdir(folder)).filter((name) => name.startsWith('log'));
      const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
      peakBytes = Math.max(
        peakBytes,
        sizes.reduce((sum, size) => sum + size, 0),
      );
      assert.equal((await ask(endpoint, '/')).status, 200);
      assert.equal((await server.request('GET', `${shown?.log}?tail_bytes=1000`)).status, 200);
      return names.includes('log.1');
    };
    // Until output was dropped, and then for as many looks again.
    let looks = 1;
    while (!(await look())) looks += 1;
    for (; looks > 0; looks -= 1) await look();
    assert.ok(peakBytes <= LOG_PEAK_BYTES, `the log had ${peakBytes} bytes`);
  });

  it('is killed while requests wait: they are served by a new one', async () => {
    const endpoint = await create({}, { max_concurrent_per_worker: 1 });
    const first = await ask(endpoint, '/');
    const worker = first.headers.get('x-pilotlight-worker') ?? '';
    await first.text();
    const running = ask(endpoint, '/slow?ms=60000');
    await untilGauge('pilotlight_slots_used', endpoint.id, 1);
    const waiting = Array.from({ length: 5 }, () => ask(endpoint, '/'));
    await untilGauge('pilotlight_queue_length', endpoint.id, 5);
    process.kill((await workerProcesses(server.dataDir)).get(worker) ?? 0, 'SIGKILL');
    const broken = await running;
    assert.equal(broken.status, 502);
    assert.equal(((await broken.json()) as Refusal).reason, 'WORKER_BROKE');
    for (const answer of await Promise.all(waiting)) {
      assert.equal(answer.status, 200);
      assert.notEqual(answer.headers.get('x-pilotlight-worker'), worker);
    }
    const shown = await server.workers(endpoint.id);
    assert.equal(shown.find(({ id }) => id === worker)?.status.error, 'signal SIGKILL');
  });
});
