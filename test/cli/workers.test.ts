import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { boundLog, logPath, readLog } from '../../src/adapters/worker-files/worker-log.ts';
import type { Worker } from '../../src/client/schema.ts';
import { StubApi, stubWorker } from '../support/stub-api.ts';
import type { StubAnswer } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

const WORKERS: readonly Worker[] = [
  {
    ...stubWorker('w2', 2, 'ready'),
    devices: ['GPU-5f2c1a90-0000-4000-8000-000000000000', '0', '1'],
    created_at: 1_700_000_090,
    started_at: 1_700_000_090,
    ready_at: 1_700_000_093,
  },
  {
    ...stubWorker('w1', 1, 'failed'),
    status: { status: 'failed', error: 'exit code 1', message: 'exited at once' },
    devices: [],
    created_at: 1_700_000_000,
    ended_at: 1_700_000_010,
    exit: { code: 1, signal: null, out_of_memory: false, peak_memory_mib: 512 },
    last_output: 'Traceback:\n\u001B[31mno model\u001B[0m',
    last_requests: [
      {
        id: 'r1',
        method: 'POST',
        path: '/v1/generate',
        started_at: 1_700_000_008,
        ended_at: 1_700_000_009.5,
        status: null,
        outcome: 'broke',
      },
    ],
  },
];

test('workers list: live ones, and the ended ones when asked for', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1/workers': { body: { data: WORKERS } },
  });
  const live = await runCli(['workers', 'list', 'ep1'], stub);
  assert.equal(
    live.stdout,
    lines(
      'ID  STATE  REVISION  GPUS              STARTED IN  AGE  REASON',
      'w2  ready  2         GPU-5f2c1a90,0,1  3s          10s',
    ),
  );
  assert.equal(live.stderr, '1 ended not shown; --all shows them.\n');

  const all = await runCli(['workers', 'list', 'ep1', '--all'], stub);
  assert.equal(
    all.stdout,
    lines(
      'ID  STATE   REVISION  GPUS              STARTED IN  AGE   EXIT    PEAK MEMORY  REASON',
      'w2  ready   2         GPU-5f2c1a90,0,1  3s          10s   -       -',
      'w1  failed  1         -                 -           100s  code 1  512 MiB      exit code 1: exited at once',
    ),
  );
  assert.deepEqual(
    JSON.parse((await runCli(['workers', 'list', 'ep1', '--all', '--json'], stub)).stdout),
    WORKERS,
  );
});

test('workers list: none', async () => {
  await using stub = await StubApi.start({ 'GET /gpus/v2/endpoints/ep1/workers': { body: { data: [] } } });
  const run = await runCli(['workers', 'list', 'ep1'], stub);
  assert.equal(run.stdout, 'No workers. A request wakes one unless the endpoint is paused.\n');
});

/** The end of `text`, as much as is asked for, and how many bytes lie before it. */
function logAnswer(text: string, path: string): StubAnswer {
  const bytes = Buffer.from(text);
  const tail = Number(/tail_bytes=(\d+)/.exec(path)?.[1] ?? bytes.length);
  const dropped = Math.max(0, bytes.length - tail);
  return {
    body: bytes.subarray(dropped).toString(),
    headers: { 'x-pilotlight-dropped-bytes': String(dropped) },
  };
}

const LOG = 'GET /gpus/v2/endpoints/ep1/workers/w2/log';
const LIST = 'GET /gpus/v2/endpoints/ep1/workers';

test('workers logs: the end of the log as it is', async () => {
  await using stub = await StubApi.start({ [LOG]: ({ path }) => logAnswer('first\nsecond\n', path) });
  assert.equal((await runCli(['workers', 'logs', 'ep1', 'w2'], stub)).stdout, 'first\nsecond\n');
  assert.equal((await runCli(['workers', 'logs', 'ep1', 'w2', '--tail', '7'], stub)).stdout, 'second\n');
  const json = await runCli(['workers', 'logs', 'ep1', 'w2', '--tail', '7', '--json'], stub);
  assert.deepEqual(JSON.parse(json.stdout), { text: 'second\n', dropped_bytes: 6 });
});

test('workers logs --follow: each part once, until the worker has ended and all is read', async () => {
  const states = [
    'same\n',
    'same\nsame\n',
    'same\nsame\n',
    'same\nsame\ngrüße\n',
    'same\nsame\ngrüße\nlast\n',
  ];
  let reads = 0;
  await using stub = await StubApi.start({
    [LOG]: ({ path }) => {
      reads += 1;
      return logAnswer(states[Math.min(reads, states.length) - 1] ?? '', path);
    },
    [LIST]: () => ({
      body: { data: [{ ...WORKERS[0], ...stubWorker('w2', 2, reads < 4 ? 'ready' : 'stopped') }] },
    }),
  });
  const run = await runCli(['workers', 'logs', 'ep1', 'w2', '--follow'], stub);
  assert.deepEqual([run.code, run.stderr], [0, '']);
  assert.equal(run.stdout, states.at(-1));
});

test('workers logs --follow: a burst is read whole with a wider look, and what is lost is counted', async () => {
  const burst = 'x'.repeat(200_000);
  const flood = 'y'.repeat(2_000_000);
  const states = ['start\n', `start\n${burst}`, `start\n${burst}${flood}`];
  let reads = 0;
  let looks = 0;
  await using stub = await StubApi.start({
    [LOG]: ({ path }) => logAnswer(states[looks] ?? '', path),
    [LIST]: () => {
      reads += 1;
      looks = Math.min(reads, 2);
      return { body: { data: [{ ...WORKERS[0], ...stubWorker('w2', 2, reads < 2 ? 'ready' : 'failed') }] } };
    },
  });
  const run = await runCli(['workers', 'logs', 'ep1', 'w2', '--follow'], stub);
  const kept = 1_048_576;
  assert.equal(run.stdout, `start\n${burst}${'y'.repeat(kept)}`);
  assert.equal(run.stderr, `(${flood.length - kept} bytes written too fast to be shown)\n`);
});

test('workers logs --follow: a log on disk that is longer than one look, and is cut on the way', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-log-'));
  const written = Array.from({ length: 12 }, (_, part) => `${part}: ${'x'.repeat(50_000)} grüße\n`);
  let parts = 4;
  await writeFile(logPath(folder), written.slice(0, parts).join(''));
  await using stub = await StubApi.start({
    [LOG]: async ({ path }) => {
      const log = await readLog(folder, Number(/tail_bytes=(\d+)/.exec(path)?.[1]));
      return { body: log?.text, headers: { 'x-pilotlight-dropped-bytes': String(log?.droppedBytes) } };
    },
    [LIST]: async () => {
      await appendFile(logPath(folder), written[parts] ?? '');
      parts += 1;
      if (parts === 8) assert.equal(await boundLog(folder, 200_000), true);
      const state = parts < written.length ? 'ready' : 'stopped';
      return { body: { data: [{ ...WORKERS[0], ...stubWorker('w2', 2, state) }] } };
    },
  });
  try {
    const run = await runCli(['workers', 'logs', 'ep1', 'w2', '--follow'], stub);
    assert.deepEqual([run.code, run.stderr], [0, '']);
    const first = Buffer.from(written.slice(0, 4).join('')).subarray(-65_536).toString();
    assert.equal(run.stdout, first + written.slice(4).join(''));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('workers get: how it ended, what it wrote and served last, and nothing that steers the terminal', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1/workers/w1': { body: WORKERS[1] },
    'GET /gpus/v2/endpoints/ep1/workers/w2': {
      body: {
        ...WORKERS[0],
        exit: { code: null, signal: 'SIGKILL', out_of_memory: true, peak_memory_mib: null },
      },
    },
  });
  const run = await runCli(['workers', 'get', 'ep1', 'w1'], stub);
  assert.equal(
    run.stdout,
    lines(
      'worker       w1',
      'state        failed',
      'reason       exited at once',
      'exit         code 1',
      'peak memory  512 MiB',
      'revision     1',
      'created      2023-11-14T22:13:20.000Z',
      'ended        2023-11-14T22:13:30.000Z',
      '',
      'LAST REQUESTS  METHOD  PATH          STATUS  RAN    OUTCOME',
      'r1             POST    /v1/generate  -       1.50s  broke',
      '',
      'LAST OUTPUT',
      'Traceback:',
      '?[31mno model?[0m',
    ),
  );
  const killed = await runCli(['workers', 'get', 'ep1', 'w2'], stub);
  assert.match(killed.stdout, /^exit +out of memory \(SIGKILL\)$/m);
  const json = await runCli(['workers', 'get', 'ep1', 'w1', '--json'], stub);
  assert.deepEqual(JSON.parse(json.stdout), WORKERS[1]);
});
