import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpdateAnswer, UpdatePlan } from '../../src/client/schema.ts';
import { StubApi, STUB_ENDPOINT } from '../support/stub-api.ts';
import type { StubRequest } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

const STEP = { at_seconds: 0, mode: null, worker: null, devices: [], replaces: [] };
const PLAN: UpdatePlan = {
  dry_run: true,
  effect: 'rollout',
  message: '1 worker would be replaced.',
  revision: 2,
  changed: {
    'worker_config.max_replicas': { old: 3, new: 4, class: 'settings' },
    command: { old: 'node server.ts', new: 'node new.ts', class: 'revision' },
  },
  etag: '"1-1"',
  steps: [
    { ...STEP, action: 'drain', worker: 'w1', revision: 1, devices: ['0'], why: 'no device is free' },
    {
      ...STEP,
      action: 'start',
      mode: 'swap',
      revision: 2,
      devices: ['0'],
      replaces: ['w1'],
      why: 'no device is free',
    },
    { ...STEP, at_seconds: 21.55, action: 'prove', revision: 2, why: 'proven by 10.0 s in service' },
  ],
  steps_left_out: 0,
  impact: {
    workers_to_replace: 1,
    expected_seconds: 21.55,
    at_least_seconds: 21.55,
    not_measured: [],
    measured: { pull_seconds: 0, start_seconds: 8, drain_seconds: null, stop_seconds: 1 },
    guarded_seconds: 60,
    requests_per_second: 2,
    requests_waiting: 23,
    longest_wait_seconds: 11.5,
    extra_worker_seconds: 0,
    price_change_per_hour: { at_min: 0, at_max: 1.25 },
  },
};
const ANSWER: UpdateAnswer = {
  revision: 2,
  changed: { command: 'revision' },
  rollout: { id: 'ro1', state: 'waiting' },
  etag: '"2-2"',
};
const UPDATE = ['endpoints', 'update', 'ep1', '--command', 'node new.ts', '--max', '4'];

function startStub(plan: UpdatePlan = PLAN): Promise<StubApi> {
  const answer = ({ path }: StubRequest): { body: unknown } => ({
    body: path.includes('dry_run=true') ? plan : ANSWER,
  });
  return StubApi.start({
    'GET /gpus/v2/endpoints/ep1': { body: STUB_ENDPOINT },
    'PUT /gpus/v2/endpoints/ep1': answer,
    'POST /gpus/v2/endpoints/ep1/rollback': answer,
  });
}

const PUT = 'PUT /gpus/v2/endpoints/ep1';
const DRY_PUT = `${PUT}?dry_run=true`;

const changesOf = (stub: StubApi): string[] => stub.calls.filter((call) => !call.startsWith('GET'));

const TABLE = lines(
  'Plan for ep1, revision 2: 1 worker would be replaced.',
  '',
  'CHANGED                     CLASS     BEFORE          AFTER',
  'worker_config.max_replicas  settings  3               4',
  'command                     revision  node server.ts  node new.ts',
  '',
  'AT      STEP        REVISION  GPUS  WHY',
  '0 s     drain w1    1         0     no device is free',
  '0 s     start swap  2         0     no device is free',
  '21.6 s  prove       2         -     proven by 10.0 s in service',
  '',
  'workers to replace  1',
  'expected time       21.6 s',
  'measured here       pull 0 s, start 8 s, drain not measured, stop 1 s',
  'guarded after it    60 s',
  'requests waiting    23 at 2 per second, the longest for 11.5 s',
  'extra worker time   0 s',
  'price per hour      0 at min, +1.25 at max',
);

test('--plan shows the plan as tables and makes no change', async () => {
  await using stub = await startStub();
  const run = await runCli([...UPDATE, '--plan'], stub);
  assert.deepEqual([run.code, run.stderr], [0, '']);
  assert.equal(run.stdout, TABLE);
  assert.deepEqual(changesOf(stub), [DRY_PUT]);
  const { headers, body } = stub.requests.at(-1) ?? assert.fail('no request');
  assert.equal(headers['if-match'], '"1-1"');
  assert.deepEqual(body, { command: 'node new.ts', worker_config: { max_replicas: 4 } });

  const json = await runCli([...UPDATE, '--plan', '--json'], stub);
  assert.deepEqual(JSON.parse(json.stdout), PLAN);
  const back = await runCli(['endpoints', 'rollback', 'ep1', '1', '--plan'], stub);
  assert.equal(back.stdout, TABLE);
});

test('of variables each one that changes is shown', async () => {
  const key = (name: string, value: string): { key: string; value: string } => ({ key: name, value });
  await using stub = await startStub({
    ...PLAN,
    changed: {
      envs: {
        old: [key('SAME', '1'), key('GONE', 'x'), key('LEVEL', 'info')],
        new: [key('LEVEL', 'debug'), key('SAME', '1'), key('NEW', '')],
        class: 'revision',
      },
      ports: { old: [8000], new: [], class: 'revision' },
    },
    steps: [],
  });
  const { stdout } = await runCli([...UPDATE, '--plan'], stub);
  assert.deepEqual(stdout.split('\n').slice(2, 7), [
    'CHANGED     CLASS     BEFORE  AFTER',
    'envs.GONE   revision  x       -',
    'envs.LEVEL  revision  info    debug',
    'envs.NEW    revision  -       ""',
    'ports       revision  [8000]  []',
  ]);
});

test('on a terminal the plan is shown and asked about; yes makes the change, anything else does not', async () => {
  for (const answer of ['y', 'YES ', 'yes']) {
    await using stub = await startStub();
    const run = await runCli(UPDATE, { url: stub.url, isTty: true, answers: [answer] });
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /Make this change\? \[y\/N\] /);
    assert.match(run.stdout, /Needs new workers, revision 2: command\./);
    assert.deepEqual(changesOf(stub), [DRY_PUT, PUT]);
  }
  for (const answer of ['n', '', 'yess', 'ok']) {
    await using stub = await startStub();
    const run = await runCli(UPDATE, { url: stub.url, isTty: true, answers: [answer] });
    assert.deepEqual([run.code, run.stderr], [1, 'Nothing was changed.\n']);
    assert.deepEqual(changesOf(stub), [DRY_PUT]);
  }
  await using stub = await startStub();
  await runCli(['endpoints', 'rollback', 'ep1', '1'], { url: stub.url, isTty: true, answers: ['y'] });
  assert.deepEqual(changesOf(stub), [
    'POST /gpus/v2/endpoints/ep1/rollback?dry_run=true',
    'POST /gpus/v2/endpoints/ep1/rollback',
  ]);
});

test('nobody is asked with --yes, with --json, and where nobody could answer', async () => {
  for (const [argv, world] of [
    [[...UPDATE, '--yes'], { isTty: true, answers: [] }],
    [[...UPDATE, '--json'], { isTty: true, answers: [] }],
    [UPDATE, { isTty: true }],
    [UPDATE, { isTty: false, answers: [] }],
  ] as const) {
    await using stub = await startStub();
    const run = await runCli(argv, { url: stub.url, ...world });
    assert.equal(run.code, 0, run.stderr);
    assert.deepEqual(changesOf(stub), [PUT]);
  }
});

test('a plan that changes nothing is not asked about', async () => {
  await using stub = await startStub({
    ...PLAN,
    effect: 'none',
    changed: {},
    steps: [],
    message: 'Nothing would change.',
  });
  const run = await runCli(UPDATE, { url: stub.url, isTty: true, answers: ['y'] });
  assert.deepEqual([run.code, run.stdout], [0, 'Plan for ep1, revision 2: Nothing would change.\n']);
  assert.deepEqual(changesOf(stub), [DRY_PUT]);
});

test('what is not known is said, and many steps are cut', async () => {
  const [step] = PLAN.steps;
  assert.ok(step !== undefined);
  await using stub = await startStub({
    ...PLAN,
    steps: Array.from({ length: 100 }, () => ({ ...step, at_seconds: null })),
    steps_left_out: 7,
    impact: {
      ...PLAN.impact,
      expected_seconds: null,
      at_least_seconds: 10,
      not_measured: ['start', 'stop'],
      requests_waiting: null,
      longest_wait_seconds: null,
      extra_worker_seconds: null,
      price_change_per_hour: null,
    },
  });
  const { stdout } = await runCli([...UPDATE, '--plan'], stub);
  assert.match(stdout, /\n\?   drain w1/);
  assert.match(stdout, /\nand 87 more; --json shows them\n/);
  assert.match(stdout, /\nexpected time +unknown, at least 10 s\n/);
  assert.match(stdout, /\nrequests waiting +unknown\n/);
  assert.doesNotMatch(stdout, /price/);
});

test('a server that makes the change instead of a plan is not taken for one that knows plans', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1': { body: STUB_ENDPOINT },
    'PUT /gpus/v2/endpoints/ep1': { body: ANSWER },
  });
  const run = await runCli([...UPDATE, '--plan'], stub);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /the server knows no dry run/);
});
