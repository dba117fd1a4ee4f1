import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Revision, RevisionItem, UpdateAnswer } from '../../src/client/schema.ts';
import { refusalOf, StubApi, STUB_ENDPOINT, stubWorker } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

const ITEM: RevisionItem = {
  revision: 3,
  created_at: 1_700_000_090,
  created_by: 'admin',
  from_revision: 2,
  restores: 1,
  changed: { command: { old: 'node b.ts', new: 'node a.ts', class: 'revision' } },
  image_digest: `sha256:${'ab'.repeat(32)}`,
  outcome: 'in_force',
  failure: '',
  workers: 2,
  start_seconds: 1.5,
};
const OLDER: readonly RevisionItem[] = [
  {
    ...ITEM,
    revision: 2,
    restores: null,
    from_revision: 1,
    outcome: 'failed',
    failure: '2 of its workers failed',
    workers: 0,
  },
  {
    ...ITEM,
    revision: 1,
    created_by: null,
    restores: null,
    from_revision: null,
    changed: null,
    outcome: 'unknown',
    workers: 0,
  },
];

const REVISION: Revision = {
  ...ITEM,
  spec: {
    product_id: 'gpu',
    worker_config: { gpu_num: 1, rootfs_size_gb: 20, min_cuda_version: '' },
    image: 'host',
    registry_auth_id: '',
    entrypoint: '',
    command: 'node a.ts',
    volumes: [],
    envs: [{ key: 'A', value: '1' }],
    ports: [],
    region_id: 'local',
  },
  settings: null,
};

test('revisions list: the newest first, with outcome, workers and what changed', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1/revisions': {
      body: { data: [ITEM, ...OLDER], next_cursor: '', has_more: false },
    },
  });
  const run = await runCli(['revisions', 'list', 'ep1'], stub);
  assert.equal(
    run.stdout,
    lines(
      'REVISION  OUTCOME   WORKERS  AGE  BY     CHANGED',
      '3         in_force  2        10s  admin  revision 1 again: command',
      '2         failed    0        10s  admin  command; failed: 2 of its workers failed',
      '1         unknown   0        10s  -      first',
    ),
  );
  const json = await runCli(['revisions', 'list', 'ep1', '--json'], stub);
  assert.deepEqual(JSON.parse(json.stdout), [ITEM, ...OLDER]);
});

test('revisions get: its fields and what it changed', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1/revisions/3': { body: REVISION },
  });
  const run = await runCli(['revisions', 'get', 'ep1', '3'], stub);
  assert.equal(
    run.stdout,
    lines(
      'revision        3',
      'outcome         in_force',
      `digest          sha256:${'ab'.repeat(32)}`,
      'made            2023-11-14T22:14:50.000Z',
      'by              admin',
      'from            2',
      'restores        1',
      'workers         2',
      'start time      1.5 s',
      'product_id      gpu',
      'image           host',
      'command         node a.ts',
      'envs            [{"key":"A","value":"1"}]',
      'region_id       local',
      'gpu_num         1',
      'rootfs_size_gb  20',
      '',
      'CHANGED  CLASS     BEFORE     AFTER',
      'command  revision  node b.ts  node a.ts',
    ),
  );
  assert.deepEqual(
    JSON.parse((await runCli(['revisions', 'get', 'ep1', '3', '--json'], stub)).stdout),
    REVISION,
  );
  const wrong = await runCli(['revisions', 'get', 'ep1', 'last'], stub);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /a revision is a number such as 4, and "last" was given/);
});

const ANSWER: UpdateAnswer = {
  revision: 4,
  changed: { command: 'revision' },
  rollout: { id: 'ro1', state: 'waiting' },
  etag: '"4-1"',
};

test('endpoints rollback sends the revision, for the endpoint that was read', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1': { body: STUB_ENDPOINT },
    'POST /gpus/v2/endpoints/ep1/rollback': { body: ANSWER },
  });
  const run = await runCli(['endpoints', 'rollback', 'ep1', '2'], stub);
  assert.deepEqual([run.code, run.stderr], [0, '']);
  assert.equal(
    run.stdout,
    lines(
      'Needs new workers, revision 4: command.',
      'The rollout runs; see it with: pilotlight rollout get ep1',
    ),
  );
  const sent = stub.requests.at(-1);
  assert.deepEqual([sent?.body, sent?.headers['if-match']], [{ revision: 2, settings: false }, '"1-1"']);
  await runCli(['endpoints', 'rollback', 'ep1', '2', '--settings', '--if-match', '*'], stub);
  const again = stub.requests.at(-1);
  assert.deepEqual([again?.body, again?.headers['if-match']], [{ revision: 2, settings: true }, '*']);
});

test('endpoints rollback --watch follows it to its end', async () => {
  const done = {
    ...STUB_ENDPOINT,
    workers: [stubWorker('w2', 4, 'ready')],
    rollout: {
      id: 'ro1',
      state: 'done',
      from_revision: 3,
      to_revision: 4,
      mode: 'surge',
      message: '',
      started_at: 1,
      ended_at: 2,
    },
  };
  let reads = 0;
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1': () => {
      reads += 1;
      return { body: reads === 1 ? STUB_ENDPOINT : done };
    },
    'POST /gpus/v2/endpoints/ep1/rollback': { body: ANSWER },
  });
  const run = await runCli(['endpoints', 'rollback', 'ep1', '2', '--watch'], stub);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /Revision 4 serves: 1 worker after/);
});

test('endpoints rollback tells a refusal, and takes numbers alone', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1': { body: STUB_ENDPOINT },
    'POST /gpus/v2/endpoints/ep1/rollback': refusalOf(
      404,
      'SERVERLESS_REVISION_NOT_FOUND',
      'There is no revision 9.',
    ),
  });
  const run = await runCli(['endpoints', 'rollback', 'ep1', '9'], stub);
  assert.deepEqual([run.code, run.stderr.split('\n')[0]], [1, 'error: There is no revision 9.']);
  assert.equal((await runCli(['endpoints', 'rollback', 'ep1', '-1'], stub)).code, 2);
  assert.equal((await runCli(['endpoints', 'rollback', 'ep1'], stub)).code, 2);
});
