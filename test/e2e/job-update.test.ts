import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WORKERS_FOLDER } from '../support/process-world.ts';
import { ServerProcess } from '../support/server-process.ts';

const TIME_OUT_MS = 120_000;
const JOBS = 1_000;
const CLIENTS = 32;

interface JobShown {
  readonly id: string;
  readonly status: string;
  readonly output?: { readonly n: number };
  readonly workerId?: string;
  readonly lostAttempts?: readonly unknown[];
}

describe('an update while jobs run and wait', { timeout: TIME_OUT_MS }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await ServerProcess.start({ flags: ['--bake-seconds=1', '--watch-seconds=0'] });
  });
  after(async () => {
    await server.dispose();
  });

  it(`of ${JOBS} of them loses none and runs none twice`, async () => {
    const id = await server.create({
      type: 'async',
      image: `host:${WORKERS_FOLDER}`,
      entrypoint: `'${process.execPath}'`,
      command: 'pulling.mjs',
      envs: [{ key: 'BATCH', value: '4' }],
      health_check: { path: '' },
      worker_config: { min_replicas: 2, max_replicas: 2, max_concurrent_per_worker: 4 },
    });
    const ended: JobShown[] = [];
    let next = 0;
    let updated = false;
    const sending = Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        // Goes on until the update is through, so that it happens under load from its begin to its end.
        for (let n = next++; n < JOBS || !updated; n = next++) {
          const sent = await server.api<JobShown>('POST', `/v2/${id}/run`, { input: { n } });
          let job: JobShown;
          do {
            job = await server.api<JobShown>('GET', `/v2/${id}/status/${sent.id}?wait=10000`);
          } while (job.status === 'IN_QUEUE' || job.status === 'IN_PROGRESS');
          assert.equal(job.output?.n, n, JSON.stringify(job));
          ended.push(job);
        }
      }),
    );
    await server.update(id, {
      envs: [
        { key: 'BATCH', value: '4' },
        { key: 'GREETING', value: 'hello' },
      ],
    });
    try {
      await server.until(
        id,
        ({ status, workers }) =>
          status.status === 'running' &&
          workers.length === 2 &&
          workers.every(({ revision, health }) => revision === 2 && health),
        AbortSignal.timeout(90_000),
      );
    } finally {
      updated = true;
    }
    await sending;
    assert.ok(ended.length >= JOBS, `${ended.length} jobs`);
    for (const job of ended) {
      assert.equal(job.status, 'COMPLETED', JSON.stringify(job));
      assert.equal(job.lostAttempts, undefined, JSON.stringify(job));
    }
    const revisions = new Map((await server.workers(id)).map((worker) => [worker.id, worker.revision]));
    const served = new Set(ended.map(({ workerId = '' }) => revisions.get(workerId)));
    assert.deepEqual(served, new Set([1, 2]), 'both revisions worked');
    const { jobs } = await server.api<{ jobs: Record<string, number> }>('GET', `/v2/${id}/health`);
    assert.equal(jobs['completed'], ended.length);
  });
});
