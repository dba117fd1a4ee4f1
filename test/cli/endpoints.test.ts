import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Endpoint } from '../../src/client/schema.ts';
import { StubApi, STUB_ENDPOINT, stubWorker } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

const SECOND_ENDPOINT = {
  ...STUB_ENDPOINT,
  id: 'ep2-longer',
  name: 'Pictures',
  product_id: 'cpu',
  status: { status: 'failed', error: 'exit code 1', message: '' },
  workers: [],
};

test('endpoints list: an aligned table', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints': {
      body: { data: [STUB_ENDPOINT, SECOND_ENDPOINT], next_cursor: '', has_more: false },
    },
  });
  const run = await runCli(['endpoints', 'list', '--keyword', 'a'], stub);
  assert.deepEqual([run.code, run.stderr], [0, '']);
  assert.equal(
    run.stdout,
    lines(
      'ID          NAME      STATUS   READY  MIN-MAX  PRODUCT  AGE   IMAGE',
      'ep1         Chat      running  1/1    1-3      gpu      100s  host:chat',
      'ep2-longer  Pictures  failed   0/0    1-3      cpu      100s  host:chat',
    ),
  );
  assert.deepEqual(stub.calls, ['GET /gpus/v2/endpoints?limit=100&cursor=&keyword=a']);
});

test('endpoints list: colours on a terminal only, and not with NO_COLOR', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints': {
      body: { data: [STUB_ENDPOINT, SECOND_ENDPOINT], next_cursor: '', has_more: false },
    },
  });
  const coloured = await runCli(['endpoints', 'list'], { url: stub.url, isTty: true });
  assert.ok(coloured.stdout.includes('\u001B[32mrunning\u001B[0m'), coloured.stdout);
  assert.ok(coloured.stdout.includes('\u001B[31mfailed\u001B[0m '), coloured.stdout);

  for (const environment of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
    const plain = await runCli(['endpoints', 'list'], { url: stub.url, isTty: true, environment });
    assert.ok(!plain.stdout.includes('\u001B'), plain.stdout);
  }
});

test('endpoints list: follows pages up to the limit and says when there are more', async () => {
  const page = (id: string, cursor: string) => ({
    body: { data: [{ ...STUB_ENDPOINT, id }], next_cursor: cursor, has_more: cursor !== '' },
  });
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints': ({ path }) => (path.includes('cursor=c1') ? page('b', 'c2') : page('a', 'c1')),
  });
  const run = await runCli(['endpoints', 'list', '--limit', '2', '--json'], stub);
  const ids = (JSON.parse(run.stdout) as { id: string }[]).map(({ id }) => id);
  assert.deepEqual(ids, ['a', 'b']);
  assert.equal(run.stderr, 'More endpoints exist; --limit shows more than 2.\n');
  assert.deepEqual(stub.calls, [
    'GET /gpus/v2/endpoints?limit=2&cursor=',
    'GET /gpus/v2/endpoints?limit=1&cursor=c1',
  ]);
});

test('endpoints list: an empty list says what to do', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints': { body: { data: [], next_cursor: '', has_more: false } },
  });
  const run = await runCli(['endpoints', 'list'], stub);
  assert.equal(run.stdout, 'No endpoints. Make one with: pilotlight endpoints create\n');
  assert.equal((await runCli(['endpoints', 'list', '--json'], stub)).stdout, '[]\n');
});

const ROLLOUT = {
  id: 'ro1',
  state: 'starting',
  from_revision: 1,
  to_revision: 2,
  mode: 'surge',
  message: 'the first worker\nstarts',
  started_at: 1_700_000_100,
  ended_at: null,
} satisfies Endpoint['rollout'];

test('endpoints get: a rollout that is over, with its reason unless the message has it', async () => {
  const rollout = { ...ROLLOUT, state: 'failed', mode: null, message: 'no device' };
  let message = '';
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1': () => ({
      body: { ...STUB_ENDPOINT, status: { status: 'running', error: '', message }, rollout },
    }),
  });
  const apart = await runCli(['endpoints', 'get', 'ep1'], stub);
  assert.match(apart.stdout, /^rollout +failed, revision 1 to 2\nrollout message +no device$/m);
  message = 'The update to revision 2 failed and revision 1 serves: no device';
  const together = await runCli(['endpoints', 'get', 'ep1'], stub);
  assert.match(together.stdout, /^revision +1\nrollout +failed, revision 1 to 2\nurl/m);
});

test('endpoints get: the fields that say something, and the workers', async () => {
  const endpoint = {
    ...STUB_ENDPOINT,
    status: { status: 'updating', error: '', message: 'the first worker\nstarts' },
    workers: [stubWorker('w1', 1, 'ready'), stubWorker('w22', 2, 'starting')],
    revision: 2,
    rollout: ROLLOUT,
  };
  await using stub = await StubApi.start({ 'GET /gpus/v2/endpoints/ep1': { body: endpoint } });
  const run = await runCli(['endpoints', 'get', 'ep1'], stub);
  assert.equal(run.code, 0);
  assert.equal(
    run.stdout,
    lines(
      'id               ep1',
      'name             Chat',
      'app name         chat',
      'type             sync',
      'status           updating',
      'message          the first worker starts',
      'revision         2',
      'rollout          starting, revision 1 to 2 (surge)',
      'url              http://127.0.0.1:8080/e/ep1',
      'product          gpu',
      'region           local',
      'image            host:chat',
      'command          node server.ts',
      'ports            8000',
      'health check     GET /healthz on 8000',
      'workers          1 to 3',
      'GPUs per worker  1',
      'concurrency      4 requests per worker',
      'policy           queue:4',
      'idle timeout     60 s',
      'request timeout  300 s',
      'disk             20 GB',
      'env              MODEL=toy-1',
      'env              LEVEL=info',
      'created          2023-11-14T22:13:20.000Z',
      'etag             "1-1"',
      '',
      'WORKER  STATE     REVISION  REASON',
      'w1      ready     1',
      'w22     starting  2',
    ),
  );
  assert.deepEqual(JSON.parse((await runCli(['endpoints', 'get', 'ep1', '--json'], stub)).stdout), endpoint);
});

test('endpoints create: every option becomes its field', async () => {
  await using stub = await StubApi.start({
    'POST /gpus/v2/endpoints': { body: { id: 'ep1' } },
    'GET /gpus/v2/endpoints/ep1': { body: STUB_ENDPOINT },
  });
  const argv =
    '--type async --name Chat --app-name chat --product gpu --image host:chat --registry-auth cred ' +
    '--entrypoint node --env A=1 --env B=x=y --env C= --port 8000 --port 9000 --region local ' +
    '--volume id=v1,mount_point=/data --volume id=v2,mount_point=/m,type=local,size=30 ' +
    '--min 1 --max 3 --idle-timeout 30 --concurrency 4 --gpus-per-worker 2 --rootfs-size 50 ' +
    '--min-cuda 12.8 --request-timeout 120 --policy concurrency:7 --health-path /healthz --health-port 8000';
  const run = await runCli(
    ['endpoints', 'create', '--command', 'server.ts --port $PORT', ...argv.split(' ')],
    stub,
  );

  assert.equal(run.stderr, '');
  assert.equal(
    run.stdout,
    lines('Created endpoint ep1 (Chat).', 'Send requests to http://127.0.0.1:8080/e/ep1'),
  );
  assert.deepEqual(stub.requests[0]?.body, {
    type: 'async',
    name: 'Chat',
    app_name: 'chat',
    product_id: 'gpu',
    image: 'host:chat',
    registry_auth_id: 'cred',
    entrypoint: 'node',
    command: 'server.ts --port $PORT',
    envs: [
      { key: 'A', value: '1' },
      { key: 'B', value: 'x=y' },
      { key: 'C', value: '' },
    ],
    ports: [8000, 9000],
    region_id: 'local',
    volumes: [
      { id: 'v1', mount_point: '/data' },
      { id: 'v2', mount_point: '/m', type: 'local', size: 30 },
    ],
    worker_config: {
      min_replicas: 1,
      max_replicas: 3,
      idle_timeout: 30,
      max_concurrent_per_worker: 4,
      gpu_num: 2,
      rootfs_size_gb: 50,
      min_cuda_version: '12.8',
      request_timeout: 120,
    },
    policy: { type: 'concurrency', value: 7 },
    health_check: { path: '/healthz', port: 8000 },
  });
});

test('endpoints create: a file or the standard input is the start, options go over it', async () => {
  await using stub = await StubApi.start({ 'POST /gpus/v2/endpoints': { body: { id: 'ep1' } } });
  const body = {
    type: 'sync',
    name: 'From file',
    image: 'host',
    worker_config: { max_replicas: 1, idle_timeout: 9 },
    envs: [{ key: 'A', value: '1' }],
  };
  const expected = {
    ...body,
    name: 'From option',
    worker_config: { max_replicas: 5, idle_timeout: 9 },
    envs: [
      { key: 'A', value: '1' },
      { key: 'B', value: '2' },
    ],
  };
  const options = ['--name', 'From option', '--max', '5', '--env', 'B=2', '--json'];
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-cli-'));
  try {
    const file = join(folder, 'body.json');
    await writeFile(file, JSON.stringify(body));
    const run = await runCli(['endpoints', 'create', '--file', file, ...options], stub);
    assert.deepEqual([run.code, JSON.parse(run.stdout)], [0, { id: 'ep1' }]);
  } finally {
    await rm(folder, { recursive: true });
  }
  await runCli(['endpoints', 'create', '--file', '-', ...options], {
    url: stub.url,
    stdin: JSON.stringify(body),
  });
  assert.deepEqual(
    stub.requests.map((request) => request.body),
    [expected, expected],
  );
});

test('endpoints create: a bad file or option ends before anything is sent', async () => {
  await using stub = await StubApi.start({});
  const rows: readonly [readonly string[], RegExp][] = [
    [[], /say what to make, by options or by --file/],
    [['--file', '/nowhere/body.json'], /cannot read --file \/nowhere\/body\.json: ENOENT/],
    [['--file', '-'], /the standard input is not JSON/],
    [['--policy', 'queue'], /--policy is "queue"; it takes queue:SECONDS or concurrency:REQUESTS/],
    [['--env', 'A'], /--env is "A"; it takes KEY=VALUE/],
    [['--volume', '/data'], /--volume is "\/data"; it takes id=ID,mount_point=PATH/],
    [['--volume', 'id=a,path=/b'], /--volume has no "path"; it takes id, mount_point, type and size/],
    [['--volume', 'id=a,size=x'], /the size in --volume is "x"; it takes whole GB/],
    [['--min', 'one'], /--min takes a whole number/],
  ];
  for (const [argv, message] of rows) {
    const run = await runCli(['endpoints', 'create', ...argv], stub);
    assert.equal(run.code, 2, argv.join(' '));
    assert.match(run.stderr, message);
  }
  const list = await runCli(['endpoints', 'create', '--file', '-'], { url: stub.url, stdin: '[]' });
  assert.match(list.stderr, /the standard input must hold a JSON object/);
  assert.deepEqual(stub.calls, []);
});

test('endpoints delete and products list', async () => {
  const product = (id: string, type: string, available: number, memory: number) => ({
    id,
    name: id.toUpperCase(),
    type,
    resource_spec: { gpu: { available, max_available: 4, memory_gb: memory } },
  });
  await using stub = await StubApi.start({
    'DELETE /gpus/v2/endpoints/ep1': { body: {} },
    'GET /gpus/v2/products': ({ path }) => ({
      body: {
        data: [path.includes('type=gpu') ? product('h100', 'gpu', 3, 80) : product('cpu', 'cpu', 0, 0)],
      },
    }),
  });
  const removed = await runCli(['endpoints', 'delete', 'ep1'], stub);
  assert.equal(removed.stdout, 'Deleted endpoint ep1; its workers stop once their requests are done.\n');
  assert.equal((await runCli(['endpoints', 'delete', 'ep1', '--json'], stub)).stdout, '{}\n');

  const listed = await runCli(['products', 'list'], stub);
  assert.equal(
    listed.stdout,
    lines(
      'ID    TYPE  FREE    GPU MEMORY  NAME',
      'cpu   cpu   -       -           CPU',
      'h100  gpu   3 of 4  80 GB       H100',
    ),
  );
});
