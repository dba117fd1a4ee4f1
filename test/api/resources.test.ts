import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, startApi } from '../support/api-server.ts';
import { stubResources } from '../support/stub-resources.ts';

const CALLER = { ownerId: 'owner-1', admin: true };

test('registry credentials: made, listed without a password, deleted', async (context) => {
  const resources = stubResources();
  const { url } = await startApi(context, { resources });
  const path = `${url}/gpus/v2/registry-auths`;
  const body = { name: 'ci', registry: 'ghcr.io', username: 'me', password: 'hunter2' };
  const created = await ask(path, 'POST', JSON.stringify(body));
  assert.deepEqual([created.status, created.json], [200, { id: 'auth12345678' }]);
  assert.equal(created.headers.get('cache-control'), 'no-store');
  assert.deepEqual((await ask(path)).json, {
    data: [
      {
        id: 'auth12345678',
        name: 'production',
        registry: 'registry.example:5000',
        username: 'robot$puller',
        used_by: [{ endpoint_id: 'abcdef123456', name: 'Chat', revisions: [2, 3] }],
        owner_id: 'owner-1',
        created_at: 1_700_000_000,
      },
    ],
    next_cursor: '',
    has_more: false,
  });
  const deleted = await ask(`${path}/auth12345678`, 'DELETE');
  assert.deepEqual([deleted.status, deleted.json], [200, {}]);
  assert.deepEqual(resources.calls, [
    { method: 'registryAuthCreate', args: [body, CALLER] },
    { method: 'registryAuthList', args: [CALLER] },
    { method: 'registryAuthDelete', args: ['auth12345678', CALLER] },
  ]);
});

test('a password reaches neither the log nor an error, in whatever shape it comes', async (context) => {
  const { url, logLines } = await startApi(context, {
    resources: stubResources({
      registryAuthCreate: async () => {
        throw new Error('something broke');
      },
    }),
  });
  const path = `${url}/gpus/v2/registry-auths`;
  const bodies = [
    '{"name":"ci","registry":"ghcr.io","username":"me","password":"hunter2"}',
    '{"name":"ci","password":"hunter2" oops',
    '"hunter2',
    'hunter2',
    '{"password":hunter2}',
  ];
  for (const body of bodies) {
    const answer = await ask(path, 'POST', body);
    assert.ok(answer.status >= 400, body);
    assert.ok(!answer.text.includes('hunter'), answer.text);
  }
  assert.ok(logLines.length > 0);
  assert.ok(!JSON.stringify(logLines).includes('hunter'), JSON.stringify(logLines));
});

test('volumes: made, shown, listed page by page in the order of their making, changed, deleted', async (context) => {
  const resources = stubResources();
  const { url } = await startApi(context, { resources });
  const path = `${url}/gpus/v2/network-volumes`;
  const body = { name: 'models', size: 200 };
  assert.deepEqual((await ask(path, 'POST', JSON.stringify(body))).json, { id: 'volume123456' });
  const { json } = await ask(`${path}/volume1`);
  assert.deepEqual(json, {
    id: 'volume1',
    name: 'models',
    size: 200,
    region_id: 'local',
    used_by: [{ endpoint_id: 'abcdef123456', name: 'Chat', revisions: [2, 3] }],
    owner_id: 'owner-1',
    created_at: 1_700_000_000,
  });
  const seen: string[] = [];
  for (let cursor = '', more = true; more;) {
    const page = (await ask(`${path}?limit=2&cursor=${cursor}`)).json as {
      data: { id: string }[];
      next_cursor: string;
      has_more: boolean;
    };
    seen.push(page.data.map(({ id }) => id).join());
    cursor = page.next_cursor;
    more = page.has_more;
  }
  assert.deepEqual(seen, ['volume1,volume2', 'volume3']);
  assert.equal((await ask(`${path}?cursor=nonsense`)).status, 400);
  assert.deepEqual((await ask(`${path}/volume1`, 'PUT', JSON.stringify({ size: 300 }))).json, {});
  assert.deepEqual((await ask(`${path}/volume1`, 'DELETE')).json, {
    warnings: ['All data of the volume "models" is being removed.'],
  });
  assert.deepEqual(
    resources.calls.filter(({ method }) => method !== 'volumeList'),
    [
      { method: 'volumeCreate', args: [body, CALLER] },
      { method: 'volume', args: ['volume1', CALLER] },
      { method: 'volumeUpdate', args: ['volume1', { size: 300 }, CALLER] },
      { method: 'volumeDelete', args: ['volume1', CALLER] },
    ],
  );
});

test('prewarm tasks: started, and listed by status, region and name', async (context) => {
  const resources = stubResources();
  const { url } = await startApi(context, { resources });
  const path = `${url}/gpus/v2/prewarm-tasks`;
  const body = { image: 'registry.example:5000/llm:2', region_id: 'local' };
  const created = await ask(path, 'POST', JSON.stringify(body));
  assert.deepEqual(created.json, { id: 'task12345678', task_id: 'task12345678' });
  const [failed, running] = ((await ask(path)).json as { data: unknown[] }).data;
  assert.deepEqual(failed, {
    task_id: 'task1',
    name: 'tonight',
    image: 'registry.example:5000/llm:2',
    region_id: 'local',
    product_ids: ['gpu'],
    image_size: 12_000_000_000,
    created_at: 1_700_000_000,
    completed_at: 1_700_000_060,
    status: { status: 'failed', error: 'the registry is down', message: '' },
    registry_auth_id: 'auth1',
    note: 'before the launch',
    reason: ['the registry is down'],
    owner_id: 'owner-1',
  });
  const { status, image_size: imageSize, completed_at: completedAt } = running as Record<string, unknown>;
  assert.deepEqual(
    [status, imageSize, completedAt],
    [{ status: 'running', error: '', message: '2 of 5 layers, 120 of 800 MB' }, 0, 0],
  );
  const idsOf = async (query: string): Promise<string> =>
    ((await ask(`${path}?${query}`)).json as { data: { task_id: string }[] }).data
      .map(({ task_id: id }) => id)
      .join();
  assert.equal(await idsOf('status=running'), 'task2');
  assert.equal(await idsOf('status=pending'), '');
  assert.equal(await idsOf('region_id=local'), 'task1,task2');
  assert.equal(await idsOf('region_id=mars'), '');
  assert.equal(await idsOf('name=NIGHT'), 'task1,task2');
  assert.equal(await idsOf('name=nightly'), 'task2');
  assert.equal((await ask(`${path}?status=lost`)).status, 400);
});

test('a query where a change takes none, and a body where it needs one, are refused before anything is done', async (context) => {
  const resources = stubResources();
  const { url } = await startApi(context, { resources });
  const calls: readonly (readonly [string, string, string?])[] = [
    ['registry-auths?dry_run=true', 'POST', '{}'],
    ['registry-auths/a?dry_run=true', 'DELETE'],
    ['network-volumes?dry_run=true', 'POST', '{}'],
    ['network-volumes/v?dry_run=true', 'PUT', '{}'],
    ['network-volumes/v?dry_run=true', 'DELETE'],
    ['prewarm-tasks?dry_run=true', 'POST', '{}'],
    ['registry-auths', 'POST'],
    ['network-volumes', 'POST'],
    ['network-volumes/v', 'PUT'],
    ['prewarm-tasks', 'POST'],
    [`network-volumes/${'v'.repeat(256)}`, 'DELETE'],
  ];
  for (const [path, method, body] of calls) {
    assert.equal((await ask(`${url}/gpus/v2/${path}`, method, body)).status, 400, `${method} ${path}`);
  }
  assert.deepEqual(resources.calls, []);
});
