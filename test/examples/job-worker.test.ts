import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StubService } from '../worker/stub-service.ts';
import { ExampleProcess } from './example-process.ts';

const ENTRY = 'job-worker/worker.ts';

describe('examples/job-worker', { timeout: 30_000 }, () => {
  test('runs jobs, streams, fails, and finishes what runs at SIGTERM', async () => {
    await using service = await StubService.open();
    await using example = new ExampleProcess(ENTRY, service.environment());
    service.push(
      { id: 'a', input: { text: 'one two', msPerWord: 0 } },
      { id: 'b', input: { text: 'one two', msPerWord: 0, stream: true } },
      { id: 'c', input: {} },
    );
    await service.seen('job-take', 4);
    const results = service.of('job-done').filter(({ body }) => !body.includes('IN_PROGRESS'));
    assert.equal(results[0]?.body, '{"output":{"text":"ONE TWO"}}');
    assert.equal(results[1]?.body, '{"output":[]}');
    assert.match(results[2]?.body ?? '', /the input has no .*text/);
    assert.deepEqual(
      service.of('job-stream').map(({ body }) => body),
      ['{"output":"ONE"}', '{"output":"TWO"}'],
    );
    service.push({ id: 'd', input: { text: 'slow', msPerWord: 300 } });
    await service.seen('job-stop');
    example.signal('SIGTERM');
    assert.deepEqual(await example.exited, { code: 0, signal: null });
    assert.equal(service.of('job-done').at(-1)?.body, '{"output":{"text":"SLOW"}}');
    assert.match(example.output, /job-worker: ended\n$/);
  });

  test('says what it needs when it is started by hand', async () => {
    await using example = new ExampleProcess(ENTRY);
    assert.equal((await example.exited).code, 1);
    assert.match(example.output, /RUNPOD_WEBHOOK_GET_JOB is not set/);
  });
});
