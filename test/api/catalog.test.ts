import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Region } from '../../src/model/product.ts';
import { API_KEY, ask, startApi } from '../support/api-server.ts';
import { stubService } from '../support/stub-endpoint-service.ts';

interface Page {
  readonly data: readonly { readonly id: string; readonly [key: string]: unknown }[];
  readonly next_cursor: string;
  readonly has_more: boolean;
}

async function idsAt(url: string): Promise<readonly string[]> {
  const answer = await ask(url);
  assert.equal(answer.status, 200, answer.text);
  return (answer.json as Page).data.map((item) => item.id);
}

test('products are listed by category and type', async (context) => {
  const { url } = await startApi(context);
  const products = `${url}/gpus/v2/products`;
  assert.deepEqual(await idsAt(`${products}?category=serverless&type=gpu`), ['a10', 'h100']);
  assert.deepEqual(await idsAt(`${products}?category=serverless&type=`), ['a10', 'h100']);
  assert.deepEqual(await idsAt(`${products}?category=serverless&type=cpu`), ['cpu']);
  assert.deepEqual(await idsAt(`${products}?category=instance&type=gpu`), []);
  assert.deepEqual(await idsAt(`${products}?category=serverless&type=gpu&region_ids=x,local`), [
    'a10',
    'h100',
  ]);
  assert.deepEqual(
    await idsAt(`${products}?category=serverless&type=gpu&region_ids=x&billing_method=spot`),
    [],
  );
});

test('category and type are required and of few values', async (context) => {
  const { url } = await startApi(context);
  const none = await ask(`${url}/gpus/v2/products`);
  assert.equal(none.status, 400);
  assert.deepEqual((none.json as { metadata: object }).metadata, {
    category: 'is missing; allowed: one of "serverless", "instance"',
    type: 'is missing; allowed: one of "", "gpu", "cpu"',
  });
  const wrong = await ask(`${url}/gpus/v2/products?category=Serverless&type=tpu`);
  assert.equal(wrong.status, 400);
  assert.deepEqual(Object.keys((wrong.json as { metadata: object }).metadata), ['category', 'type']);
});

test('a product says what there is and what is free', async (context) => {
  const { url } = await startApi(context);
  const page = (await ask(`${url}/gpus/v2/products?category=serverless&type=gpu`)).json as Page;
  const [a10, h100] = page.data;
  assert.deepEqual(h100?.['resource_spec'], {
    gpu: { spec_id: 'h100', name: 'H100', memory_gb: 80, min: 1, max: 4, available: 1, max_available: 4 },
    cpu: 0,
    memory_gb: 0,
    rootfs: { min_gb: 10, max_gb: 100, free_gb: 100, limited: false },
  });
  assert.equal(h100?.['inventory_state'], 'available');
  assert.equal(a10?.['inventory_state'], 'busy');
  assert.equal(a10?.['deployable'], true);
  const spec = a10?.['resource_spec'] as { gpu: { max: number } };
  assert.equal(spec.gpu.max, 8, 'no worker can have more than the contract allows');
});

test('regions are listed with their GPU products', async (context) => {
  const { url } = await startApi(context);
  assert.deepEqual((await ask(`${url}/gpus/v2/regions`)).json, {
    data: [
      {
        id: 'local',
        name: 'This machine',
        gpus: ['h100', 'a10'],
        feature: { network_volume: true, instance_vpc_network: false },
      },
    ],
    next_cursor: '',
    has_more: false,
  });
});

test('pages neither repeat nor leave out, and end', async (context) => {
  const regions: readonly Region[] = Array.from({ length: 120 }, (_, index) => ({
    id: `r${String(index).padStart(3, '0')}`,
    name: '',
  }));
  const service = stubService({ regionList: () => regions });
  const { url } = await startApi(context, { service });
  for (const limit of [undefined, 0, 1, 7, 50, 119, 120, 1000]) {
    const seen: string[] = [];
    let cursor = '';
    for (;;) {
      const query = new URLSearchParams({ cursor, ...(limit === undefined ? {} : { limit: String(limit) }) });
      const page = (await ask(`${url}/gpus/v2/regions?${query.toString()}`)).json as Page;
      assert.ok(page.data.length <= (limit === undefined || limit === 0 ? 50 : limit));
      assert.equal(page.has_more, page.next_cursor !== '');
      seen.push(...page.data.map((region) => region.id));
      if (!page.has_more) break;
      cursor = page.next_cursor;
    }
    assert.deepEqual(
      seen,
      regions.map((region) => region.id),
      String(limit),
    );
  }
});

test('a cursor of someone else is refused', async (context) => {
  const { url } = await startApi(context);
  const answer = await ask(`${url}/gpus/v2/regions?cursor=%20%20`);
  assert.equal(answer.status, 400);
  assert.deepEqual(Object.keys((answer.json as { metadata: object }).metadata), ['cursor']);
});

test('devices show their state, their holder and who else uses them', async (context) => {
  const { url } = await startApi(context);
  const answer = await ask(`${url}/gpus/v2/devices`);
  assert.equal(answer.status, 200, answer.text);
  const { data, ...facts } = answer.json as { readonly data: readonly unknown[] };
  assert.deepEqual(facts, { driver_version: '570.124.06', cuda_version: '12.8', seen_at: 1_700_000_000 });
  assert.equal(data.length, 3);
  assert.deepEqual(data[1], {
    id: 'GPU-2',
    index: 1,
    name: 'H100',
    product_id: 'h100',
    state: 'usedByOthers',
    memory_mib: 81_559,
    used_mib: 60_000,
    worker_id: null,
    processes: [{ pid: 4711, name: 'python3', used_mib: 59_000 }],
  });
});

test('devices are for admin keys: they name processes of the machine', async (context) => {
  const { url } = await startApi(context, { apiKeys: () => ({ ...API_KEY, admin: false }) });
  const answer = await ask(`${url}/gpus/v2/devices`);
  assert.equal(answer.status, 403);
  assert.equal((answer.json as { reason: string }).reason, 'FORBIDDEN');
});
