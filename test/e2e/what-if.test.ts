import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { SimulateAnswer } from '../../src/client/schema.ts';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;
const CLI = join(import.meta.dirname, '../../src/cli/pilotlight.ts');

describe('what other settings would have made of the recorded requests', { timeout: TIME_OUT_MS }, () => {
  let server: ServerProcess;

  before(async () => {
    server = await ServerProcess.start({ gpus: 4, flags: ['--driver=simulated', '--simulations=1'] });
  });
  after(async () => {
    await server.dispose();
  });

  async function endpoint(): Promise<string> {
    return await server.create({
      product_id: 'gpu',
      image: 'any',
      command: '',
      health_check: { path: '' },
      envs: [
        { key: 'SIMULATED_LATENCY_MS', value: '30' },
        { key: 'SIMULATED_START_MS', value: '400' },
      ],
      worker_config: { max_replicas: 3, idle_timeout: 1, max_concurrent_per_worker: 2 },
    });
  }

  async function send(id: string, count: number): Promise<void> {
    const answers = await Promise.all(
      Array.from({ length: count }, async () => await server.request('POST', `/e/${id}/work`, { a: 1 })),
    );
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      await answer.arrayBuffer();
    }
  }

  async function simulate(id: string, body: unknown): Promise<SimulateAnswer> {
    return await server.api<SimulateAnswer>('POST', `/gpus/v2/endpoints/${id}/simulate`, body);
  }

  function cli(argv: readonly string[]): ChildProcess {
    return spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', CLI, 'endpoints', 'simulate', ...argv],
      {
        env: { ...process.env, PILOTLIGHT_URL: server.url, PILOTLIGHT_API_KEY: API_KEY },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
  }

  async function run(
    argv: readonly string[],
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = cli(argv);
    assert.ok(child.stdout !== null && child.stderr !== null);
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { code: child.exitCode, stdout, stderr };
  }

  it('answers on the command line: a table, a picture, and advice that can be followed', async () => {
    const id = await endpoint();
    // As many as three workers have slots: kept ready, they let nobody wait, however slow the machine.
    await send(id, 6);
    const compared = await run([id, '--min', '1', '--window', '1h']);
    assert.equal(compared.code, 0, compared.stderr);
    assert.match(compared.stdout, /: 6 recorded requests from /);
    assert.match(compared.stdout, /^ +SEEN +NOW +PROPOSED +CHANGE$/m);
    assert.match(compared.stdout, /^wait p95 .* -[\d.]+ %$/m);
    assert.match(compared.stdout, /^p95 wait, proposed +\|[ ▁-█]+\| +up to /m);

    const advised = await run([id, '--advise', 'p95<100ms']);
    assert.equal(advised.code, 0, advised.stdout + advised.stderr);
    const command = /^ {2}pilotlight endpoints update \S+ (--.*)$/m.exec(advised.stdout)?.[1] ?? '';
    assert.match(command, /--min [123]/, advised.stdout);
    // Simulated as a proposal, the advice comes to what it promised.
    const answer = await run([id, '--json', ...command.split(' ')]);
    const { proposed } = JSON.parse(answer.stdout) as SimulateAnswer;
    assert.ok((proposed?.wait_seconds.p95 ?? 1) <= 0.1, answer.stdout);

    const impossible = await run([id, '--advise', 'p50<1ms', '--max', '0']);
    assert.equal(impossible.code, 1);
    assert.match(impossible.stdout, /None of them holds/);
  });

  it('takes a trace from a file, and names the line of a bad one', async () => {
    const id = await endpoint();
    const folder = await mkdtemp(join(tmpdir(), 'pilotlight-trace-'));
    try {
      const trace = async (name: string, rows: readonly string[]): Promise<string> => {
        const file = join(folder, name);
        await writeFile(file, `${rows.join('\n')}\n`);
        return file;
      };
      const good = await run([id, '--trace', await trace('good.csv', ['arrival_s,service_s', '0,1', '9,1'])]);
      assert.equal(good.code, 0, good.stderr);
      assert.match(good.stdout, /: 2 requests of the trace, over 11 s/);
      const bad = await run([id, '--trace', await trace('bad.csv', ['arrival_s,service_s', '3,1', '2,1'])]);
      assert.equal(bad.code, 1);
      assert.match(bad.stderr, /bad\.csv: Line 3 of the trace arrives at 2 s, before .*sort the trace/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('ends with Ctrl-C, and its simulation with it', async () => {
    const shown = await server.get(await endpoint());
    const simulating = Promise.withResolvers<ServerResponse>();
    const slow = createServer((request, response) => {
      request.resume();
      if (request.method === 'GET') {
        response.end(JSON.stringify(shown));
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: progress\ndata: {"stage":"now","done":1,"of":2}\n\n');
      simulating.resolve(response);
    });
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    try {
      const child = cli([shown.id, '--url', `http://127.0.0.1:${(slow.address() as AddressInfo).port}`]);
      const response = await simulating.promise;
      const left = once(response, 'close');
      child.kill('SIGINT');
      await Promise.all([left, once(child, 'close')]);
      assert.equal(child.signalCode, 'SIGINT');
    } finally {
      slow.close();
      slow.closeAllConnections();
    }
  });

  it('compares what is with what is proposed, and changes nothing', async () => {
    const id = await endpoint();
    await send(id, 12);
    const before = await server.get(id);
    const answer = await simulate(id, { worker_config: { min_replicas: 1, max_replicas: 3 } });
    assert.deepEqual(answer.changed, ['worker_config.min_replicas']);
    assert.deepEqual([answer.requests.source, answer.requests.count], ['recorded', 12]);
    assert.equal(answer.recorded?.served, 12);
    assert.equal(answer.start_seconds.source, 'workers');
    assert.equal(answer.now.cold_starts, 12);
    assert.ok(answer.now.wait_seconds.p95 >= 0.4, JSON.stringify(answer.now));
    assert.equal(answer.proposed?.worker_config.min_replicas, 1);
    assert.ok(answer.proposed.wait_seconds.p50 < answer.now.wait_seconds.p50);
    assert.equal(answer.now.cost, null);
    const { revision, worker_config: config } = await server.get(id);
    assert.deepEqual({ revision, config }, { revision: before['revision'], config: before['worker_config'] });
  });

  it('tells its progress as events, then the result', async () => {
    const id = await endpoint();
    await send(id, 6);
    const response = await fetch(`${server.url}/gpus/v2/endpoints/${id}/simulate`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${API_KEY}`,
        accept: 'text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ advise: { p95_wait_seconds: 0.2 } }),
    });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    const events = (await response.text()).split('\n\n').filter((event) => event !== '');
    const last = /^event: result\ndata: (.*)$/.exec(events.at(-1) ?? '');
    assert.ok(events.length > 1, 'there was progress');
    for (const event of events.slice(0, -1)) {
      assert.match(event, /^event: progress\ndata: \{"stage":"(now|advise)","done":\d+,"of":\d+\}$/);
    }
    const { advice } = JSON.parse(last?.[1] ?? '') as SimulateAnswer;
    assert.equal(advice?.holds, true);
    assert.ok((advice.chosen?.wait_seconds.p95 ?? 1) <= 0.2);
  });

  it('ends when its client leaves: the one place is free for the next', async () => {
    const id = await endpoint();
    await send(id, 1);
    // Long enough that it cannot end by itself before the test does.
    const rows = Array.from({ length: 300_000 }, (_, index) => `${index},30`);
    const trace = Buffer.from(`arrival_s,service_s\n${rows.join('\n')}\n`).toString('base64');
    const leaving = new AbortController();
    const long = fetch(`${server.url}/gpus/v2/endpoints/${id}/simulate`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${API_KEY}`,
        accept: 'text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ trace, advise: { p99_wait_seconds: 0.001 } }),
      signal: leaving.signal,
    });
    const stream = await long;
    assert.equal(stream.status, 200, 'it runs');
    const busy = await server.request('POST', `/gpus/v2/endpoints/${id}/simulate`, {});
    assert.equal(busy.status, 429);
    assert.ok(Number(busy.headers.get('retry-after')) > 0);
    assert.equal(((await busy.json()) as { reason: string }).reason, 'SIMULATION_BUSY');
    leaving.abort();
    for (;;) {
      const next = await server.request('POST', `/gpus/v2/endpoints/${id}/simulate`, {});
      await next.arrayBuffer();
      if (next.status === 200) break;
      assert.equal(next.status, 429);
    }
  });

  it('goes on from what a stopped and a killed server recorded', async () => {
    const own = await ServerProcess.start({ flags: ['--driver=simulated'] });
    let current = own;
    try {
      const id = await own.create({
        product_id: 'cpu',
        image: 'any',
        command: '',
        health_check: { path: '' },
      });
      const ask = async (): Promise<void> => {
        assert.equal((await current.request('GET', `/e/${id}/`)).status, 200);
      };
      const counted = async (): Promise<number> => {
        const { requests } = await current.api<SimulateAnswer>(
          'POST',
          `/gpus/v2/endpoints/${id}/simulate`,
          {},
        );
        return requests.count;
      };
      await ask();
      await own.terminate();
      current = await ServerProcess.start({ dataDir: own.dataDir, flags: ['--driver=simulated'] });
      assert.equal(await counted(), 1, 'written at the stop');
      await ask();
      // A simulation brings what was recorded to the disk first.
      assert.equal(await counted(), 2);
      await current.kill();
      current = await ServerProcess.start({ dataDir: own.dataDir, flags: ['--driver=simulated'] });
      assert.equal(await counted(), 2);
    } finally {
      await current.dispose();
    }
  });

  it('refuses what it cannot answer, and says why', async () => {
    const id = await endpoint();
    const refusal = async (body: unknown, path = id): Promise<{ reason: string; metadata: object }> => {
      const answer = await server.request('POST', `/gpus/v2/endpoints/${path}/simulate`, body);
      assert.notEqual(answer.status, 200);
      return (await answer.json()) as { reason: string; metadata: object };
    };
    assert.equal((await refusal({})).reason, 'NO_ARRIVALS');
    assert.equal((await refusal({}, 'nobody')).reason, 'SERVERLESS_ENDPOINT_NOT_FOUND');
    assert.equal((await refusal({ product_id: 'none' })).reason, 'SERVERLESS_PRODUCT_NOT_FOUND');
    const wrong = await refusal({ worker_config: { min_replicas: 9 }, windw: '1d', advise: {} });
    assert.deepEqual(Object.keys(wrong.metadata).sort(), ['advise', 'windw', 'worker_config.max_replicas']);
    const trace = Buffer.from('arrival_s,service_s\n1,2\n0,1\n').toString('base64');
    const unsorted = await refusal({ trace });
    assert.deepEqual([unsorted.reason, unsorted.metadata], ['TRACE_INVALID', { line: '3' }]);
  });
});
