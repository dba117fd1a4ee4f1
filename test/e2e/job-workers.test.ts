import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { WORKERS_FOLDER } from '../support/process-world.ts';
import { ServerProcess } from '../support/server-process.ts';

const TIME_OUT_MS = 120_000;
const ENDED = ['COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT'];

interface JobShown {
  readonly id: string;
  readonly status: string;
  readonly output?: unknown;
  readonly error?: string;
  readonly workerId?: string;
  readonly lostAttempts?: readonly { readonly workerId: string; readonly reason: string }[];
}

for (const forwarder of ['general', 'strict']) jobWorkers(forwarder);

function jobWorkers(forwarder: string): void {
  describe(`workers of async endpoints, behind the ${forwarder} listener`, { timeout: TIME_OUT_MS }, () => {
    let server: ServerProcess;
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'pilotlight-jobs-'));
      server = await ServerProcess.start({ flags: [`--forwarder=${forwarder}`] });
    });
    after(async () => {
      await server.dispose();
      await rm(folder, { recursive: true, force: true });
    });

    async function create(body: Record<string, unknown> = {}): Promise<string> {
      return await server.create({
        type: 'async',
        image: `host:${WORKERS_FOLDER}`,
        entrypoint: `'${process.execPath}'`,
        command: 'pulling.mjs',
        envs: [{ key: 'MARKS', value: folder }],
        health_check: { path: '' },
        ...body,
      });
    }

    const run = async (id: string, input: unknown): Promise<string> =>
      (await server.api<{ id: string }>('POST', `/v2/${id}/run`, { input })).id;

    const status = async (id: string, job: string, waitMs = 0): Promise<JobShown> =>
      await server.api<JobShown>('GET', `/v2/${id}/status/${job}?wait=${waitMs}`);

    async function ended(id: string, job: string): Promise<JobShown> {
      for (;;) {
        const shown = await status(id, job, 30_000);
        if (ENDED.includes(shown.status)) return shown;
      }
    }

    /** Bounded by the test's own time-out. */
    async function until(id: string, job: string, holds: (job: JobShown) => boolean): Promise<JobShown> {
      for (;;) {
        const shown = await status(id, job);
        if (holds(shown)) return shown;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }

    it('a worker that speaks the protocol byte by byte takes, answers, streams, fails and is replaced', async () => {
      const id = await create();
      const echo = await ended(id, await run(id, { do: 'echo', text: 'grüß' }));
      assert.equal(echo.status, 'COMPLETED');
      assert.deepEqual(echo.output, { do: 'echo', text: 'grüß' });
      const failed = await ended(id, await run(id, { do: 'fail' }));
      assert.equal(failed.status, 'FAILED');
      assert.equal(failed.error, 'it was asked to fail');
      const streamed = await run(id, { do: 'stream' });
      await ended(id, streamed);
      const parts = await server.api<{ stream: unknown[] }>('GET', `/v2/${id}/stream/${streamed}`);
      assert.deepEqual(parts.stream, [{ output: 'one' }, { output: 'two' }, { output: 'three' }]);
      const last = await ended(id, await run(id, { do: 'last' }));
      assert.equal(last.output, echo.workerId);
      const next = await ended(id, await run(id, { do: 'echo' }));
      assert.equal(next.status, 'COMPLETED');
      assert.notEqual(next.workerId, last.workerId, 'another worker took its place');
      await server.api('DELETE', `/gpus/v2/endpoints/${id}`);
      await server.gone(id);
    });

    it('takes as many at a time as it may, and no more', async () => {
      const id = await create({
        envs: [{ key: 'BATCH', value: '5' }],
        worker_config: { max_replicas: 1, max_concurrent_per_worker: 2 },
      });
      const release = join(folder, 'release-batch');
      const jobs = await Promise.all([1, 2, 3].map(async () => await run(id, { do: 'hold', release })));
      for (const job of jobs.slice(0, 2)) await until(id, job, (shown) => shown.output !== undefined);
      const { jobs: counts } = await server.api<{ jobs: Record<string, number> }>('GET', `/v2/${id}/health`);
      assert.deepEqual([counts['inProgress'], counts['inQueue']], [2, 1]);
      await writeFile(release, '');
      for (const job of jobs) assert.equal((await ended(id, job)).status, 'COMPLETED');
    });

    it('hears of a cancel, and is free for the next job', async () => {
      const id = await create();
      const job = await run(id, { do: 'hold', release: join(folder, 'never') });
      const held = await until(id, job, (shown) => shown.output !== undefined);
      assert.deepEqual(held.output, { holds: held.workerId });
      await server.api('POST', `/v2/${id}/cancel/${job}`);
      const next = await ended(id, await run(id, { do: 'echo' }));
      assert.equal(next.status, 'COMPLETED');
      assert.equal(next.workerId, held.workerId);
      assert.equal((await status(id, job)).status, 'CANCELLED');
    });

    it('dies, and its job is done by another', async () => {
      const id = await create();
      const done = await ended(id, await run(id, { do: 'die' }));
      assert.equal(done.status, 'COMPLETED');
      assert.equal(done.lostAttempts?.length, 1);
      assert.notEqual(done.workerId, done.lostAttempts?.[0]?.workerId);
    });

    it('has a token that is good for nobody else, and for nothing once it has ended', async () => {
      const id = await create();
      const other = await create();
      const { output } = await ended(id, await run(id, { do: 'environment' }));
      const variables = output as Record<string, string>;
      const held = await run(id, { do: 'hold', release: join(folder, 'release-token') });
      const holding = await until(id, held, (shown) => shown.output !== undefined);
      const stranger = (await ended(other, await run(other, { do: 'environment' }))).output as Record<
        string,
        string
      >;
      const worker = variables['RUNPOD_POD_ID'] ?? '';
      assert.equal(worker, holding.workerId);
      assert.equal(variables['RUNPOD_ENDPOINT_ID'], id);
      const call = async (method: string, path: string, authorization: string): Promise<number> => {
        const response = await fetch(`${server.url}${path}`, {
          method,
          headers: { authorization, connection: 'close' },
          ...(method === 'POST' ? { body: '{"output":"stolen"}' } : {}),
        });
        await response.text();
        return response.status;
      };
      const done = `/v2/${id}/job-done/${worker}/${held}?isStream=false`;
      const key = variables['RUNPOD_AI_API_KEY'] ?? '';
      const foreign = stranger['RUNPOD_AI_API_KEY'] ?? '';
      assert.equal(await call('POST', done, foreign), 403);
      assert.equal(await call('GET', `/v2/${id}/job-take/${worker}?job_in_progress=0`, foreign), 403);
      assert.equal(await call('POST', done, `${key}x`), 401);
      // An API key is not a worker's token.
      assert.equal(await call('POST', done, 'Bearer a-key-for-tests-only'), 401);
      assert.equal(await call('POST', `/v2/${id}/job-done/${worker}/nojob?isStream=false`, key), 409);
      assert.equal((await status(id, held)).status, 'IN_PROGRESS');
      await writeFile(join(folder, 'release-token'), '');
      assert.deepEqual((await ended(id, held)).output, { held: worker });
      assert.equal(await call('POST', done, key), 409);
      assert.deepEqual((await status(id, held)).output, { held: worker });
      await server.update(id, { worker_config: { max_replicas: 0 } });
      await server.until(id, ({ workers }) => workers.length === 0, AbortSignal.timeout(TIME_OUT_MS));
      assert.equal(await call('POST', done, key), 403);
    });

    it('with a health check is sent its jobs, in the words it understands', async () => {
      const echo = await create({
        image: 'host:examples/echo',
        entrypoint: '',
        command: 'node server.ts',
        envs: [],
        health_check: { path: '/healthz' },
      });
      const sent = await ended(echo, await run(echo, { a: 1 }));
      assert.equal(sent.status, 'COMPLETED');
      assert.equal((sent.output as { method: string }).method, 'POST');
      const chat = await create({
        image: 'host:examples/openai-chat',
        entrypoint: '',
        command: 'node server.ts',
        envs: [
          { key: 'MODEL', value: 'toy' },
          { key: 'TOKENS_PER_SECOND', value: '0' },
          { key: 'PILOTLIGHT_JOB_PATH', value: '/v1/chat/completions' },
          { key: 'PILOTLIGHT_JOB_BODY', value: 'input' },
        ],
        health_check: { path: '/healthz' },
      });
      const input = { model: 'toy', messages: [{ role: 'user', content: 'hello' }] };
      const answered = await ended(chat, await run(chat, input));
      assert.equal(answered.status, 'COMPLETED', answered.error);
      const { choices } = answered.output as { choices: { message: { content: string } }[] };
      assert.match(choices[0]?.message.content ?? '', /^You said: hello/);
      const refused = await ended(chat, await run(chat, { model: 'toy' }));
      assert.equal(refused.status, 'FAILED');
      assert.match(refused.error ?? '', /^The worker answered 400/);
    });

    it('keeps its job over a kill -9 of the server, and answers the next one', async () => {
      const id = await create();
      const release = join(folder, 'release-restart');
      const job = await run(id, { do: 'hold', release });
      const held = await until(id, job, (shown) => shown.output !== undefined);
      await server.kill();
      const port = Number(new URL(server.url).port);
      const flags = [`--forwarder=${forwarder}`];
      server = await ServerProcess.start({ dataDir: server.dataDir, port, flags });
      assert.equal((await status(id, job)).status, 'IN_PROGRESS');
      await writeFile(release, '');
      const done = await ended(id, job);
      assert.deepEqual(done.output, { held: held.workerId });
      assert.equal(done.lostAttempts, undefined);
    });
  });
}
