import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkVolume, PrewarmTask, RegistryAuth } from '../../src/client/schema.ts';
import { refusalOf, STUB_ENDPOINT, StubApi } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

const AUTHS = '/gpus/v2/registry-auths';
const VOLUMES = '/gpus/v2/network-volumes';
const TASKS = '/gpus/v2/prewarm-tasks';
const CREATED = 1_700_000_000;

const AUTH: RegistryAuth = {
  id: 'a1',
  name: 'ci',
  registry: 'ghcr.io',
  username: 'robot',
  used_by: [{ endpoint_id: 'ep1', name: 'Chat', revisions: [2, 3] }],
  owner_id: 'admin',
  created_at: CREATED,
};
const VOLUME: NetworkVolume = {
  id: 'v1',
  name: 'models',
  size: 200,
  region_id: 'local',
  used_by: [],
  owner_id: 'admin',
  created_at: CREATED,
};
const TASK: PrewarmTask = {
  task_id: 't1',
  name: '',
  image: 'ghcr.io/o/m:2',
  region_id: 'local',
  product_ids: [],
  image_size: 0,
  created_at: CREATED,
  completed_at: 0,
  status: { status: 'running', error: '', message: '1 of 3 layers, 5 of 90 MB' },
  registry_auth_id: '',
  note: '',
  reason: [],
  owner_id: 'admin',
};

function pages<Item>(...data: readonly Item[]) {
  return ({ path }: { readonly path: string }) => {
    const at = Number(new URLSearchParams(path.split('?')[1]).get('cursor') ?? 0);
    const next = at + 1 < data.length ? String(at + 1) : '';
    return { body: { data: data.slice(at, at + 1), next_cursor: next, has_more: next !== '' } };
  };
}

test('registry-auths list: all of them, page by page, and who uses each', async () => {
  const other = { ...AUTH, id: 'a2', name: 'spare', used_by: [] };
  await using stub = await StubApi.start({ [`GET ${AUTHS}`]: pages(AUTH, other) });
  const listed = await runCli(['registry-auths', 'list'], stub);
  assert.equal(
    listed.stdout,
    lines(
      'ID  NAME   REGISTRY  USERNAME  AGE   USED BY',
      'a1  ci     ghcr.io   robot     100s  Chat (2, 3)',
      'a2  spare  ghcr.io   robot     100s  -',
    ),
  );
  const json = await runCli(['registry-auths', 'list', '--json'], stub);
  assert.deepEqual(JSON.parse(json.stdout), [AUTH, other]);
});

test('registry-auths create: the password is asked for or read, and is no argument', async () => {
  await using stub = await StubApi.start({ [`POST ${AUTHS}`]: { body: { id: 'a1' } } });
  const words = ['registry-auths', 'create', '--registry', 'ghcr.io', '--username', 'robot'];
  const asked = await runCli(words, { url: stub.url, answers: ['hunter 2'] });
  assert.equal(
    asked.stdout,
    lines('Password of robot at ghcr.io: ', 'Saved registry credential a1; use it with --registry-auth a1.'),
  );
  const piped = await runCli([...words, '--name', 'ci', '--json'], { url: stub.url, stdin: 'hunter 2\n' });
  assert.deepEqual(JSON.parse(piped.stdout), { id: 'a1' });
  const body = { registry: 'ghcr.io', username: 'robot', password: 'hunter 2' };
  assert.deepEqual(
    stub.requests.map((request) => request.body),
    [
      { name: 'ghcr.io', ...body },
      { name: 'ci', ...body },
    ],
  );
  const refused = await runCli([...words, '--password', 'hunter2'], { url: stub.url });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /unknown option --password/);
  for (const [argv, message] of [
    [words, /the password is empty/],
    [words.slice(0, 4), /--username is missing/],
    [words.slice(0, 2), /--registry is missing/],
  ] as const) {
    const run = await runCli(argv, { url: stub.url, stdin: '\n' });
    assert.equal(run.code, 2);
    assert.match(run.stderr, message);
  }
});

test('registry-auths delete: told, warned of, or refused', async () => {
  const answers = [
    { body: {} },
    { body: { warnings: ['A rollback is refused from now on.'] } },
    refusalOf(400, 'IMAGE_AUTH_IN_USE', 'It is used by endpoint ep1.'),
  ];
  await using stub = await StubApi.start({
    [`DELETE ${AUTHS}/a1`]: () => answers.shift() ?? assert.fail('asked too often'),
  });
  const remove = async () => await runCli(['registry-auths', 'delete', 'a1'], stub);
  assert.deepEqual(await remove(), {
    code: 0,
    stdout: 'Deleted registry credential a1.\n',
    stderr: '',
    scripts: [],
  });
  assert.equal((await remove()).stderr, 'warning: A rollback is refused from now on.\n');
  const refused = await remove();
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /used by endpoint ep1/);
});

test('volumes: made, listed, grown', async () => {
  await using stub = await StubApi.start({
    [`POST ${VOLUMES}`]: { body: { id: 'v1' } },
    [`GET ${VOLUMES}`]: pages(VOLUME),
    [`PUT ${VOLUMES}/v1`]: { body: {} },
    [`GET ${VOLUMES}/v1`]: { body: { ...VOLUME, size: 400 } },
  });
  const made = await runCli(['volumes', 'create', '--name', 'models', '--size', '200'], stub);
  assert.equal(made.stdout, 'Made network volume v1; mount it with --volume id=v1,mount_point=/path\n');
  assert.equal(
    (await runCli(['volumes', 'list'], stub)).stdout,
    lines('ID  NAME    SIZE    REGION  AGE   USED BY', 'v1  models  200 GB  local   100s  -'),
  );
  const grown = await runCli(['volumes', 'grow', 'v1', '--size', '400'], stub);
  assert.equal(grown.stdout, 'Network volume v1 has 400 GB.\n');
  assert.deepEqual(
    stub.requests.filter(({ method }) => method !== 'GET').map(({ body }) => body),
    [{ name: 'models', size: 200 }, { size: 400 }],
  );
  assert.match((await runCli(['volumes', 'create', '--name', 'v'], stub)).stderr, /--size is missing/);
  assert.match((await runCli(['volumes', 'grow', 'v1'], stub)).stderr, /say what to change/);
});

test('volumes delete: asks where somebody is there, because the data goes', async () => {
  await using stub = await StubApi.start({
    [`GET ${VOLUMES}/v1`]: { body: VOLUME },
    [`DELETE ${VOLUMES}/v1`]: { body: { warnings: ['All data of the volume "models" is being removed.'] } },
  });
  const at = (answers: readonly string[]) => ({ url: stub.url, isTty: true, answers });
  const kept = await runCli(['volumes', 'delete', 'v1'], at(['']));
  assert.equal(kept.code, 1);
  assert.equal(kept.stdout, 'Delete volume v1 (models, 200 GB) and all its data? [y/N] ');
  assert.deepEqual(stub.calls, [`GET ${VOLUMES}/v1`]);
  const gone = await runCli(['volumes', 'delete', 'v1'], at(['y']));
  assert.equal(gone.code, 0);
  assert.match(gone.stderr, /warning: All data/);
  assert.equal((await runCli(['volumes', 'delete', 'v1', '--yes'], at([]))).code, 0);
  assert.equal((await runCli(['volumes', 'delete', 'v1'], stub)).code, 0);
  assert.equal(stub.calls.filter((call) => call.startsWith('DELETE')).length, 3);
});

test('prewarm start: begins a task, and follows it where that is asked for', async () => {
  const over = {
    ...TASK,
    image_size: 12_300_000_000,
    status: { status: 'succeeded', error: '', message: '' },
  };
  const seen = [TASK, TASK, over];
  await using stub = await StubApi.start({
    [`POST ${TASKS}`]: { body: { id: 't1', task_id: 't1' } },
    [`GET ${TASKS}`]: () => ({
      body: { data: [seen.shift() ?? over], next_cursor: '', has_more: false },
    }),
  });
  const words = ['prewarm', 'start', 'ghcr.io/o/m:2', '--registry-auth', 'a1'];
  assert.equal(
    (await runCli(words, stub)).stdout,
    'Prewarm task t1 is under way; see it with: pilotlight prewarm list\n',
  );
  assert.equal(
    (await runCli([...words, '--watch'], stub)).stdout,
    lines('running: 1 of 3 layers, 5 of 90 MB', 'The image is here: 12.3 GB.'),
  );
  assert.deepEqual(stub.requests[0]?.body, {
    image: 'ghcr.io/o/m:2',
    region_id: 'local',
    registry_auth_id: 'a1',
  });
});

test('prewarm start --watch fails with its task', async () => {
  const reason = ['there is no such image'];
  const failed = { ...TASK, reason, status: { status: 'failed', error: reason[0] ?? '', message: '' } };
  await using stub = await StubApi.start({
    [`POST ${TASKS}`]: { body: { id: 't1', task_id: 't1' } },
    [`GET ${TASKS}`]: pages(failed),
  });
  const run = await runCli(['prewarm', 'start', 'nothing', '--watch'], stub);
  assert.deepEqual([run.code, run.stderr], [1, 'error: there is no such image\n']);
});

test('prewarm list: newest first, by status', async () => {
  await using stub = await StubApi.start({
    [`GET ${TASKS}`]: pages(TASK, { ...TASK, task_id: 't2', image_size: 812_000_000 }),
  });
  const listed = await runCli(['prewarm', 'list', '--status', 'running'], stub);
  assert.equal(
    listed.stdout,
    lines(
      'ID  STATUS   SIZE    AGE   IMAGE          MESSAGE',
      't2  running  812 MB  100s  ghcr.io/o/m:2  1 of 3 layers, 5 of 90 MB',
      't1  running  -       100s  ghcr.io/o/m:2  1 of 3 layers, 5 of 90 MB',
    ),
  );
  assert.ok(stub.calls.every((call) => call.includes('status=running')));
  const wrong = await runCli(['prewarm', 'list', '--status', 'lost'], stub);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /is one of pending, running, succeeded, failed/);
});

test('what the server warns of is told on stderr, once', async () => {
  const warnings = ['volumes[0]: the type "local" is deprecated'];
  const answer = { revision: 2, changed: { volumes: 'revision' }, rollout: null, etag: '"2-1"', warnings };
  await using stub = await StubApi.start({
    'POST /gpus/v2/endpoints': { body: { id: 'ep1', warnings } },
    'GET /gpus/v2/endpoints/ep1': { body: STUB_ENDPOINT },
    'PUT /gpus/v2/endpoints/ep1': { body: answer },
  });
  const told = 'warning: volumes[0]: the type "local" is deprecated\n';
  const created = await runCli(['endpoints', 'create', '--name', 'x'], stub);
  assert.equal(created.stderr, told);
  const updated = await runCli(['endpoints', 'update', 'ep1', '--no-volume'], stub);
  assert.equal(updated.stderr, told);
  const json = await runCli(['endpoints', 'update', 'ep1', '--no-volume', '--json'], stub);
  assert.deepEqual([json.stderr, (JSON.parse(json.stdout) as typeof answer).warnings], ['', warnings]);
});
