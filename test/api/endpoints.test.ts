import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutId, WorkerId } from '../../src/base/ids.ts';
import { rolloutOptions } from '../../src/decide/sample-world.ts';
import type { Rollout } from '../../src/model/endpoint.ts';
import { ask, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID, stubService, stubView, stubWorker } from '../support/stub-endpoint-service.ts';
import { UNSEEN_EXIT } from '../../src/model/worker-exit.ts';

const CALLER = { ownerId: 'owner-1', admin: true };
const PATH = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`;

const SHOWN = {
  id: STUB_ENDPOINT_ID,
  type: 'sync',
  app_name: 'chat',
  status: { status: 'running', error: '', message: 'all well' },
  url: `http://127.0.0.1:8080/e/${STUB_ENDPOINT_ID}`,
  name: 'Chat',
  product_id: 'cpu',
  worker_config: {
    max_replicas: 2,
    min_replicas: 0,
    idle_timeout: 60,
    max_concurrent_per_worker: 4,
    gpu_num: 1,
    rootfs_size_gb: 20,
    min_cuda_version: '',
    request_timeout: 300,
  },
  policy: { type: 'queue', value: 4 },
  image: 'host:/srv',
  registry_auth_id: '',
  entrypoint: '',
  command: 'node server.ts',
  volumes: [
    { id: 'v', type: 'network', mount_point: '/data' },
    { id: '', type: 'local', size: 5, mount_point: '/cache' },
  ],
  envs: [{ key: 'A', value: '1' }],
  ports: [8000],
  health_check: { path: '/healthz', port: 0 },
  region_id: 'local',
  workers: [
    {
      id: 'worker123456',
      status: { status: 'ready', error: '', message: 'a request waited' },
      log: `${PATH}/workers/worker123456/log`,
      health: true,
      drain: false,
      revision: 1,
    },
  ],
  revision: 1,
  etag: '"1-5"',
  rollout: null,
  member_id: 'owner-1',
  owner_id: 'owner-1',
  created_at: 1_700_000_000,
};

test('get answers the whole endpoint, and nothing beside it', async (context) => {
  const { url } = await startApi(context);
  const answer = await ask(url + PATH);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('etag'), '"1-5"');
  assert.deepEqual(answer.json, SHOWN);
});

test('get and list tell the revision that counts and the rollout, running or over', async (context) => {
  const view = stubView();
  const running: Rollout = {
    id: 'rollout12345' as RolloutId,
    state: 'baking',
    fromRevision: 1,
    toRevision: 2,
    mode: 'swap',
    startedAtMs: 1_700_000_010_999,
    endedAtMs: null,
    workersBefore: 1,
    startFailures: 0,
    postponements: 0,
    notBeforeMs: 0,
    message: 'the first worker of the new revision is being proven',
    options: rolloutOptions(),
    order: 'go',
    stateSinceMs: 1_700_000_000_000,
  };
  const shownRunning = {
    id: 'rollout12345',
    state: 'baking',
    from_revision: 1,
    to_revision: 2,
    mode: 'swap',
    message: 'the first worker of the new revision is being proven',
    started_at: 1_700_000_010,
    ended_at: null,
  };
  for (const [rollout, revision, shown] of [
    [running, 2, shownRunning],
    [{ ...running, state: 'waiting', mode: null }, 2, { ...shownRunning, state: 'waiting', mode: null }],
    [
      { ...running, state: 'failed', message: 'exited', endedAtMs: 1_700_000_020_001 },
      1,
      { ...shownRunning, state: 'failed', message: 'exited', ended_at: 1_700_000_020 },
    ],
  ] as const) {
    const moving = stubView({
      endpoint: { ...view.endpoint, rollout },
      revision: { ...view.revision, number: revision },
    });
    const service = stubService({
      get: () => moving,
      list: () => ({ views: [moving], nextCursor: '', hasMore: false }),
    });
    const { url } = await startApi(context, { service });
    const expected = { ...SHOWN, revision, etag: `"${revision}-5"`, rollout: shown };
    assert.deepEqual((await ask(url + PATH)).json, expected);
    assert.deepEqual(((await ask(`${url}/gpus/v2/endpoints`)).json as { data: unknown }).data, [expected]);
  }
});

test('create answers 200 and the id; delete answers 200 and an empty object', async (context) => {
  const { url, calls } = await startApi(context);
  const created = await ask(`${url}/gpus/v2/endpoints`, 'POST', '{"name":"x"}');
  assert.equal(created.status, 200);
  assert.deepEqual(created.json, { id: STUB_ENDPOINT_ID });
  const deleted = await ask(url + PATH, 'DELETE');
  assert.equal(deleted.status, 200);
  assert.deepEqual(deleted.json, {});
  assert.deepEqual(calls, [
    { method: 'create', args: [{ name: 'x' }, CALLER, null] },
    { method: 'delete', args: [STUB_ENDPOINT_ID, CALLER, null] },
  ]);
});

test('update answers the revision, what changed, and the rollout', async (context) => {
  const { url, calls } = await startApi(context);
  const answer = await ask(url + PATH, 'PUT', '{"image":"host:/new"}');
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, {
    revision: 2,
    changed: { image: 'revision', name: 'settings' },
    rollout: { id: 'rollout12345', state: 'waiting' },
    etag: '"2-6"',
  });
  const terms = { ifMatch: null, once: null, rollout: {} };
  assert.deepEqual(calls, [
    { method: 'update', args: [STUB_ENDPOINT_ID, { image: 'host:/new' }, CALLER, terms] },
  ]);
});

test('an update that changed nothing answers so, with no rollout', async (context) => {
  const unchanged = { revision: 1, changed: {}, rollout: null, etag: '"1-5"' };
  const service = stubService({ update: async () => unchanged });
  const { url } = await startApi(context, { service });
  assert.deepEqual((await ask(url + PATH, 'PUT', '{}')).json, unchanged);
});

test('list passes its query on and answers one page', async (context) => {
  const { url, calls } = await startApi(context);
  const plain = await ask(`${url}/gpus/v2/endpoints`);
  assert.equal(plain.status, 200);
  assert.deepEqual(plain.json, { data: [SHOWN], next_cursor: 'next', has_more: true });
  const query = 'limit=1000&cursor=abc&keyword=a%20b&member_ids=m1,%20m2,,m3&unknown=1';
  assert.equal((await ask(`${url}/gpus/v2/endpoints?${query}`)).status, 200);
  assert.deepEqual(
    calls.map((call) => call.args[0]),
    [
      { limit: 0, cursor: '', keyword: '', ownerIds: [] },
      { limit: 1000, cursor: 'abc', keyword: 'a b', ownerIds: ['m1', 'm2', 'm3'] },
    ],
  );
});

test('list refuses a limit or cursor out of bounds, all faults together', async (context) => {
  const { url, calls } = await startApi(context);
  for (const limit of ['1001', '-1', '1.5', 'ten', '', '1e2', '99999999999999999999', ' 5']) {
    const answer = await ask(`${url}/gpus/v2/endpoints?limit=${encodeURIComponent(limit)}`);
    assert.equal(answer.status, 400, limit);
    assert.deepEqual(Object.keys((answer.json as { metadata: object }).metadata), ['limit']);
  }
  const answer = await ask(`${url}/gpus/v2/endpoints?limit=5000&limit=2&cursor=${'c'.repeat(1025)}`);
  assert.deepEqual(answer.json, {
    code: 400,
    reason: 'VALIDATOR_PARAM',
    message:
      '2 fields are not valid: limit is an array of 2; allowed: an integer from 0 to 1000; ' +
      'cursor has 1025 characters; allowed: a string of 0 to 1024 characters.',
    metadata: {
      limit: 'is an array of 2; allowed: an integer from 0 to 1000',
      cursor: 'has 1025 characters; allowed: a string of 0 to 1024 characters',
    },
  });
  assert.deepEqual(calls, []);
});

test('each state of a worker is shown by its name, with health and drain', async (context) => {
  const states = ['pending', 'pulling', 'starting', 'ready', 'unhealthy', 'draining', 'stopping'] as const;
  const workers = states.map((state) => stubWorker({ id: state as string as WorkerId, state }));
  const failed = [
    stubWorker({
      id: 'f1' as WorkerId,
      state: 'failed',
      exit: { ...UNSEEN_EXIT, code: 3 },
      reason: 'it exited',
    }),
    stubWorker({ id: 'f2' as WorkerId, state: 'failed', exit: { ...UNSEEN_EXIT, signal: 'SIGKILL' } }),
    stubWorker({ id: 'f3' as WorkerId, state: 'failed', exit: null }),
  ];
  const service = stubService({ get: () => stubView({ workers: [...workers, ...failed] }) });
  const { url } = await startApi(context, { service });
  const { workers: shown } = (await ask(url + PATH)).json as {
    workers: { id: string; status: { status: string; error: string }; health: boolean; drain: boolean }[];
  };
  assert.deepEqual(
    shown.slice(0, states.length).map((worker) => [worker.status.status, worker.health, worker.drain]),
    [
      ['pending', false, false],
      ['pulling', false, false],
      ['starting', false, false],
      ['ready', true, false],
      ['unhealthy', false, false],
      ['draining', true, true],
      ['stopping', false, true],
    ],
  );
  assert.deepEqual(
    shown.slice(states.length).map((worker) => worker.status.error),
    ['exit code 3', 'signal SIGKILL', 'failed'],
  );
});
