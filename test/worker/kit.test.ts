import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Job } from '../../src/worker/start.ts';
import { RunningWorker } from './running-worker.ts';
import { json, StubService } from './stub-service.ts';

const LIMIT = { timeout: 20_000 };

describe('the worker kit speaks the protocol', LIMIT, () => {
  test('takes a job, runs it and tells its output', async () => {
    await using service = await StubService.open();
    await using worker = new RunningWorker(service, {
      handler: ({ id, input }: Job) => ({ id, echo: input }),
    });
    service.push({ id: 'job-1', input: { prompt: 'grüß dich' } });
    const done = await service.seen('job-done');
    const [take] = service.of('job-take');
    assert.equal(take?.method, 'GET');
    assert.equal(take.target, '/v2/ep/job-take/w1?gpu=none&job_in_progress=0');
    assert.equal(take.headers.authorization, 'worker-key');
    assert.equal(done.method, 'POST');
    assert.equal(done.target, '/v2/ep/job-done/w1/job-1?gpu=none&isStream=false');
    assert.equal(done.headers['content-type'], 'application/x-www-form-urlencoded');
    assert.equal(done.headers['x-request-id'], 'job-1');
    assert.equal(done.headers.authorization, 'worker-key');
    assert.equal(done.body, '{"output":{"id":"job-1","echo":{"prompt":"grüß dich"}}}');
    worker.stop();
    await worker.ended;
    assert.deepEqual(worker.logged, []);
  });

  test('takes a batch for the room it has, and runs it side by side', async () => {
    await using service = await StubService.open();
    const gate = Promise.withResolvers<void>();
    let together = 0;
    const full = Promise.withResolvers<void>();
    await using worker = new RunningWorker(service, {
      concurrency: 3,
      handler: async ({ id }: Job) => {
        together += 1;
        if (together === 3) full.resolve();
        await gate.promise;
        return id;
      },
    });
    await service.seen('job-take-batch');
    service.push({ id: 'a', input: 1 }, { id: 'b', input: 2 });
    const next = await service.seen('job-take');
    assert.equal(
      service.of('job-take-batch')[0]?.target,
      '/v2/ep/job-take-batch/w1?gpu=none&batch_size=3&job_in_progress=0',
    );
    assert.equal(next.query.get('job_in_progress'), '1');
    service.push({ id: 'c', input: 3 });
    await full.promise;
    gate.resolve();
    await service.seen('job-done', 3);
    assert.deepEqual(
      service
        .of('job-done')
        .map(({ body }) => body)
        .toSorted(),
      ['{"output":"a"}', '{"output":"b"}', '{"output":"c"}'],
    );
    worker.stop();
    await worker.ended;
  });

  test('asks for the concurrency before each take', async () => {
    await using service = await StubService.open();
    const asked: number[] = [];
    await using worker = new RunningWorker(service, {
      concurrency: (current) => {
        asked.push(current);
        return current + 1;
      },
      handler: () => 'done',
    });
    await service.seen('job-take-batch');
    service.push({ id: 'a', input: 1 });
    await service.seen('job-take-batch', 2);
    assert.deepEqual(asked.slice(0, 2), [1, 2]);
    assert.equal(service.of('job-take-batch')[0]?.query.get('batch_size'), '2');
    worker.stop();
    await worker.ended;
  });

  test('sends progress before the result, and of many updates the last', async () => {
    await using service = await StubService.open();
    await using worker = new RunningWorker(service, {
      handler: async (job: Job) => {
        await job.progress({ percent: 1 });
        for (let percent = 2; percent <= 100; percent += 1) void job.progress({ percent });
        return 'done';
      },
    });
    service.push({ id: 'job-1', input: null });
    await service.seen('job-done', 4);
    assert.deepEqual(
      service.of('job-done').map(({ body }) => body),
      [
        '{"status":"IN_PROGRESS","output":{"percent":1}}',
        '{"status":"IN_PROGRESS","output":{"percent":2}}',
        '{"status":"IN_PROGRESS","output":{"percent":100}}',
        '{"output":"done"}',
      ],
    );
    assert.ok(service.of('job-done').every(({ query }) => query.get('isStream') === 'false'));
    worker.stop();
    await worker.ended;
  });

  for (const aggregateStream of [false, true]) {
    test(`streams the parts of a generator, with aggregateStream ${aggregateStream}`, async () => {
      await using service = await StubService.open();
      await using worker = new RunningWorker(service, {
        aggregateStream,
        async *handler({ input }: Job) {
          for (let number = 1; number <= (input as number); number += 1) yield { number };
        },
      });
      service.push({ id: 'job-1', input: 2 });
      const done = await service.seen('job-done');
      assert.deepEqual(
        service.of('job-stream').map(({ target, body }) => [target, body]),
        [
          ['/v2/ep/job-stream/w1/job-1?gpu=none&isStream=false', '{"output":{"number":1}}'],
          ['/v2/ep/job-stream/w1/job-1?gpu=none&isStream=false', '{"output":{"number":2}}'],
        ],
      );
      assert.equal(done.query.get('isStream'), 'true');
      assert.equal(done.body, aggregateStream ? '{"output":[{"number":1},{"number":2}]}' : '{"output":[]}');
      worker.stop();
      await worker.ended;
    });
  }

  test('an error that is thrown fails the job with its facts, and the worker goes on', async () => {
    await using service = await StubService.open();
    await using worker = new RunningWorker(service, {
      handler: ({ input }: Job) => {
        if (input === 'bad') throw new TypeError('no such model');
        return 'good';
      },
    });
    service.push({ id: 'a', input: 'bad' }, { id: 'b', input: 'fine' });
    await service.seen('job-done', 2);
    const [failed, good] = service.of('job-done');
    const { error } = JSON.parse(failed?.body ?? '') as { error: string };
    const facts = JSON.parse(error) as Record<string, string>;
    assert.equal(facts['error_type'], 'TypeError');
    assert.equal(facts['error_message'], 'no such model');
    assert.equal(facts['worker_id'], 'w1');
    assert.match(facts['error_traceback'] ?? '', /kit\.test\.ts/);
    assert.equal(good?.body, '{"output":"good"}');
    worker.stop();
    await worker.ended;
  });

  test('a generator that breaks off fails the job behind its parts', async () => {
    await using service = await StubService.open();
    await using worker = new RunningWorker(service, {
      *handler() {
        yield 1;
        throw new Error('half way');
      },
    });
    service.push({ id: 'a', input: null });
    const done = await service.seen('job-done');
    assert.equal(service.of('job-stream').length, 1);
    assert.match(done.body, /half way/);
    worker.stop();
    await worker.ended;
  });

  test('refresh_worker asks for another worker, and this one takes no more and ends', async () => {
    await using service = await StubService.open();
    const worker = new RunningWorker(service, { handler: () => ({ refresh_worker: true, text: 'last' }) });
    service.push({ id: 'a', input: null }, { id: 'b', input: null });
    await worker.untilDone(worker.ended);
    assert.deepEqual(
      service.of('job-done').map(({ body }) => body),
      ['{"output":{"text":"last"},"stopPod":true}'],
    );
    assert.equal(service.of('job-take').length, 1);
  });

  test('a cancelled job hears of it, and nothing is sent for it', async () => {
    await using service = await StubService.open();
    const begun = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<unknown>();
    await using worker = new RunningWorker(service, {
      handler: async ({ id, signal }: Job) => {
        if (id !== 'a') return 'next';
        signal.addEventListener('abort', () => aborted.resolve(signal.reason));
        begun.resolve();
        await aborted.promise;
        return 'too late';
      },
    });
    service.push({ id: 'a', input: null });
    await begun.promise;
    const stop = await service.seen('job-stop');
    assert.equal(stop.target, '/v2/ep/job-stop/w1?gpu=none&job_in_progress=1');
    assert.equal(stop.headers.authorization, 'worker-key');
    service.stop('another', 'a');
    assert.match(String(await aborted.promise), /job a was stopped: cancelled/);
    service.push({ id: 'b', input: null });
    const done = await service.seen('job-done');
    assert.equal(done.body, '{"output":"next"}');
    worker.stop();
    await worker.ended;
  });

  test('told to stop, it takes no more and finishes what runs', async () => {
    await using service = await StubService.open();
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const worker = new RunningWorker(service, {
      concurrency: 2,
      handler: async () => {
        begun.resolve();
        await gate.promise;
        return 'done';
      },
    });
    await service.seen('job-take-batch');
    service.push({ id: 'a', input: null });
    await begun.promise;
    await service.seen('job-take');
    worker.stop();
    gate.resolve();
    await worker.untilDone(worker.ended);
    assert.equal(service.of('job-done').length, 1);
    assert.equal(service.of('job-take').length + service.of('job-take-batch').length, 2);
  });

  test('pings at its interval with what runs', async () => {
    await using service = await StubService.open();
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    await using worker = new RunningWorker(service, {
      handler: async () => {
        begun.resolve();
        await gate.promise;
      },
    });
    const first = await service.seen('ping');
    assert.equal(first.target, '/v2/ep/ping/w1?runpod_version=pilotlight');
    assert.equal(first.headers.authorization, 'worker-key');
    service.push({ id: 'a', input: null });
    await begun.promise;
    const second = await worker.untilDone(service.seen('ping', 2));
    assert.equal(second.query.get('job_id'), 'a');
    gate.resolve();
    worker.stop();
    await worker.ended;
  });
});

describe('the worker kit in trouble', LIMIT, () => {
  test('backs off while the service fails, says so, and goes on', async () => {
    await using service = await StubService.open();
    service.reply = (seen, count) =>
      seen.route === 'job-take' && count <= 4 ? { status: count === 1 ? 429 : 503, body: 'soon' } : undefined;
    await using worker = new RunningWorker(service, { handler: () => 'done' });
    service.push({ id: 'a', input: null });
    const beganMs = worker.clock.monotonicMs();
    await worker.untilDone(service.seen('job-done'));
    assert.equal(service.of('job-take').length >= 5, true);
    // 5 s for the 429, then 0.375 s, 0.75 s and 1.5 s.
    assert.ok(worker.clock.monotonicMs() - beganMs >= 7_625);
    assert.deepEqual(worker.logged.slice(0, 1), ['cannot take a job: answered 503: soon']);
  });

  test('a service that answers "nothing" at once is asked once a second', async () => {
    await using service = await StubService.open();
    service.reply = (seen, count) =>
      seen.route === 'job-take' && count <= 3 ? { status: count === 2 ? 400 : 204 } : undefined;
    await using worker = new RunningWorker(service, { handler: () => 'done' });
    service.push({ id: 'a', input: null });
    const beganMs = worker.clock.monotonicMs();
    await worker.untilDone(service.seen('job-done'));
    assert.ok(worker.clock.monotonicMs() - beganMs >= 3_000);
  });

  test('a token that is no longer good ends the worker', async () => {
    await using service = await StubService.open();
    service.reply = ({ route }) => (route === 'job-take' ? { status: 403, body: 'old token' } : undefined);
    const worker = new RunningWorker(service, { handler: () => 'done' });
    await assert.rejects(worker.untilDone(worker.ended), {
      code: 'FORBIDDEN',
      message: 'the service refused this worker 10 times: answered 403: old token',
    });
    assert.equal(service.of('job-take').length, 10);
  });

  test('a result is sent again until it is taken', async () => {
    await using service = await StubService.open();
    service.reply = ({ route }, count) =>
      route === 'job-done' && count < 5 ? { status: 502, body: '' } : undefined;
    await using worker = new RunningWorker(service, { handler: () => 'done' });
    service.push({ id: 'a', input: null });
    await worker.untilDone(service.seen('job-done', 5));
    assert.deepEqual(new Set(service.of('job-done').map(({ body }) => body)), new Set(['{"output":"done"}']));
    worker.stop();
    await worker.untilDone(worker.ended);
    assert.deepEqual(worker.logged, []);
  });

  test('a result that the service refuses is sent once', async () => {
    await using service = await StubService.open();
    service.reply = ({ route }) => (route === 'job-done' ? { status: 409, body: 'job is over' } : undefined);
    await using worker = new RunningWorker(service, { handler: () => 'done' });
    service.push({ id: 'a', input: null });
    await service.seen('job-take', 2);
    assert.equal(service.of('job-done').length, 1);
    assert.deepEqual(worker.logged, [
      'job a: its result was not taken: the service answered 409: job is over',
    ]);
  });

  test('a stream that the service refuses stops the generator', async () => {
    await using service = await StubService.open();
    service.reply = ({ route }) =>
      route === 'job-stream' ? { status: 409, body: 'job is over' } : undefined;
    const cleaned = Promise.withResolvers<void>();
    await using worker = new RunningWorker(service, {
      *handler() {
        try {
          yield 1;
          yield 2;
        } finally {
          cleaned.resolve();
        }
      },
    });
    service.push({ id: 'a', input: null });
    await cleaned.promise;
    await service.seen('job-take', 2);
    assert.equal(service.of('job-stream').length, 1);
    assert.deepEqual(service.of('job-done'), []);
    worker.stop();
    await worker.ended;
  });

  test('an output that is no JSON fails the job', async () => {
    await using service = await StubService.open();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    await using worker = new RunningWorker(service, { handler: () => circle });
    service.push({ id: 'a', input: null });
    const done = await service.seen('job-done');
    assert.match(done.body, /^\{"error":.*circular/);
    worker.stop();
    await worker.ended;
  });

  test('an answer that is no job is no reason to stop', async () => {
    await using service = await StubService.open();
    service.reply = ({ route }, count) => {
      if (route !== 'job-take' || count > 3) return undefined;
      if (count === 1) return { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' };
      return { status: 200, ...json(count === 2 ? { id: 'x' } : []) };
    };
    await using worker = new RunningWorker(service, { handler: () => 'done' });
    service.push({ id: 'a', input: null });
    await worker.untilDone(service.seen('job-done'));
    assert.deepEqual(worker.logged, [
      'cannot take a job: answered text/html, not JSON',
      'cannot take a job: answered a job without id or input',
    ]);
  });

  test('a concurrency that is none is refused', async () => {
    await using service = await StubService.open();
    const worker = new RunningWorker(service, { concurrency: 0, handler: () => 'done' });
    await assert.rejects(worker.untilDone(worker.ended), {
      code: 'CONFIG_INVALID',
      message: 'concurrency is 0; it takes a whole number from 1 to 1000',
    });
  });
});
