import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runUpdateTable, type UpdateResult, type UpdateTarget } from '../contract/run-update-table.ts';
import { updateTable, wrongTypes } from '../contract/update-table.ts';
import { ServerProcess } from '../support/server-process.ts';

const ENDPOINTS = '/gpus/v2/endpoints';
const DEVICES = 4;

interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Page {
  readonly data: readonly { readonly id: string; readonly name: string; readonly owner_id: string }[];
  readonly next_cursor: string;
  readonly has_more: boolean;
}

/** Workers without processes: the bounds of worker counts would start a thousand. */
let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ gpus: DEVICES, flags: ['--driver=simulated'] });
});
after(async () => {
  await server.dispose();
});

const MINIMAL = {
  type: 'sync',
  name: 'contract',
  product_id: 'gpu',
  image: 'host',
  worker_config: { max_replicas: 1 },
};

async function createMinimal(change: Record<string, unknown> = {}): Promise<string> {
  return (await server.api<{ id: string }>('POST', ENDPOINTS, { ...MINIMAL, ...change })).id;
}

async function list(query: string): Promise<Page> {
  return await server.api<Page>('GET', `${ENDPOINTS}?${query}`);
}

async function refusal(answer: Response): Promise<Refusal> {
  const text = await answer.text();
  assert.ok(answer.status >= 400 && answer.status < 500, `status ${answer.status}: ${text.slice(0, 500)}`);
  const body = JSON.parse(text) as Refusal;
  assert.deepEqual(Object.keys(body).sort(), ['code', 'message', 'metadata', 'reason']);
  assert.equal(body.code, answer.status);
  assert.notEqual(body.message, '');
  return body;
}

/** GET of the endpoint; without its workers and status, which move by themselves. */
async function fieldsOf(id: string): Promise<Record<string, unknown>> {
  const { workers: _workers, status: _status, ...fields } = await server.get(id);
  return fields;
}

/** Deleted when `body` has ended, so that no thousand endpoints stay behind. */
async function withEndpoint<Result>(body: (id: string) => Promise<Result>): Promise<Result> {
  const id = await createMinimal();
  try {
    return await body(id);
  } finally {
    await server.api('DELETE', `${ENDPOINTS}/${id}`);
  }
}

const overHttp: UpdateTarget = {
  update: (body) =>
    withEndpoint(async (id): Promise<UpdateResult> => {
      const present = await fieldsOf(id);
      const answer = await server.request('PUT', `${ENDPOINTS}/${id}`, body);
      const now = await fieldsOf(id);
      if (answer.ok) {
        await answer.body?.cancel();
        return { taken: true, before: present, after: now };
      }
      const { reason, metadata } = await refusal(answer);
      assert.deepEqual(now, present, `${reason}: something changed all the same`);
      return { taken: false, reason, faults: metadata };
    }),
};

runUpdateTable('a server', () => overHttp);

describe('create over HTTP', () => {
  async function expectRefused(body: unknown, reason: string, field: string): Promise<void> {
    const told = await refusal(await server.request('POST', ENDPOINTS, body));
    assert.equal(told.reason, reason, told.message);
    assert.ok(
      Object.keys(told.metadata).some((path) => path.startsWith(field)),
      `${field} is not among ${JSON.stringify(told.metadata)}`,
    );
  }

  it('keeps to the same bounds as update, and makes nothing when it refuses', async () => {
    const present = (await list('limit=1000')).data.length;
    for (const row of updateTable) {
      const field = row.path.replace('[]', '[0]');
      const values = [...row.illegal, ...wrongTypes(row.facts.type)];
      await Promise.all(
        values.map((value) => expectRefused({ ...MINIMAL, ...row.body(value) }, 'VALIDATOR_PARAM', field)),
      );
    }
    assert.equal((await list('limit=1000')).data.length, present);
  });

  it('takes what update takes', async () => {
    for (const row of updateTable.filter(({ otherRefusals }) => otherRefusals === undefined)) {
      await Promise.all(
        row.legal.map(async (value) => {
          const id = await createMinimal(row.body(value));
          await server.api('DELETE', `${ENDPOINTS}/${id}`);
        }),
      );
    }
  });

  it('asks for what the contract requires', async () => {
    for (const field of ['type', 'name', 'product_id', 'image', 'worker_config']) {
      const { [field]: _left, ...body } = MINIMAL as Record<string, unknown>;
      await expectRefused(body, 'VALIDATOR_PARAM', field);
    }
    await expectRefused({ ...MINIMAL, image: '' }, 'VALIDATOR_PARAM', 'image');
    await expectRefused({ ...MINIMAL, type: 'batch' }, 'VALIDATOR_PARAM', 'type');
    await expectRefused({ ...MINIMAL, worker_config: {} }, 'VALIDATOR_PARAM', 'worker_config.max_replicas');
    for (const appName of ['A', '-a', 'a-', 'a.b', 'a b', 'a'.repeat(256), 7])
      await expectRefused({ ...MINIMAL, app_name: appName }, 'VALIDATOR_PARAM', 'app_name');
  });

  it('tells all faults of a body at once, and the nearest name of an unknown field', async () => {
    const body = {
      ...MINIMAL,
      nmae: 'x',
      worker_config: { max_replicas: 1, min_replicas: 2, request_timeout: 0 },
      ports: [0],
    };
    const told = await refusal(await server.request('POST', ENDPOINTS, body));
    assert.deepEqual(Object.keys(told.metadata).sort(), [
      'nmae',
      'ports[0]',
      'worker_config.min_replicas',
      'worker_config.request_timeout',
    ]);
    assert.match(told.metadata['nmae'] ?? '', /name/);
  });

  it('refuses a taken app_name, and gives it again once its owner is gone', async () => {
    const id = await createMinimal({ app_name: 'only-one' });
    await expectRefused({ ...MINIMAL, app_name: 'only-one' }, 'SERVERLESS_APP_NAME_IS_EXIST', 'app_name');
    await server.api('DELETE', `${ENDPOINTS}/${id}`);
    await server.gone(id);
    const next = await createMinimal({ app_name: 'only-one' });
    await server.api('DELETE', `${ENDPOINTS}/${next}`);
  });

  it('gives a name to one of two that ask for it at the same time', async () => {
    const body = { ...MINIMAL, app_name: 'asked-twice' };
    const answers = await Promise.all([
      server.request('POST', ENDPOINTS, body),
      server.request('POST', ENDPOINTS, body),
    ]);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 400]));
    for (const answer of answers) {
      if (answer.ok)
        await server.api('DELETE', `${ENDPOINTS}/${((await answer.json()) as { id: string }).id}`);
      else assert.equal((await refusal(answer)).reason, 'SERVERLESS_APP_NAME_IS_EXIST');
    }
  });

  it('refuses a product that does not exist and devices that no worker here could get', async () => {
    await expectRefused({ ...MINIMAL, product_id: 'h900' }, 'SERVERLESS_PRODUCT_NOT_FOUND', 'product_id');
    await expectRefused(
      { ...MINIMAL, worker_config: { max_replicas: 1, gpu_num: DEVICES + 1 } },
      'INSUFFICIENT_RESOURCE',
      'worker_config.gpu_num',
    );
    // Without devices the number has no meaning, so it is no reason to refuse.
    const id = await createMinimal({ product_id: 'cpu', worker_config: { max_replicas: 1, gpu_num: 8 } });
    await server.api('DELETE', `${ENDPOINTS}/${id}`);
  });
});

describe('update over HTTP', () => {
  interface UpdateAnswer {
    readonly revision: number;
    readonly changed: Readonly<Record<string, string>>;
    readonly rollout: { readonly id: string; readonly state: string } | null;
  }
  const put = async (id: string, body: unknown): Promise<UpdateAnswer> =>
    await server.api<UpdateAnswer>('PUT', `${ENDPOINTS}/${id}`, body);

  it('takes back what GET answered and changes nothing', async () => {
    const volume = { name: 'models', size: 1 };
    const { id: volumeId } = await server.api<{ id: string }>('POST', '/gpus/v2/network-volumes', volume);
    const id = await createMinimal({
      app_name: 'round-trip',
      worker_config: { max_replicas: 3, gpu_num: 2, min_cuda_version: '12.4' },
      policy: { type: 'concurrency', value: 2 },
      entrypoint: 'node',
      command: 'server.ts --name "a b"',
      envs: [{ key: 'A', value: '1' }, { key: 'EMPTY' }],
      ports: [9000, 9001],
      volumes: [
        { id: volumeId, mount_point: '/data' },
        { type: 'local', size: 5, mount_point: '/cache' },
      ],
      health_check: { path: '/healthz', port: 9001 },
    });
    const present = await server.get(id);
    const { etag } = present;
    assert.deepEqual(await put(id, present), { revision: 1, changed: {}, rollout: null, etag });
    assert.deepEqual(await server.get(id), present);
    await server.api('DELETE', `${ENDPOINTS}/${id}`);
  });

  it('tells the class of each change, and makes a revision for one class only', () =>
    withEndpoint(async (id) => {
      const settings = await put(id, { name: 'other', worker_config: { max_replicas: 2, idle_timeout: 5 } });
      assert.equal(settings.revision, 1);
      assert.equal(settings.rollout, null);
      assert.deepEqual(new Set(Object.values(settings.changed)), new Set(['settings']));
      const both = await put(id, { name: 'third', envs: [{ key: 'A', value: '1' }] });
      assert.equal(both.revision, 2);
      assert.deepEqual(both.changed, { name: 'settings', envs: 'revision' });
      assert.notEqual(both.rollout, null);
      assert.deepEqual(
        ((await server.get(id))['worker_config'] as Record<string, unknown>)['idle_timeout'],
        5,
      );
    }));

  const refused: readonly (readonly [string, unknown, number, string])[] = [
    ['an unknown product', { product_id: 'h900' }, 400, 'SERVERLESS_PRODUCT_NOT_FOUND'],
    [
      'more devices than there are',
      { worker_config: { max_replicas: 1, gpu_num: 8 } },
      400,
      'INSUFFICIENT_RESOURCE',
    ],
    ['another app_name', { app_name: 'other' }, 400, 'VALIDATOR_PARAM'],
    ['another type', { type: 'async' }, 400, 'VALIDATOR_PARAM'],
    ['another id', { id: 'abcdefabcdef' }, 400, 'VALIDATOR_PARAM'],
    ['another url', { url: 'http://example.com' }, 400, 'VALIDATOR_PARAM'],
    [
      'min above max',
      { worker_config: { max_replicas: 1, min_replicas: 2 }, name: 'x' },
      400,
      'VALIDATOR_PARAM',
    ],
    ['half a policy', { policy: { type: 'queue' }, name: 'x' }, 400, 'VALIDATOR_PARAM'],
    ['a port twice', { ports: [1, 1] }, 400, 'VALIDATOR_PARAM'],
    ['a list', [], 400, 'VALIDATOR_PARAM'],
  ];
  for (const [what, body, status, reason] of refused) {
    it(`refuses ${what} and changes nothing`, () =>
      withEndpoint(async (id) => {
        const present = await fieldsOf(id);
        const answer = await server.request('PUT', `${ENDPOINTS}/${id}`, body);
        assert.equal(answer.status, status);
        assert.equal((await refusal(answer)).reason, reason);
        assert.deepEqual(await fieldsOf(id), present);
      }));
  }

  it('refuses an endpoint that does not exist, also by GET and DELETE', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await server.request(
        method,
        `${ENDPOINTS}/nosuchpoint1`,
        method === 'PUT' ? {} : undefined,
      );
      assert.equal(answer.status, 404);
      assert.equal((await refusal(answer)).reason, 'SERVERLESS_ENDPOINT_NOT_FOUND');
    }
  });

  it('deletes: at once not for requests any more, and gone soon', async () => {
    const id = await createMinimal();
    await server.api('DELETE', `${ENDPOINTS}/${id}`);
    await server.gone(id);
    assert.ok(!(await list('limit=1000')).data.some((endpoint) => endpoint.id === id));
  });
});

describe('a list of 120 endpoints', () => {
  const ids: string[] = [];
  before(async () => {
    const names = Array.from(
      { length: 120 },
      (_, number) => `listed ${number < 30 ? 'Red' : 'blue'} ${number}`,
    );
    ids.push(...(await Promise.all(names.map((name) => createMinimal({ name })))));
  });

  async function pages(limit: number, query = ''): Promise<string[][]> {
    const seen: string[][] = [];
    let cursor = '';
    for (;;) {
      const page = await list(`limit=${limit}&cursor=${cursor}&${query}`);
      seen.push(page.data.map(({ id }) => id));
      assert.equal(page.has_more, page.next_cursor !== '');
      if (!page.has_more) return seen;
      cursor = page.next_cursor;
    }
  }

  it('comes in pages, each endpoint once', async () => {
    const seen = await pages(50, 'keyword=listed');
    assert.deepEqual(
      seen.map(({ length }) => length),
      [50, 50, 20],
    );
    assert.deepEqual(new Set(seen.flat()), new Set(ids));
    assert.equal((await list('keyword=listed')).data.length, 50, 'the default');
    assert.deepEqual(
      (await pages(60, 'keyword=listed')).map(({ length }) => length),
      [60, 60],
    );
  });

  it('is narrowed by a keyword, in the name without regard to case, and in the id', async () => {
    // With a blank, which no id has: three letters alone can be part of one.
    assert.deepEqual(new Set((await pages(20, 'keyword=lISTED%20rED')).flat()), new Set(ids.slice(0, 30)));
    assert.deepEqual((await pages(20, `keyword=${ids[7]}`)).flat(), [ids[7]]);
    assert.deepEqual((await pages(20, 'keyword=nothing-has-this')).flat(), []);
  });

  it('is narrowed by member_ids', async () => {
    const owner = (await list('limit=1')).data[0]?.owner_id ?? '';
    assert.notEqual(owner, '');
    assert.equal((await pages(1000, `keyword=listed&member_ids=${owner}`)).flat().length, 120);
    assert.equal((await pages(1000, `keyword=listed&member_ids=someone,${owner}`)).flat().length, 120);
    assert.equal((await pages(1000, 'keyword=listed&member_ids=someone')).flat().length, 0);
  });

  it('goes on where it was when endpoints before the cursor go', async () => {
    const first = await list('limit=50&keyword=listed');
    for (const { id } of first.data.slice(0, 10)) {
      await server.api('DELETE', `${ENDPOINTS}/${id}`);
      await server.gone(id);
    }
    const second = await list(`limit=50&keyword=listed&cursor=${first.next_cursor}`);
    const firstIds = new Set(first.data.map(({ id }) => id));
    assert.equal(second.data.length, 50);
    assert.ok(second.data.every(({ id }) => !firstIds.has(id)));
  });

  it('refuses a limit out of range and a cursor it never gave', async () => {
    for (const query of ['limit=-1', 'limit=1001', 'limit=x', 'cursor=nonsense']) {
      const told = await refusal(await server.request('GET', `${ENDPOINTS}?${query}`));
      assert.equal(told.reason, 'VALIDATOR_PARAM');
    }
  });
});
