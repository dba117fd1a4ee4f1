import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { MINUTE_MS, SECOND_MS } from '../../src/base/units.ts';
import { AT, CALLER, ENDPOINT, asyncEndpoint, jobWorker, jobsWorld } from '../support/jobs-world.ts';
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

describe('a job', () => {
  test('waits, is taken, answered and found with its output as it was written', async () => {
    const { run, take, answer, status, jobs, listener } = await world();
    const id = await run('{"seed":18446744073709551615}');
    assert.equal((await status(id)).state, 'IN_QUEUE');
    assert.equal(jobs.load(ENDPOINT).waiting, 1);
    jobs.workerPut(ENDPOINT, jobWorker('w1'));
    const [taken] = await take('w1');
    assert.equal(taken?.input, '{"seed":18446744073709551615}');
    assert.equal((await status(id)).state, 'IN_PROGRESS');
    assert.equal(jobs.load(ENDPOINT).running, 1);
    await answer('w1', taken?.handedId ?? '', '[1.0]');
    const ended = await status(id);
    assert.equal(ended.state, 'COMPLETED');
    assert.equal(ended.output, '[1.0]');
    assert.equal(ended.attempt, 1);
    assert.equal(ended.workerId, 'w1');
    assert.deepEqual(
      listener.events.map(({ kind }) => kind),
      ['waiting', 'started', 'answered', 'ended'],
    );
    assert.deepEqual(jobs.counts(ENDPOINT), { completed: 1, failed: 0, retried: 0 });
  });

  test('that finds a worker asking is its own at once, in one commit', async () => {
    const memory = new MemoryJobs(true);
    const opening = jobsWorld({ memory });
    memory.flush();
    const { run, take, jobs, listener } = await opening;
    jobs.endpointPut(asyncEndpoint());
    jobs.workerPut(ENDPOINT, jobWorker('w1'));
    const taking = take('w1');
    const running = run();
    await Promise.resolve();
    assert.equal(memory.pending, 1);
    memory.flush();
    assert.equal((await taking).length, 1);
    await running;
    assert.equal(memory.pending, 0);
    assert.equal(listener.count('waiting'), 0);
  });

  test('goes to workers in order of arrival, those of low priority last', async () => {
    const { run, take, jobs } = await world();
    const low = await run('"low"', { policy: { lowPriority: true } });
    const first = await run('"first"');
    const second = await run('"second"');
    jobs.workerPut(ENDPOINT, jobWorker('w1'));
    jobs.endpointPut(asyncEndpoint({ slotsPerWorker: 3 }));
    const batch = await take('w1', { count: 3 });
    assert.deepEqual(
      batch.map(({ handedId }) => handedId),
      [first, second, low],
    );
  });

  test('is given to no worker beyond its slots, whatever it asks for', async () => {
    const { run, take, jobs } = await world();
    for (let index = 0; index < 5; index += 1) await run();
    jobs.endpointPut(asyncEndpoint({ slotsPerWorker: 2 }));
    jobs.workerPut(ENDPOINT, jobWorker('w1'));
    assert.equal((await take('w1', { count: 5 })).length, 2);
    const leave = new AbortController();
    const more = take('w1', { count: 5 }, leave.signal);
    leave.abort();
    assert.deepEqual(await more, []);
    assert.equal(jobs.load(ENDPOINT).workers.get(WORKER)?.running, 2);
  });

  test('goes to the preferred worker of those that ask', async () => {
    const { run, take, jobs } = await world();
    jobs.workerPut(ENDPOINT, jobWorker('old', { preference: 1 }));
    jobs.workerPut(ENDPOINT, jobWorker('new', { preference: 2 }));
    const old = take('old');
    const preferred = take('new');
    await run();
    assert.equal((await preferred).length, 1);
    await run();
    assert.equal((await old).length, 1);
  });
});

describe('an answer', () => {
  test('is taken from the worker that holds the lease alone', async () => {
    const { run, take, answer, status } = await world(['w1', 'w2']);
    const id = await run();
    const [taken] = await take('w1');
    await assert.rejects(answer('w2', taken?.handedId ?? ''), refusedWith('JOB_NOT_YOURS'));
    assert.equal((await status(id)).state, 'IN_PROGRESS');
    await answer('w1', taken?.handedId ?? '', '1');
    await assert.rejects(answer('w1', taken?.handedId ?? '', '2'), refusedWith('JOB_NOT_YOURS'));
    assert.equal((await status(id)).output, '1');
  });

  test('sent twice at once is recorded once, and both are told so', async () => {
    const { run, take, answer, status } = await world(['w1']);
    const id = await run();
    const [taken] = await take('w1');
    const handedId = taken?.handedId ?? '';
    await Promise.all([answer('w1', handedId, '"one"'), answer('w1', handedId, '"one"')]);
    assert.equal((await status(id)).output, '"one"');
  });

  test('over the limit fails the job and names the bucket variables', async () => {
    const { run, take, answer, status } = await world(['w1'], { limits: { outputBytes: 10 } });
    const id = await run();
    const [taken] = await take('w1');
    await answer('w1', taken?.handedId ?? '', JSON.stringify('é'.repeat(5)));
    const failed = await status(id);
    assert.equal(failed.state, 'FAILED');
    assert.match(
      failed.error ?? '',
      /12 bytes, more than the 10 .* BUCKET_ENDPOINT_URL, BUCKET_ACCESS_KEY_ID/,
    );
  });

  test('with an error fails the job, which its owner can ask for again', async () => {
    const { run, take, answer, status, jobs, commands } = await world(['w1']);
    const id = await run('"again"');
    const [taken] = await take('w1');
    await jobs.answer(ENDPOINT, WORKER, taken?.handedId ?? '', { kind: 'error', error: 'out of memory' });
    const failed = await status(id);
    assert.deepEqual([failed.state, failed.error], ['FAILED', 'out of memory']);
    await commands.retry(AT, id, CALLER);
    assert.equal((await status(id)).state, 'IN_QUEUE');
    const [second] = await take('w1');
    assert.equal(second?.input, '"again"');
    // The first run's id is another one: what still comes of it is not taken for this one's.
    assert.equal(second?.handedId, `${id}-r1`);
    await assert.rejects(answer('w1', id), refusedWith('JOB_NOT_YOURS'));
    await answer('w1', `${id}-r1`);
    assert.equal((await status(id)).state, 'COMPLETED');
    await assert.rejects(commands.retry(AT, id, CALLER), refusedWith('JOB_STATE', /COMPLETED/));
  });
});

describe('a lost worker', () => {
  test('gives its job to the next one, which alone can answer', async () => {
    const { run, take, answer, status, jobs } = await world(['w1', 'w2']);
    const id = await run();
    const [first] = await take('w1');
    jobs.workerRemove(ENDPOINT, WORKER, 'exited with code 1');
    const [second] = await take('w2');
    assert.equal(second?.handedId, first?.handedId);
    assert.equal(second?.attempt, 2);
    await assert.rejects(answer('w1', id), refusedWith('JOB_NOT_YOURS'));
    await answer('w2', id, '2');
    const ended = await status(id);
    assert.deepEqual([ended.state, ended.output, ended.attempt], ['COMPLETED', '2', 2]);
    assert.equal(ended.lost.length, 1);
    assert.match(ended.lost[0]?.reason ?? '', /its worker is gone: exited with code 1/);
  });

  test('keeps its job its place in the queue', async () => {
    const { run, take, jobs, listener } = await world(['w1']);
    const first = await run('"first"');
    await take('w1');
    await run('"second"');
    jobs.workerRemove(ENDPOINT, WORKER);
    await listener.seen('waiting', 3);
    jobs.workerPut(ENDPOINT, jobWorker('w2'));
    const [next] = await take('w2');
    assert.equal(next?.handedId, first);
  });

  test('fails its job after the last attempt, with the reason of each', async () => {
    const { run, take, status, jobs } = await world([], { limits: { attempts: 2 } });
    const id = await run();
    for (const name of ['w1', 'w2']) {
      jobs.workerPut(ENDPOINT, jobWorker(name));
      assert.equal((await take(name)).length, 1);
      jobs.workerRemove(ENDPOINT, name as WorkerId, `${name} crashed`);
    }
    const failed = await status(id);
    assert.equal(failed.state, 'FAILED');
    assert.match(failed.error ?? '', /All 2 attempts were lost.*w1 crashed.*w2 crashed/);
    assert.equal(failed.lost.length, 2);
  });

  test('that says it runs nothing has lost what it held', async () => {
    const { run, take, jobs, status } = await world(['w1']);
    const id = await run();
    await take('w1');
    const [again] = await take('w1', { idle: true });
    assert.deepEqual([again?.handedId, again?.attempt], [id, 2]);
    assert.match((await status(id)).lost[0]?.reason ?? '', /said that it runs nothing/);
    assert.equal(jobs.load(ENDPOINT).running, 1);
  });

  test('that left while it was given a job never had it: the attempt does not count', async () => {
    const memory = new MemoryJobs(true);
    const opening = jobsWorld({ memory, limits: { attempts: 1 } });
    memory.flush();
    const { run, take, jobs, store } = await opening;
    jobs.endpointPut(asyncEndpoint());
    jobs.workerPut(ENDPOINT, jobWorker('w1'));
    const leave = new AbortController();
    const taking = take('w1', {}, leave.signal);
    const running = run();
    await Promise.resolve();
    leave.abort();
    memory.flush();
    assert.deepEqual(await taking, []);
    const id = await running;
    await new Promise(setImmediate);
    memory.flush();
    await new Promise(setImmediate);
    const found = store.jobFind(id);
    memory.flush();
    const job = await found;
    assert.deepEqual([job?.state, job?.attempt, job?.lost], ['IN_QUEUE', 1, []]);
    assert.equal(jobs.load(ENDPOINT).waiting, 1);
  });
});

describe('cancel', () => {
  test('ends a job that waits, and it is given to nobody', async () => {
    const { run, take, status, jobs, commands } = await world();
    const id = await run();
    assert.equal((await commands.cancel(AT, id, CALLER)).job.state, 'CANCELLED');
    assert.equal(jobs.load(ENDPOINT).waiting, 0);
    jobs.workerPut(ENDPOINT, jobWorker('w1'));
    const leave = new AbortController();
    const taking = take('w1', {}, leave.signal);
    await new Promise(setImmediate);
    leave.abort();
    assert.deepEqual(await taking, []);
    assert.equal((await status(id)).state, 'CANCELLED');
  });

  test('reaches the worker that runs it, whose answer is refused', async () => {
    const { run, take, answer, status, jobs, commands } = await world(['w1']);
    const id = await run();
    await take('w1');
    const stops = jobs.stops(ENDPOINT, WORKER, new AbortController().signal);
    await commands.cancel(AT, id, CALLER);
    assert.deepEqual(await stops, [id]);
    assert.equal(jobs.load(ENDPOINT).workers.get(WORKER)?.running, 1, 'it is busy until it lets go');
    await assert.rejects(answer('w1', id), refusedWith('JOB_NOT_YOURS'));
    assert.equal(jobs.load(ENDPOINT).workers.get(WORKER)?.running, 0);
    assert.equal((await status(id)).state, 'CANCELLED');
  });

  test('of a job that has ended changes nothing', async () => {
    const { run, take, answer, commands } = await world(['w1']);
    const id = await run();
    await take('w1');
    await answer('w1', id);
    assert.equal((await commands.cancel(AT, id, CALLER)).job.state, 'COMPLETED');
  });

  test('of all that wait leaves what runs', async () => {
    const { run, take, status, commands, jobs } = await world(['w1']);
    const running = await run();
    await take('w1');
    const waiting = await Promise.all([run(), run(), run('1', { policy: { lowPriority: true } })]);
    assert.equal(await commands.purge(AT, CALLER), 3);
    assert.equal(jobs.load(ENDPOINT).waiting, 0);
    for (const id of waiting) assert.equal((await status(id)).state, 'CANCELLED');
    assert.equal((await status(running)).state, 'IN_PROGRESS');
  });
});

describe('time', () => {
  test('ends a wait after its ttl, and never what runs', async () => {
    const { run, take, status, clock, listener, store } = await world(['w1']);
    const running = await run('1', { policy: { ttlMs: SECOND_MS } });
    await take('w1');
    const waiting = await run('2', { policy: { ttlMs: 2 * SECOND_MS } });
    clock.advance(2 * SECOND_MS);
    // The first look was for the one that runs by now; the next one is at once.
    await store.jobFind(waiting);
    clock.advance(0);
    await listener.seen('gone');
    assert.equal((await status(waiting)).state, 'TIMED_OUT');
    assert.match((await status(waiting)).error ?? '', /within its ttl/);
    assert.equal((await status(running)).state, 'IN_PROGRESS');
  });

  test('that a lost attempt ran does not count as waiting, also over a restart', async () => {
    const memory = new MemoryJobs();
    const { run, take, status, clock, jobs, listener, connection } = await world(['w1'], { memory });
    const id = await run('1', { policy: { ttlMs: 10 * SECOND_MS } });
    clock.advance(4 * SECOND_MS);
    await take('w1');
    clock.advance(MINUTE_MS);
    jobs.workerRemove(ENDPOINT, WORKER, 'it was killed');
    await listener.seen('ended');
    clock.advance(5 * SECOND_MS);
    assert.equal((await status(id)).state, 'IN_QUEUE', 'a second of its ttl is left');
    connection.lose();
    const after = await world([], { memory, clock });
    after.jobs.start(() => true);
    clock.advance(0);
    assert.equal((await after.status(id)).state, 'IN_QUEUE');
    clock.advance(SECOND_MS);
    await after.listener.seen('gone');
    assert.equal((await after.status(id)).state, 'TIMED_OUT');
  });

  test('a job that comes back waits for its end again', async () => {
    const { run, take, status, clock, jobs, listener } = await world(['w1']);
    const taking = take('w1');
    const id = await run('1', { policy: { ttlMs: 10 * SECOND_MS } });
    await taking;
    jobs.workerRemove(ENDPOINT, WORKER, 'it was killed');
    await listener.seen('ended');
    clock.advance(10 * SECOND_MS);
    await listener.seen('gone');
    assert.equal((await status(id)).state, 'TIMED_OUT');
  });

  test('ends a run after its executionTimeout, or the request_timeout of the endpoint', async () => {
    const { run, take, status, clock, listener, jobs } = await world(['w1', 'w2']);
    const own = await run('1', { policy: { executionTimeoutMs: 10 * SECOND_MS } });
    const usual = await run('2');
    await take('w1');
    await take('w2');
    clock.advance(10 * SECOND_MS);
    await listener.seen('ended');
    assert.equal((await status(own)).state, 'TIMED_OUT');
    assert.match((await status(own)).error ?? '', /longer than 10 s/);
    clock.advance(290 * SECOND_MS);
    await listener.seen('ended', 2);
    assert.equal((await status(usual)).state, 'TIMED_OUT');
    assert.equal(jobs.load(ENDPOINT).running, 2, 'both still hold on to them');
  });

  test('replaces a worker that does not let go of a job that was ended', async () => {
    const { run, take, clock, listener, jobs } = await world(['w1']);
    await run('1', { policy: { executionTimeoutMs: SECOND_MS } });
    await take('w1');
    clock.advance(SECOND_MS);
    await listener.seen('ended');
    assert.equal(listener.count('spent'), 0);
    clock.advance(jobs.limits.letGoMs);
    assert.equal(listener.count('spent'), 1);
    assert.deepEqual(await take('w1'), [], 'it gets nothing more');
  });

  test('keeps one that lets go: it asks for the next job', async () => {
    const { run, take, clock, listener, jobs } = await world(['w1']);
    await run('1', { policy: { executionTimeoutMs: SECOND_MS } });
    await take('w1');
    clock.advance(SECOND_MS);
    await listener.seen('ended');
    const next = take('w1');
    const id = await run('2');
    assert.equal((await next)[0]?.handedId, id);
    clock.advance(MINUTE_MS);
    assert.equal(listener.count('spent'), 0);
    assert.equal(jobs.load(ENDPOINT).running, 1);
  });

  test('deletes what ended longer ago than results are kept', async () => {
    const { run, take, answer, status, clock, jobs, store } = await world(['w1'], {
      limits: { keptMs: MINUTE_MS },
    });
    jobs.start(() => true);
    const id = await run();
    await take('w1');
    await answer('w1', id);
    clock.advance(MINUTE_MS);
    await store.jobFind(id);
    await status(id);
    clock.advance(2 * MINUTE_MS);
    // The sweep's call was made as the timer fired, and this one comes behind it.
    assert.equal(await store.jobFind(id), null);
    await assert.rejects(status(id), refusedWith('JOB_NOT_FOUND'));
    assert.deepEqual(jobs.counts(ENDPOINT), { completed: 0, failed: 0, retried: 0 });
  });
});

describe('a worker that leaves', () => {
  test('gets no job and keeps its own; it is drained when that has ended', async () => {
    const { run, take, answer, listener, jobs } = await world(['w1']);
    const id = await run();
    await take('w1');
    jobs.workerDrain(ENDPOINT, WORKER);
    assert.equal(listener.count('drained'), 0);
    assert.deepEqual(await take('w1'), []);
    await answer('w1', id);
    assert.equal(listener.count('drained'), 1);
  });

  test('is told so where it waits for a job', async () => {
    const { take, jobs, listener } = await world(['w1']);
    const taking = take('w1');
    jobs.workerDrain(ENDPOINT, WORKER);
    assert.deepEqual(await taking, []);
    assert.equal(listener.count('drained'), 1);
  });

  test('loses its job at the drain deadline, and is drained at once', async () => {
    const { run, take, status, listener, jobs } = await world(['w1']);
    const id = await run();
    await take('w1');
    jobs.workerDrain(ENDPOINT, WORKER);
    const error = new AppError('DRAIN_DEADLINE', 'it took too long');
    assert.equal(jobs.runningCut(ENDPOINT, WORKER, error), 1);
    assert.equal(jobs.runningCut(ENDPOINT, WORKER, error), 0, 'it is being taken already');
    await listener.seen('drained');
    assert.equal((await status(id)).state, 'IN_QUEUE');
    assert.deepEqual(await jobs.stops(ENDPOINT, WORKER, new AbortController().signal), [id]);
  });
});
