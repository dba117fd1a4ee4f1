import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { StubApi, type StubAnswer } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

const KEY = { PILOTLIGHT_API_KEY: 'key' };
const JOB = { id: 'job-1', status: 'COMPLETED', createdAt: 1_700_000_000_000, retries: 0 };
const DONE = { ...JOB, delayTime: 412, executionTime: 1_234, workerId: 'w1', output: { text: 'HELLO' } };
const NO_PARTS = { status: 'IN_PROGRESS', stream: [], next: 0 };

/** Answers one after the other; the last one again and again. */
function inTurn(...answers: readonly unknown[]): () => StubAnswer {
  let turn = 0;
  return () => {
    const body = answers[Math.min(turn, answers.length - 1)];
    turn += 1;
    return { body };
  };
}

describe('jobs run', () => {
  test('sends the input as it was written, and prints the id', async () => {
    await using api = await StubApi.start({
      'POST /v2/e1/run': { body: { id: 'job-1', status: 'IN_QUEUE' } },
    });
    const input = '{"seed": 18446744073709551615, "x": 1.0}';
    const argv = ['jobs', 'run', 'e1', '--input', input, '--timeout', '60', '--low-priority'];
    const run = await runCli([...argv, '--idempotency-key', 'k1'], { url: api.url, environment: KEY });
    assert.equal(run.stderr, '');
    assert.equal(run.stdout, 'job-1\n');
    assert.equal(run.code, 0);
    const [request] = api.requests;
    assert.equal(
      request?.text,
      '{"input":{"seed":18446744073709551615,"x":1.0},"policy":{"executionTimeout":60000,"lowPriority":true}}',
    );
    assert.equal(request.headers['idempotency-key'], 'k1');
  });

  test('reads the input from a file, and from what is piped in', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pilotlight-cli-'));
    await using api = await StubApi.start({
      'POST /v2/e1/run': { body: { id: 'job-1', status: 'IN_QUEUE' } },
    });
    const world = { url: api.url, environment: KEY, stdin: '"piped"' };
    const file = join(folder, 'input.json');
    await writeFile(file, '["from a file"]');
    for (const words of [['--input-file', file], ['--input-file', '-'], []]) {
      assert.equal((await runCli(['jobs', 'run', 'e1', ...words], world)).code, 0);
    }
    assert.deepEqual(
      api.requests.map(({ text }) => text),
      ['{"input":["from a file"]}', '{"input":"piped"}', '{"input":"piped"}'],
    );
    await rm(folder, { recursive: true });
  });

  const WRONG: readonly (readonly [what: string, words: readonly string[], says: RegExp])[] = [
    ['text without quotes', ['--input', 'hello'], /--input is not JSON: .*\(a text needs its quotes/],
    ['two inputs', ['--input', '1', '--input-file', 'x'], /--input or --input-file, not both/],
    ['a file that is not there', ['--input-file', '/no/such/file'], /cannot read --input-file/],
    ['no input on a terminal', [], /say what the input is/],
  ];
  for (const [what, words, says] of WRONG) {
    test(`refuses ${what}`, async () => {
      const run = await runCli(['jobs', 'run', 'e1', ...words], { environment: KEY, answers: [] });
      assert.equal(run.code, 2);
      assert.match(run.stderr, says);
    });
  }

  test('waits for the end, tells progress aside, and prints the output', async () => {
    await using api = await StubApi.start({
      'POST /v2/e1/run': { body: { id: 'job-1', status: 'IN_QUEUE' } },
      'GET /v2/e1/status/job-1': inTurn(
        { ...JOB, status: 'IN_QUEUE' },
        { ...JOB, status: 'IN_PROGRESS', workerId: 'w1' },
        { ...JOB, status: 'IN_PROGRESS', workerId: 'w1', output: { percent: 50 } },
        DONE,
      ),
      'GET /v2/e1/stream/job-1': { body: NO_PARTS },
    });
    const argv = ['jobs', 'run', 'e1', '--input', '{}', '--wait'];
    const run = await runCli(argv, { url: api.url, environment: KEY });
    assert.equal(
      run.stderr,
      lines(
        'job job-1: IN_QUEUE',
        'job job-1: IN_PROGRESS on worker w1',
        'job job-1: IN_PROGRESS on worker w1; {"percent":50}',
        'job job-1: COMPLETED, waited 412ms, ran 1.2s',
      ),
    );
    assert.equal(run.stdout, '{\n  "text": "HELLO"\n}\n');
    assert.equal(run.code, 0);
  });

  test('with a failed job ends with 1, and says what the worker said', async () => {
    const error = JSON.stringify({ error_type: 'TypeError', error_message: 'no such model' });
    await using api = await StubApi.start({
      'POST /v2/e1/run': { body: { id: 'job-1', status: 'IN_QUEUE' } },
      'GET /v2/e1/status/job-1': { body: { ...DONE, status: 'FAILED', error } },
      'GET /v2/e1/stream/job-1': { body: NO_PARTS },
    });
    const argv = ['jobs', 'run', 'e1', '--input', '{}', '--wait'];
    const run = await runCli(argv, { url: api.url, environment: KEY });
    assert.equal(run.code, 1);
    assert.equal(run.stdout, '');
    assert.equal(run.stderr, 'job job-1: FAILED: TypeError: no such model\n');
  });
});

describe('jobs watch', () => {
  test('prints the parts of a streamed output, those behind the end too', async () => {
    await using api = await StubApi.start({
      'GET /v2/e1/status/job-1': inTurn(
        { ...JOB, status: 'IN_PROGRESS', workerId: 'w1' },
        { ...DONE, output: [] },
      ),
      'GET /v2/e1/stream/job-1': ({ path }) => {
        const from = Number(new URL(path, 'http://a').searchParams.get('from'));
        const all = ['one', { two: 2 }];
        const stream = all.slice(from, from + 1).map((output) => ({ output }));
        return { body: { status: 'IN_PROGRESS', stream, next: Math.min(2, from + 1) } };
      },
    });
    const run = await runCli(['jobs', 'watch', 'e1', 'job-1'], { url: api.url, environment: KEY });
    assert.equal(run.stdout, lines('"one"', '{"two":2}'));
    assert.equal(run.code, 0);
  });

  test('draws in place on a terminal', async () => {
    await using api = await StubApi.start({
      'GET /v2/e1/status/job-1': inTurn({ ...JOB, status: 'IN_QUEUE' }, DONE),
      'GET /v2/e1/stream/job-1': { body: NO_PARTS },
    });
    const world = { url: api.url, environment: { ...KEY, NO_COLOR: '1' }, isTty: true };
    const run = await runCli(['jobs', 'watch', 'e1', 'job-1'], world);
    assert.match(run.stdout, /^0s {2}job job-1: IN_QUEUE\n\u001B\[1A\u001B\[J\{\n {2}"text"/);
  });

  test('with --json prints the last status alone', async () => {
    await using api = await StubApi.start({
      'GET /v2/e1/status/job-1': inTurn({ ...JOB, status: 'IN_QUEUE' }, DONE),
    });
    const argv = ['jobs', 'watch', 'e1', 'job-1', '--json'];
    const run = await runCli(argv, { url: api.url, environment: KEY });
    assert.deepEqual(JSON.parse(run.stdout), DONE);
    assert.equal(run.stderr, '');
  });
});

describe('jobs status, cancel, retry and list', () => {
  test('shows a job, with each digit of its output', async () => {
    const text = JSON.stringify({
      ...DONE,
      lostAttempts: [{ attempt: 1, workerId: 'w0', reason: 'it ended' }],
    });
    await using api = await StubApi.start({
      'GET /v2/e1/status/job-1': { body: text.replace('"HELLO"', '18446744073709551615') },
    });
    const run = await runCli(['jobs', 'status', 'e1', 'job-1'], { url: api.url, environment: KEY });
    assert.equal(
      run.stdout,
      lines(
        'job        job-1',
        'status     COMPLETED',
        'waited     412ms',
        'ran        1.2s',
        'worker     w1',
        'attempt 1  lost on worker w0: it ended',
        'output',
        '{',
        '  "text": 18446744073709551615',
        '}',
      ),
    );
  });

  test('cancels, and says where a job had ended before', async () => {
    await using api = await StubApi.start({
      'POST /v2/e1/cancel/job-1': inTurn({ ...JOB, status: 'CANCELLED' }, DONE),
    });
    const world = { url: api.url, environment: KEY };
    const argv = ['jobs', 'cancel', 'e1', 'job-1'];
    assert.equal((await runCli(argv, world)).stdout, 'job-1 is cancelled\n');
    assert.equal((await runCli(argv, world)).stdout, 'job-1 had ended: COMPLETED\n');
  });

  test('retries', async () => {
    await using api = await StubApi.start({
      'POST /v2/e1/retry/job-1': { body: { ...JOB, status: 'IN_QUEUE' } },
    });
    const run = await runCli(['jobs', 'retry', 'e1', 'job-1'], { url: api.url, environment: KEY });
    assert.equal(run.stdout, 'job-1 waits again\n');
  });

  test('lists jobs, newest first', async () => {
    const failed = { ...JOB, id: 'job-2', status: 'FAILED', error: 'out\nof memory', retries: 1 };
    await using api = await StubApi.start({
      'GET /v2/e1/requests': { body: { requests: [failed, DONE], next_cursor: '7', has_more: true } },
    });
    const argv = ['jobs', 'list', 'e1', '--status', 'failed', '--limit', '2'];
    const run = await runCli(argv, { url: api.url, environment: KEY });
    assert.equal(
      run.stdout,
      lines(
        'ID     STATUS     AGE   WAITED  RAN   WORKER  ERROR',
        'job-2  FAILED     100s  -       -     -       out of memory',
        'job-1  COMPLETED  100s  412ms   1.2s  w1',
      ),
    );
    assert.equal(run.stderr, 'There are more; --limit shows them.\n');
    assert.deepEqual(api.calls, ['GET /v2/e1/requests?limit=2&status=FAILED']);
    const wrong = await runCli(['jobs', 'list', 'e1', '--status', 'DONE'], {
      url: api.url,
      environment: KEY,
    });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--status is DONE; allowed: IN_QUEUE, IN_PROGRESS/);
  });
});
