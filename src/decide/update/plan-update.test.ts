import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import test from 'node:test';
import * as fc from 'fast-check';
import type { EndpointId, OwnerId } from '../../base/ids.ts';
import { endpointFields } from '../../model/endpoint-fields.ts';
import { CUDA_VERSIONS, POLICY_TYPES, VOLUME_TYPES } from '../../model/endpoint-schema.ts';
import type { EndpointSettings, RevisionSpec } from '../../model/endpoint.ts';
import { CHANGE_CLASSES } from './classify.ts';
import { planUpdate, type StoredEndpoint, type UpdatePlan } from './plan-update.ts';

const settings: EndpointSettings = {
  name: 'chat',
  minReplicas: 1,
  maxReplicas: 3,
  idleTimeoutSeconds: 60,
  maxConcurrentPerWorker: 4,
  requestTimeoutSeconds: 300,
  policy: { type: 'queue', value: 4 },
  healthCheck: { path: '/healthz', port: 8000 },
};
const spec: RevisionSpec = {
  productId: 'gpu',
  regionId: 'local',
  image: 'host:/srv/a',
  registryAuthId: 'auth',
  entrypoint: 'node',
  command: 'server.ts',
  envs: [
    { key: 'A', value: '1' },
    { key: 'B', value: '2' },
  ],
  ports: [8000, 9000],
  volumes: [
    { id: 'v', type: 'network', size: null, mountPoint: '/data' },
    { id: '', type: 'local', size: 5, mountPoint: '/cache' },
  ],
  gpuNum: 1,
  rootfsSizeGb: 20,
  minCudaVersion: '',
};
const stored: StoredEndpoint = storedWith(settings, spec);

function storedWith(settings: EndpointSettings, spec: RevisionSpec): StoredEndpoint {
  return {
    id: 'abcdef123456' as EndpointId,
    type: 'sync',
    appName: 'chat-1',
    url: 'http://127.0.0.1:8080/e/abcdef123456',
    ownerId: 'owner' as OwnerId,
    createdAtMs: 1_700_000_000_999,
    settings,
    spec,
  };
}

/** The endpoint as GET answers it. */
function shown(endpoint: StoredEndpoint): Record<string, unknown> {
  return {
    ...endpointFields(endpoint.settings, endpoint.spec),
    id: endpoint.id,
    type: endpoint.type,
    app_name: endpoint.appName,
    url: endpoint.url,
    member_id: endpoint.ownerId,
    owner_id: endpoint.ownerId,
    created_at: 1_700_000_000,
    status: { status: 'running', error: '', message: '' },
    workers: [{ id: 'w' }],
    revision: 3,
    rollout: { id: 'r', state: 'baking', from_revision: 2, to_revision: 3 },
  };
}

function planOf(body: unknown, from = stored): UpdatePlan {
  const plan = planUpdate(from, body);
  assert.ok(!('faults' in plan), 'faults' in plan ? JSON.stringify(plan.faults) : '');
  return plan;
}

function faultsOf(body: unknown): Readonly<Record<string, string>> {
  const plan = planUpdate(stored, body);
  return 'faults' in plan ? plan.faults : {};
}

test('a body without fields changes nothing, and what GET showed can be sent back', () => {
  assert.deepEqual(planOf({}), { settings, spec, changed: {} });
  assert.deepEqual(planOf(shown(stored)), { settings, spec, changed: {} });
});

/** One new value for each field that can change, and what it leads to. */
const CHANGES: readonly (readonly [keyof typeof CHANGE_CLASSES, unknown])[] = [
  ['name', 'other'],
  ['product_id', 'cpu'],
  ['region_id', 'elsewhere'],
  ['image', 'host:/srv/b'],
  ['registry_auth_id', ''],
  ['entrypoint', ''],
  ['command', ''],
  ['policy', { type: 'concurrency', value: 4 }],
  ['health_check', { path: '/healthz', port: 9000 }],
  ['envs', [{ key: 'A', value: '1' }]],
  ['ports', [9000, 8000]],
  ['volumes', []],
  ['worker_config.max_replicas', 4],
  ['worker_config.min_replicas', 0],
  ['worker_config.idle_timeout', 61],
  ['worker_config.max_concurrent_per_worker', 1],
  ['worker_config.request_timeout', 301],
  ['worker_config.gpu_num', 2],
  ['worker_config.rootfs_size_gb', 21],
  ['worker_config.min_cuda_version', '12.8'],
];

test('the table of changes names every field that can change', () => {
  assert.deepEqual(CHANGES.map(([path]) => path).toSorted(), Object.keys(CHANGE_CLASSES).toSorted());
});

for (const [path, value] of CHANGES) {
  test(`changing ${path} alone changes that alone, of class ${CHANGE_CLASSES[path]}`, () => {
    const key = path.startsWith('worker_config.') ? path.slice('worker_config.'.length) : undefined;
    const body = key === undefined ? { [path]: value } : { worker_config: { max_replicas: 3, [key]: value } };
    const plan = planOf(body);
    assert.deepEqual(plan.changed, { [path]: CHANGE_CLASSES[path] });
    const after = shown(storedWith(plan.settings, plan.spec));
    const before = shown(stored);
    const expected =
      key === undefined
        ? { ...before, [path]: value }
        : { ...before, worker_config: { ...(before['worker_config'] as object), [key]: value } };
    assert.deepEqual(after, expected);
  });
}

test('an empty image keeps the present one; an empty name is refused', () => {
  assert.deepEqual(planOf({ image: '' }).changed, {});
  assert.deepEqual(Object.keys(faultsOf({ name: '' })), ['name']);
});

test('the order of envs and volumes does not count, that of ports does', () => {
  const plan = planOf({
    envs: spec.envs.toReversed(),
    volumes: (shown(stored)['volumes'] as object[]).toReversed(),
  });
  assert.deepEqual(plan, { settings, spec, changed: {} });
  assert.deepEqual(planOf({ ports: spec.ports.toReversed() }).changed, { ports: 'revision' });
});

test('health_check and policy are replaced whole', () => {
  assert.deepEqual(planOf({ health_check: {} }).settings.healthCheck, { path: '', port: 0 });
  assert.deepEqual(planOf({ health_check: { port: 9000 } }).settings.healthCheck, { path: '', port: 9000 });
  assert.deepEqual(Object.keys(faultsOf({ policy: { value: 5 } })), ['policy.type']);
  assert.deepEqual(Object.keys(faultsOf({ policy: {} })), ['policy.type', 'policy.value']);
});

test('worker_config asks for max_replicas and keeps its absent keys', () => {
  assert.deepEqual(Object.keys(faultsOf({ worker_config: { gpu_num: 2 } })), ['worker_config.max_replicas']);
  assert.deepEqual(planOf({ worker_config: { max_replicas: 9 } }).settings, { ...settings, maxReplicas: 9 });
});

test('rules between fields hold for the merged endpoint', () => {
  assert.match(
    faultsOf({ worker_config: { max_replicas: 0 } })['worker_config.min_replicas'] ?? '',
    /^is 1, above max_replicas, which is 0/,
  );
  assert.match(faultsOf({ ports: [9000] })['health_check.port'] ?? '', /^is 8000, which is not one of ports/);
  assert.match(faultsOf({ ports: [] })['health_check.port'] ?? '', /8080 \(the port when none is declared\)/);
  assert.deepEqual(faultsOf({ ports: [9000], health_check: { port: 9000 } }), {});
});

test('a fault in one field is not told again of another', () => {
  assert.deepEqual(Object.keys(faultsOf({ worker_config: { max_replicas: -1, min_replicas: 5 } })), [
    'worker_config.max_replicas',
  ]);
  assert.deepEqual(Object.keys(faultsOf({ ports: ['x'], health_check: { port: 5 } })), ['ports[0]']);
});

test('a read-only field is taken when unchanged and refused as immutable when not', () => {
  const changed = {
    id: 'other',
    type: 'async',
    app_name: 'chat-2',
    url: 'http://elsewhere/',
    owner_id: 'another',
    member_id: null,
    created_at: 1_700_000_001,
  };
  for (const [name, value] of Object.entries(changed)) {
    assert.match(faultsOf({ [name]: value })[name] ?? '', /^is immutable/, name);
    assert.deepEqual(planOf({ [name]: shown(stored)[name] }).changed, {}, name);
  }
  assert.deepEqual(faultsOf({ status: 'whatever', workers: [], revision: 99, rollout: null }), {});
});

test('workers that take jobs do not become workers that are sent them, nor the other way', () => {
  const sent: StoredEndpoint = { ...stored, type: 'async' };
  const taking = { ...sent, settings: { ...settings, healthCheck: { path: '', port: 0 } } };
  const faultOf = (endpoint: StoredEndpoint, healthCheck: unknown): string | undefined => {
    const plan = planUpdate(endpoint, { health_check: healthCheck });
    return 'faults' in plan ? plan.faults['health_check.path'] : undefined;
  };
  assert.match(faultOf(sent, {}) ?? '', /^is empty, and jobs are sent .*; allowed: the path of/);
  assert.match(faultOf(taking, { path: '/ok' }) ?? '', /^is set, and the workers .* take .*; allowed: ""/);
  assert.equal(faultOf(sent, { path: '/other' }), undefined);
  assert.equal(faultOf(taking, { port: 9000 }), undefined);
  assert.equal(faultOf(stored, {}), undefined);
});

test('all faults of a body come together', () => {
  assert.deepEqual(
    Object.keys(
      faultsOf({
        max_replica: 1,
        worker_config: { max_replica: 3, request_timeout: '5' },
        type: 'async',
        envs: [{ key: 'A' }, { key: 'A' }],
        command: `'`,
        ports: [8000, 0],
      }),
    ).toSorted(),
    [
      'command',
      'envs[1].key',
      'max_replica',
      'ports[1]',
      'type',
      'worker_config.max_replica',
      'worker_config.max_replicas',
      'worker_config.request_timeout',
    ],
  );
  assert.match(
    faultsOf({ worker_config: { max_replica: 3 } })['worker_config.max_replica'] ?? '',
    /did you mean "max_replicas"\?/,
  );
});

const text = (maxLength: number, minLength = 0) =>
  fc.string({ minLength, maxLength, unit: fc.constantFrom('a', 'Z', '0', '-', '.', 'é', '😀') });
const distinct = <T>(item: fc.Arbitrary<T>, by: (value: T) => unknown) =>
  fc.uniqueArray(item, { maxLength: 5, selector: by });
const port = fc.integer({ min: 1, max: 65_535 });

/** Any legal full set of editable fields. */
const legalFields = fc
  .record({
    name: text(255, 1),
    product_id: text(9, 1),
    region_id: text(9, 1),
    image: text(20, 1),
    registry_auth_id: text(9),
    entrypoint: text(9),
    command: text(20),
    policy: fc.record({ type: fc.constantFrom(...POLICY_TYPES), value: fc.integer({ min: 1, max: 1000 }) }),
    envs: distinct(fc.record({ key: text(5, 1), value: text(5) }), (env) => env.key),
    ports: distinct(port, (value) => value),
    volumes: distinct(
      fc.record({
        id: text(5),
        type: fc.constantFrom(...VOLUME_TYPES),
        mount_point: text(5, 1).map((p) => `/x${p}`),
      }),
      (volume) => volume.mount_point,
    ),
    worker_config: fc
      .record({
        max_replicas: fc.integer({ min: 0, max: 1000 }),
        min_replicas: fc.integer({ min: 0, max: 1000 }),
        idle_timeout: fc.integer({ min: 1, max: 1000 }),
        max_concurrent_per_worker: fc.integer({ min: 1, max: 1000 }),
        gpu_num: fc.integer({ min: 1, max: 8 }),
        rootfs_size_gb: fc.integer({ min: 10, max: 100 }),
        min_cuda_version: fc.constantFrom(...CUDA_VERSIONS),
        request_timeout: fc.integer({ min: 1, max: 1800 }),
      })
      .map((config) => ({ ...config, min_replicas: Math.min(config.min_replicas, config.max_replicas) })),
    healthPath: fc.constantFrom('', '/', '/healthz'),
    healthPort: fc.nat({ max: 5 }),
  })
  .map(({ healthPath, healthPort, ...fields }) => ({
    ...fields,
    health_check: { path: healthPath, port: fields.ports[healthPort] ?? 0 },
  }));

const legalStored = legalFields.map((fields) => {
  const plan = planOf(fields);
  return storedWith(plan.settings, plan.spec);
});

test('property: what GET shows of any endpoint changes nothing when sent back', () => {
  fc.assert(
    fc.property(legalStored, (endpoint) => {
      assert.deepEqual(planOf(JSON.parse(JSON.stringify(shown(endpoint))), endpoint), {
        settings: endpoint.settings,
        spec: endpoint.spec,
        changed: {},
      });
    }),
  );
});

test('property: an update applied twice changes nothing the second time', () => {
  fc.assert(
    fc.property(legalStored, legalFields, (endpoint, body) => {
      const once = planOf(body, endpoint);
      assert.deepEqual(planOf(body, storedWith(once.settings, once.spec)), { ...once, changed: {} });
    }),
  );
});

test('property: nothing is told as changed exactly when nothing differs', () => {
  fc.assert(
    fc.property(legalStored, legalFields, fc.infiniteStream(fc.boolean()), (endpoint, body, keep) => {
      const names = Object.keys(body).filter(
        (name) => name === 'health_check' || name === 'ports' || keep.next().value,
      );
      const partial = Object.fromEntries(names.map((name) => [name, body[name as keyof typeof body]]));
      const plan = planOf(partial, endpoint);
      const same = isDeepStrictEqual(
        { settings: plan.settings, spec: plan.spec },
        { settings: endpoint.settings, spec: endpoint.spec },
      );
      assert.equal(Object.keys(plan.changed).length === 0, same);
      const revised = Object.values(plan.changed).includes('revision');
      assert.equal(revised, !isDeepStrictEqual(plan.spec, endpoint.spec));
    }),
  );
});

test('property: an absent field keeps its value', () => {
  fc.assert(
    fc.property(
      legalStored,
      legalFields,
      fc.constantFrom(...Object.keys(shown(stored))),
      (endpoint, body, name) => {
        const { [name]: _dropped, ...rest } = body as Record<string, unknown>;
        const plan = planUpdate(endpoint, rest);
        if ('faults' in plan) return;
        assert.deepEqual(shown(storedWith(plan.settings, plan.spec))[name], shown(endpoint)[name]);
      },
    ),
  );
});

test('property: any JSON is either planned or refused, and never throws', () => {
  const name = fc.constantFrom(...Object.keys(shown(stored)));
  fc.assert(
    fc.property(fc.jsonValue(), fc.dictionary(name, fc.jsonValue()), (value, body) => {
      for (const given of [value, body]) {
        const plan = planUpdate(stored, given);
        if ('faults' in plan) assert.notDeepEqual(plan.faults, {});
      }
    }),
  );
});
