import assert from 'node:assert/strict';
import { after, before, describe, it, mock } from 'node:test';
import runpodSdk from 'runpod-sdk';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;

describe('the runpod-sdk package against an async endpoint', { timeout: TIME_OUT_MS }, () => {
  let server: ServerProcess;
  let id: string;
  let endpoint: NonNullable<ReturnType<ReturnType<typeof runpodSdk>['endpoint']>>;
  before(async () => {
    // It prints each look at a status.
    mock.method(console, 'log', () => undefined);
    server = await ServerProcess.start();
    id = await server.create({
      type: 'async',
      image: 'host',
      command: 'node examples/job-worker/worker.ts',
      health_check: { path: '' },
    });
    const opened = runpodSdk(API_KEY, { baseUrl: `${server.url}/v2` }).endpoint(id);
    assert.ok(opened !== null);
    endpoint = opened;
  });
  after(async () => {
    mock.restoreAll();
    await server.dispose();
  });

  it('runs a job from zero workers, and polls it', async () => {
    const { id: job, status } = await endpoint.run({ input: { text: 'hello there', msPerWord: 1 } });
    assert.equal(status, 'IN_QUEUE');
    const ended = (shown: object): boolean => (shown as { completed?: boolean }).completed === true;
    let shown: object = await endpoint.status(job);
    while (!ended(shown)) shown = await endpoint.statusSync(job, 5_000);
    const done = shown as Record<string, unknown>;
    assert.equal(done['status'], 'COMPLETED');
    assert.equal(done['succeeded'], true);
    assert.deepEqual(done['output'], { text: 'HELLO THERE' });
    assert.ok(Number.isInteger(done['delayTime']) && Number.isInteger(done['executionTime']));
  });

  it('runs a job and waits for it', async () => {
    const done = await endpoint.runSync({ input: { text: 'at once', msPerWord: 1 } });
    assert.equal(done.status, 'COMPLETED');
    assert.deepEqual(done.output, { text: 'AT ONCE' });
  });

  it('tells of a failure', async () => {
    const failed = await endpoint.runSync({ input: {} });
    assert.equal(failed.status, 'FAILED');
    assert.equal((failed as { succeeded?: boolean }).succeeded, false);
  });

  it('reads a stream part by part', async () => {
    const { id: job } = await endpoint.run({ input: { text: 'one two three', stream: true, msPerWord: 50 } });
    const parts: unknown[] = [];
    for await (const part of endpoint.stream(job)) parts.push(part);
    assert.deepEqual(parts, [{ output: 'ONE' }, { output: 'TWO' }, { output: 'THREE' }]);
  });

  it('cancels a job that runs, and purges those that wait', async () => {
    const { id: runs } = await endpoint.run({ input: { text: 'too slow', msPerWord: 60_000 } });
    while ((await endpoint.status(runs)).status !== 'IN_PROGRESS');
    const { id: waits } = await endpoint.run({ input: { text: 'waits' } });
    const { jobs, workers } = await endpoint.health();
    assert.deepEqual([jobs.inProgress, jobs.inQueue, workers.running], [1, 1, 1]);
    await endpoint.purgeQueue();
    assert.equal((await endpoint.status(waits)).status, 'CANCELLED');
    await endpoint.cancel(runs);
    assert.equal((await endpoint.status(runs)).status, 'CANCELLED');
    // The worker heard of it: it is free for another.
    assert.equal((await endpoint.runSync({ input: { text: 'next', msPerWord: 1 } })).status, 'COMPLETED');
  });

  it('is told by a status what it got wrong', async () => {
    const stranger = runpodSdk('not-a-key', { baseUrl: `${server.url}/v2` }).endpoint(id);
    await assert.rejects(async () => await stranger?.run({ input: {} }), /401/);
    await assert.rejects(async () => await endpoint.status('nojob'), /404/);
  });
});
