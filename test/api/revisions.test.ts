import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import { ask, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID, stubRevisionView, stubService } from '../support/stub-endpoint-service.ts';

const CALLER = { ownerId: 'owner-1', admin: true };
const PATH = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`;

const ITEM = {
  revision: 3,
  created_at: 1_700_000_000,
  created_by: 'owner-1',
  from_revision: 1,
  restores: null,
  changed: { 'worker_config.gpu_num': { old: 1, new: 2, class: 'revision' } },
  image_digest: `sha256:${'ab'.repeat(32)}`,
  outcome: 'in_force',
  failure: '',
  workers: 2,
  start_seconds: 1.5,
};

interface Page {
  readonly data: readonly { readonly revision: number }[];
  readonly next_cursor: string;
  readonly has_more: boolean;
}

test('the list of revisions has the newest first, in pages', async (context) => {
  const { url } = await startApi(context);
  const page = async (query: string): Promise<Page> =>
    (await ask(`${url}${PATH}/revisions${query}`)).json as Page;
  const all = await page('');
  assert.deepEqual(all.data[0], ITEM);
  assert.deepEqual([all.data.length, all.next_cursor, all.has_more], [3, '', false]);
  const first = await page('?limit=2');
  assert.deepEqual(
    first.data.map(({ revision }) => revision),
    [3, 2],
  );
  assert.equal(first.has_more, true);
  const second = await page(`?limit=2&cursor=${first.next_cursor}`);
  assert.deepEqual(
    second.data.map(({ revision }) => revision),
    [1],
  );
  assert.equal(second.has_more, false);
});

test('a cursor of another list, and a limit out of bounds, are refused', async (context) => {
  const { url } = await startApi(context);
  for (const cursor of ['x', 'Y3B1', 'LTE=', '!']) {
    const answer = await ask(`${url}${PATH}/revisions?cursor=${encodeURIComponent(cursor)}`);
    assert.equal(answer.status, 400, cursor);
    assert.deepEqual(Object.keys((answer.json as { metadata: object }).metadata), ['cursor']);
  }
  assert.equal((await ask(`${url}${PATH}/revisions?limit=1001`)).status, 400);
});

test('one revision is shown with its fields and the settings it was made with', async (context) => {
  const { url, calls } = await startApi(context);
  const answer = await ask(`${url}${PATH}/revisions/3`);
  assert.equal(answer.status, 200);
  const settings = {
    name: 'Chat',
    worker_config: {
      max_replicas: 2,
      min_replicas: 0,
      idle_timeout: 60,
      max_concurrent_per_worker: 4,
      request_timeout: 300,
    },
    policy: { type: 'queue', value: 4 },
    health_check: { path: '/healthz', port: 0 },
  };
  const spec = {
    product_id: 'cpu',
    worker_config: { gpu_num: 1, rootfs_size_gb: 20, min_cuda_version: '' },
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
    region_id: 'local',
  };
  assert.deepEqual(answer.json, { ...ITEM, spec, settings });
  assert.deepEqual(calls, [{ method: 'revision', args: [STUB_ENDPOINT_ID, 3, CALLER] }]);
});

test('what an earlier version did not note is null, and values of any kind are told', async (context) => {
  const changed = {
    envs: { old: [{ key: 'A', value: '1' }], new: [], class: 'revision' },
    policy: { old: { type: 'queue', value: 4 }, new: { type: 'concurrency', value: 1 }, class: 'settings' },
    name: { old: 'a', new: 'b', class: 'settings' },
  } as const;
  const old = stubRevisionView(
    {
      number: 3,
      settings: null,
      createdBy: null,
      fromRevision: null,
      startTimeMs: null,
      pinnedImage: null,
      failure: 'it exited',
    },
    { changed: null, outcome: 'failed' },
  );
  const service = stubService({
    revision: () => old,
    revisionList: () => [stubRevisionView({ number: 3 }, { changed })],
  });
  const { url } = await startApi(context, { service });
  const { spec: _spec, ...shown } = (await ask(`${url}${PATH}/revisions/3`)).json as Record<string, unknown>;
  assert.deepEqual(shown, {
    ...ITEM,
    created_by: null,
    from_revision: null,
    changed: null,
    image_digest: '',
    outcome: 'failed',
    failure: 'it exited',
    start_seconds: null,
    settings: null,
  });
  const { data } = (await ask(`${url}${PATH}/revisions`)).json as { data: unknown };
  assert.deepEqual(data, [{ ...ITEM, changed }]);
});

test('a revision that is none, or not kept, is refused', async (context) => {
  const service = stubService({
    revision: () => {
      throw new AppError('SERVERLESS_REVISION_NOT_FOUND', 'There is no revision 9.');
    },
  });
  const { url } = await startApi(context, { service });
  const answer = await ask(`${url}${PATH}/revisions/9`);
  assert.equal(answer.status, 404);
  assert.equal((answer.json as { reason: string }).reason, 'SERVERLESS_REVISION_NOT_FOUND');
  for (const number of ['0', '-1', 'x', '1.5', '1000000001']) {
    const refused = await ask(`${url}${PATH}/revisions/${number}`);
    assert.equal(refused.status, 400, number);
    assert.deepEqual(Object.keys((refused.json as { metadata: object }).metadata), ['revision']);
  }
  for (const path of ['/gpus/v2/endpoints/other/revisions']) {
    assert.equal((await ask(url + path)).status, 404);
  }
});

test('rollback passes its body and terms on, and is answered like an update', async (context) => {
  const { url, calls } = await startApi(context);
  const body = '{"revision":1,"settings":true}';
  const headers = { 'if-match': '"3-5"', 'idempotency-key': 'k' };
  const answer = await ask(`${url}${PATH}/rollback`, 'POST', body, headers);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, {
    revision: 3,
    changed: { image: 'revision' },
    rollout: null,
    etag: '"3-5"',
  });
  const [id, given, caller, terms] = calls[0]?.args ?? [];
  assert.deepEqual([id, given, caller], [STUB_ENDPOINT_ID, { revision: 1, settings: true }, CALLER]);
  const { ifMatch, once } = terms as { ifMatch: unknown; once: { key: string } };
  assert.deepEqual([ifMatch, once.key], [['"3-5"'], 'k']);
  assert.equal((await ask(`${url}${PATH}/rollback`, 'POST')).status, 400);
});
