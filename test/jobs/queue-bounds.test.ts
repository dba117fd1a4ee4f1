import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { MINUTE_MS, SECOND_MS } from '../../src/base/units.ts';
import { AT, CALLER, ENDPOINT, asyncEndpoint, jobWorker, jobsWorld, order } from '../support/jobs-world.ts';
import { MemoryJobs } from '../support/memory-job-store.ts';

const WORKER = 'w1' as WorkerId;

function refusedWith(code: string, pattern = /./) {
  return (error: unknown): true => {
    assert.ok(error instanceof AppError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
}

/** A world with the endpoint and ready workers of these names. */
async function world(workers: readonly string[] = [], options: Parameters<typeof jobsWorld>[0] = {}) {
  const made = await jobsWorld(options);
  made.jobs.endpointPut(asyncEndpoint());
  for (const name of workers) made.jobs.workerPut(ENDPOINT, jobWorker(name));
  return made;
}

describe('a restart', () => {
  test('keeps what waits, what runs and on whom, and what has ended', async () => {
    const memory = new MemoryJobs();
    const before = await world(['w1', 'w2'], { memory });
    const [done, kept, lost] = [await before.run('1'), await before.run('2'), await before.run('3')];
    await before.take('w1');
    await before.answer('w1', done);
    await before.take('w1');
    await before.take('w2');
    const waiting = await before.run('4');
    const low = await before.run('5', { policy: { lowPriority: true } });
    before.connection.lose();

    const after = await world([], { memory });
    after.jobs.start((_endpointId, workerId) => workerId === 'w1');
    after.jobs.workerPut(ENDPOINT, jobWorker('w1'));
    assert.equal((await after.status(done)).state, 'COMPLETED');
    assert.equal((await after.status(kept)).state, 'IN_PROGRESS');
    await after.answer('w1', kept, '"over the restart"');
    assert.equal((await after.status(kept)).output, '"over the restart"');
    const order = [];
    for (let left = 3; left > 0; left -= 1) {
      const [taken] = await after.take('w1');
      order.push(taken?.handedId);
      await after.answer('w1', taken?.handedId ?? '');
    }
    assert.deepEqual(order, [lost, waiting, low]);
    assert.equal((await after.status(lost)).attempt, 2);
    assert.deepEqual(after.jobs.load(ENDPOINT).waiting, 0);
    assert.equal(after.jobs.counts(ENDPOINT).completed, 5);
  });

  test('ends a run whose executionTimeout passed meanwhile', async () => {
    const memory = new MemoryJobs();
    const before = await world(['w1'], { memory });
    const id = await before.run('1', { policy: { executionTimeoutMs: SECOND_MS } });
    await before.take('w1');
    before.connection.lose();
    before.clock.advance(MINUTE_MS);
    const after = await world([], { memory, clock: before.clock });
    after.jobs.start(() => true);
    after.clock.advance(0);
    await after.listener.seen('ended');
    assert.equal((await after.status(id)).state, 'TIMED_OUT');
  });
});

describe('bounds', () => {
  test('the queue refuses a job beyond its limit, and takes one when there is room', async () => {
    const { run, take, jobs } = await world([], { limits: { waitingPerEndpoint: 2 } });
    await Promise.all([run(), run()]);
    await assert.rejects(run(), refusedWith('QUEUE_FULL', /2 jobs wait/));
    jobs.workerPut(ENDPOINT, jobWorker('w1'));
    await take('w1');
    await run();
  });

  test('a job that is asked for again needs room too', async () => {
    const { run, take, jobs, commands, status } = await world(['w1'], { limits: { waitingPerEndpoint: 1 } });
    const id = await run();
    await take('w1');
    await jobs.answer(ENDPOINT, WORKER, id, { kind: 'error', error: 'broken' });
    const other = await run();
    await assert.rejects(commands.retry(AT, id, CALLER), refusedWith('QUEUE_FULL'));
    assert.equal((await status(id)).state, 'FAILED');
    await commands.cancel(AT, other, CALLER);
    assert.equal((await commands.retry(AT, id, CALLER)).job.state, 'IN_QUEUE');
  });

  test('of a long error its two ends are kept', async () => {
    const { run, take, jobs, status } = await world(['w1']);
    const id = await run();
    await take('w1');
    const error = `first${'x'.repeat(100_000)}last`;
    await jobs.answer(ENDPOINT, WORKER, id, { kind: 'error', error });
    assert.match(
      (await status(id)).error ?? '',
      /^firstx{8187}\n… 83625 characters left out …\nx{8188}last$/,
    );
  });

  test('an input over the limit is refused', async () => {
    const { run } = await world([], { limits: { inputBytes: 10 } });
    await assert.rejects(run(JSON.stringify('é'.repeat(5))), refusedWith('BODY_TOO_LARGE', /12 bytes/));
  });

  test('memory knows a thousand of the waiting jobs, and all of them are taken in order', async () => {
    const { run, take, answer, jobs } = await world();
    const total = 2_500;
    const ids: string[] = [];
    for (let index = 0; index < total; index += 50) {
      ids.push(...(await Promise.all(Array.from({ length: 50 }, () => run('1')))));
    }
    assert.equal(jobs.load(ENDPOINT).waiting, total);
    assert.equal(jobs.load(ENDPOINT).waitingSinceMs.length, 1_000);
    jobs.endpointPut(asyncEndpoint({ slotsPerWorker: 100 }));
    jobs.workerPut(ENDPOINT, jobWorker('w1'));
    const taken: string[] = [];
    while (taken.length < total) {
      const batch = await take('w1', { count: 100 });
      taken.push(...batch.map(({ handedId }) => handedId));
      await Promise.all(batch.map(({ handedId }) => answer('w1', handedId)));
    }
    assert.deepEqual(taken, ids);
    assert.equal(jobs.load(ENDPOINT).waiting, 0);
  });
});

describe('who may', () => {
  test('another owner may not, and another endpoint has not', async () => {
    const { run, commands } = await world();
    const id = await run();
    const other = { ownerId: 'owner-2' as never, admin: false };
    await assert.rejects(commands.run(AT, order(), other), refusedWith('FORBIDDEN'));
    await assert.rejects(commands.status(AT, id, other), refusedWith('FORBIDDEN'));
    assert.equal((await commands.status(AT, id, { ...other, admin: true })).job.id, id);
    await assert.rejects(
      commands.status({ endpointId: 'nowhere', appName: null }, id, CALLER),
      refusedWith('SERVERLESS_ENDPOINT_NOT_FOUND'),
    );
    await assert.rejects(
      commands.status({ ...AT, appName: 'other' }, id, CALLER),
      refusedWith('SERVERLESS_ENDPOINT_NOT_FOUND'),
    );
    await assert.rejects(commands.status(AT, 'no-such-job', CALLER), refusedWith('JOB_NOT_FOUND'));
  });

  test('a paused endpoint refuses jobs, one whose starts fail takes them', async () => {
    const { run, jobs, status } = await world();
    const failed = new AppError('ENDPOINT_FAILED', 'its workers fail');
    jobs.endpointPut(asyncEndpoint({ refusal: failed }));
    const id = await run();
    jobs.waitingRefuse(ENDPOINT, failed);
    assert.equal((await status(id)).state, 'IN_QUEUE');
    jobs.endpointPut(asyncEndpoint({ refusal: new AppError('ENDPOINT_PAUSED', 'max_replicas is 0') }));
    await assert.rejects(run(), refusedWith('ENDPOINT_PAUSED'));
  });

  test('the deletion of the endpoint cancels what waits', async () => {
    const { run, jobs, status, listener } = await world();
    const id = await run();
    jobs.waitingRefuse(ENDPOINT, new AppError('SERVERLESS_ENDPOINT_NOT_FOUND', 'deleted'));
    await listener.seen('gone');
    assert.equal((await status(id)).state, 'CANCELLED');
  });
});

describe('an idempotency key', () => {
  test('runs the same order once, and refuses another one', async () => {
    const { run, jobs, take, answer } = await world();
    const once = { key: 'k', digest: 'd' };
    const [first, second] = await Promise.all([run('1', { once }), run('1', { once })]);
    assert.equal(first, second);
    assert.equal(jobs.load(ENDPOINT).waiting, 1);
    await assert.rejects(
      run('2', { once: { key: 'k', digest: 'other' } }),
      refusedWith('IDEMPOTENCY_KEY_REUSED'),
    );
    // A worker that asked is not lost to a job that was there already.
    jobs.workerPut(ENDPOINT, jobWorker('w1'));
    await take('w1');
    await answer('w1', first);
    const taking = take('w1');
    assert.equal(await run('1', { once }), first);
    const next = await run('3');
    assert.equal((await taking)[0]?.handedId, next);
  });
});

describe('a client that waits for the end', () => {
  test('is told as soon as it comes, or after its time', async () => {
    const { run, take, answer, commands, clock } = await world(['w1']);
    const id = await run();
    await take('w1');
    const signal = new AbortController().signal;
    const waiting = commands.status(AT, id, CALLER, { waitMs: SECOND_MS, signal });
    await answer('w1', id);
    assert.equal((await waiting).job.state, 'COMPLETED');
    const other = await run();
    await take('w1');
    const late = commands.status(AT, other, CALLER, { waitMs: SECOND_MS, signal });
    await new Promise(setImmediate);
    clock.advance(SECOND_MS);
    assert.equal((await late).job.state, 'IN_PROGRESS');
  });
});

describe('a streamed output', () => {
  test('is read part by part, each once, and the end is told behind the last one', async () => {
    const { run, take, answer, commands, jobs } = await world(['w1']);
    const id = await run();
    await take('w1');
    await jobs.streamPart(ENDPOINT, WORKER, id, '"a"');
    await jobs.streamPart(ENDPOINT, WORKER, id, '"b"');
    assert.deepEqual(await commands.stream(AT, id, null, CALLER), {
      state: 'IN_PROGRESS',
      parts: ['"a"', '"b"'],
      next: 2,
    });
    assert.deepEqual((await commands.stream(AT, id, null, CALLER)).parts, []);
    await jobs.streamPart(ENDPOINT, WORKER, id, '"c"');
    await answer('w1', id, '[]');
    assert.deepEqual(await commands.stream(AT, id, null, CALLER), {
      state: 'COMPLETED',
      parts: ['"c"'],
      next: 3,
    });
    assert.deepEqual((await commands.stream(AT, id, 1, CALLER)).parts, ['"b"', '"c"']);
    await assert.rejects(jobs.streamPart(ENDPOINT, WORKER, id, '"d"'), refusedWith('JOB_NOT_YOURS'));
  });

  test('of a lost attempt is no part of the next one', async () => {
    const { run, take, commands, jobs } = await world(['w1', 'w2']);
    const id = await run();
    await take('w1');
    await jobs.streamPart(ENDPOINT, WORKER, id, '"lost"');
    jobs.workerRemove(ENDPOINT, WORKER);
    await take('w2');
    await jobs.streamPart(ENDPOINT, 'w2' as WorkerId, id, '"kept"');
    assert.deepEqual((await commands.stream(AT, id, null, CALLER)).parts, ['"kept"']);
  });

  test('over the limit fails the job and stops it', async () => {
    const { run, take, status, jobs } = await world(['w1'], { limits: { outputBytes: 8 } });
    const id = await run();
    await take('w1');
    await jobs.streamPart(ENDPOINT, WORKER, id, '"1234"');
    await jobs.streamPart(ENDPOINT, WORKER, id, '"1234"');
    assert.equal((await status(id)).state, 'FAILED');
    assert.match((await status(id)).error ?? '', /parts of the output have more than the 8 bytes/);
    assert.deepEqual(await jobs.stops(ENDPOINT, WORKER, new AbortController().signal), [id]);
  });

  test('with one part over the limit does so too', async () => {
    const { run, take, status, jobs } = await world(['w1']);
    const id = await run();
    await take('w1');
    await jobs.streamPart(ENDPOINT, WORKER, id, null);
    assert.equal((await status(id)).state, 'FAILED');
    assert.match((await status(id)).error ?? '', /BUCKET_ENDPOINT_URL/);
    assert.deepEqual(await jobs.stops(ENDPOINT, WORKER, new AbortController().signal), [id]);
  });
});

test('progress is shown while the job runs, within its bound', async () => {
  const { run, take, commands, jobs, answer } = await world(['w1'], { limits: { progressBytes: 20 } });
  const id = await run();
  await take('w1');
  jobs.progress(ENDPOINT, WORKER, id, '{"step":1}');
  assert.equal((await commands.status(AT, id, CALLER)).progress, '{"step":1}');
  assert.throws(
    () => jobs.progress(ENDPOINT, WORKER, id, `"${'x'.repeat(20)}"`),
    refusedWith('BODY_TOO_LARGE'),
  );
  await answer('w1', id);
  assert.equal((await commands.status(AT, id, CALLER)).progress, null);
});
