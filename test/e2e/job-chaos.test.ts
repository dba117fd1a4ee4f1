import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { WORKERS_FOLDER } from '../support/process-world.ts';
import { ServerProcess } from '../support/server-process.ts';
import { workerProcesses } from '../support/worker-processes.ts';

/** The full run is `npm run soak:jobs`: 10,000 jobs. A fast machine runs more, until enough was killed. */
const JOBS_MIN = Number(process.env['PILOTLIGHT_CHAOS_JOBS'] ?? 300);
const CLIENTS = 16;
const WORKER_KILL_EVERY_MS = 1_000;
const SERVER_KILL_EVERY_MS = JOBS_MIN >= 5_000 ? 10_000 : 2_000;
const KILLS_MIN = { workers: 3, servers: 2 };
const TIME_OUT_MS = JOBS_MIN >= 5_000 ? 1_800_000 : 180_000;

interface JobShown {
  readonly id: string;
  readonly status: string;
  readonly output?: { readonly n: number };
}

describe('jobs whose workers and server die again and again', { timeout: TIME_OUT_MS }, () => {
  let server: ServerProcess;
  let dataDir: string;
  let over = false;
  const killed = { workers: 0, servers: 0 };
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'pilotlight-chaos-'));
    server = await start(0);
  });
  after(async () => {
    over = true;
    await server.dispose();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function start(port: number): Promise<ServerProcess> {
    // Every attempt may be lost here, and none of them is the job's own fault.
    return await ServerProcess.start({ dataDir, port, flags: ['--job-attempts=100'] });
  }

  /** Until it is answered: the server is away now and then. */
  async function ask<Answer>(method: string, path: string, body: unknown, key?: string): Promise<Answer> {
    for (;;) {
      try {
        const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
        const response = await server.request(method, path, body, headers);
        const text = await response.text();
        if (response.ok) return JSON.parse(text) as Answer;
        if (response.status < 500 && response.status !== 429) throw new Error(`${path}: ${text}`);
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('/')) throw error;
      }
      await pause(50);
    }
  }

  async function killWorkers(): Promise<void> {
    while (!over) {
      await pause(WORKER_KILL_EVERY_MS);
      const workers = [...(await workerProcesses(dataDir)).values()];
      const victim = workers[Math.floor(Math.random() * workers.length)];
      if (victim === undefined) continue;
      process.kill(victim, 'SIGKILL');
      killed.workers += 1;
    }
  }

  async function killServer(): Promise<void> {
    const port = Number(new URL(server.url).port);
    while (!over) {
      await pause(SERVER_KILL_EVERY_MS);
      if (over) break;
      await server.kill();
      server = await start(port);
      killed.servers += 1;
    }
  }

  function killedEnough(): boolean {
    return killed.workers >= KILLS_MIN.workers && killed.servers >= KILLS_MIN.servers;
  }

  it(`${JOBS_MIN} of them or more end once each, with their own output`, async (context) => {
    const id = await server.create({
      type: 'async',
      image: `host:${WORKERS_FOLDER}`,
      entrypoint: `'${process.execPath}'`,
      command: 'pulling.mjs',
      envs: [{ key: 'BATCH', value: '4' }],
      health_check: { path: '' },
      worker_config: { min_replicas: 3, max_replicas: 3, max_concurrent_per_worker: 4 },
    });
    const killers = Promise.all([killWorkers(), killServer()]);
    const byNumber = new Map<number, string>();
    let next = 0;
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        for (let n = next++; n < JOBS_MIN || !killedEnough(); n = next++) {
          // Sent again with its key where the answer was lost with the server: it is one job all the same.
          const sent = await ask<JobShown>('POST', `/v2/${id}/run`, { input: { n } }, `job-${n}`);
          byNumber.set(n, sent.id);
          for (;;) {
            const job = await ask<JobShown>('GET', `/v2/${id}/status/${sent.id}?wait=5000`, undefined);
            if (job.status === 'IN_QUEUE' || job.status === 'IN_PROGRESS') continue;
            assert.equal(job.status, 'COMPLETED', JSON.stringify(job));
            assert.equal(job.output?.n, n, JSON.stringify(job));
            break;
          }
        }
      }),
    );
    over = true;
    await killers;
    const sum = byNumber.size;
    context.diagnostic(`${sum} jobs; ${killed.workers} workers and ${killed.servers} servers were killed`);
    assert.equal(new Set(byNumber.values()).size, sum, 'two jobs have one id');
    const stored: JobShown[] = [];
    for (let cursor = ''; ;) {
      const page = await server.api<{ requests: JobShown[]; next_cursor: string }>(
        'GET',
        `/v2/${id}/requests?limit=1000&cursor=${cursor}`,
      );
      stored.push(...page.requests);
      cursor = page.next_cursor;
      if (cursor === '') break;
    }
    assert.equal(stored.length, sum, 'a job was stored twice, or lost');
    assert.deepEqual(new Set(stored.map((job) => job.status)), new Set(['COMPLETED']));
    const { jobs } = await server.api<{ jobs: Record<string, number> }>('GET', `/v2/${id}/health`);
    assert.deepEqual([jobs['completed'], jobs['inQueue'], jobs['inProgress']], [sum, 0, 0]);
  });
});

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
