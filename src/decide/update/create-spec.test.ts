import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { createEndpointSpec } from './create-spec.ts';

const KNOWN = { defaultRegionId: 'local' };
const MINIMUM = {
  type: 'sync',
  name: 'a',
  product_id: 'cpu',
  image: 'host',
  worker_config: { max_replicas: 2 },
};

test('the shortest body gets every default', () => {
  assert.deepEqual(createEndpointSpec(MINIMUM, KNOWN), {
    type: 'sync',
    appName: null,
    settings: {
      name: 'a',
      minReplicas: 0,
      maxReplicas: 2,
      idleTimeoutSeconds: 1_000,
      maxConcurrentPerWorker: 1,
      requestTimeoutSeconds: 300,
      policy: { type: 'queue', value: 4 },
      healthCheck: { path: '', port: 0 },
    },
    spec: {
      productId: 'cpu',
      regionId: 'local',
      image: 'host',
      registryAuthId: '',
      entrypoint: '',
      command: '',
      envs: [],
      ports: [],
      volumes: [],
      gpuNum: 1,
      rootfsSizeGb: 20,
      minCudaVersion: '',
    },
  });
});

test('the longest body is taken as it is', () => {
  const created = createEndpointSpec(
    {
      type: 'async',
      name: 'b',
      app_name: 'my-app-1',
      product_id: 'gpu',
      image: 'host:/srv/app',
      registry_auth_id: 'auth',
      entrypoint: '/usr/bin/env',
      command: `node server.ts --port "$PORT" 'a b'`,
      worker_config: {
        max_replicas: 5,
        min_replicas: 5,
        idle_timeout: 7,
        max_concurrent_per_worker: 8,
        gpu_num: 2,
        rootfs_size_gb: 30,
        min_cuda_version: '12.8',
        request_timeout: 9,
      },
      policy: { type: 'concurrency', value: 10 },
      health_check: { path: '/healthz', port: 9000 },
      envs: [{ key: 'A', value: '1' }, { key: 'B' }],
      ports: [8000, 9000],
      volumes: [{ id: 'v', type: 'local', size: 3, mount_point: '/data' }, { mount_point: '/more' }],
      region_id: 'elsewhere',
    },
    KNOWN,
  );
  assert.deepEqual(created, {
    type: 'async',
    appName: 'my-app-1',
    settings: {
      name: 'b',
      minReplicas: 5,
      maxReplicas: 5,
      idleTimeoutSeconds: 7,
      maxConcurrentPerWorker: 8,
      requestTimeoutSeconds: 9,
      policy: { type: 'concurrency', value: 10 },
      healthCheck: { path: '/healthz', port: 9000 },
    },
    spec: {
      productId: 'gpu',
      regionId: 'elsewhere',
      image: 'host:/srv/app',
      registryAuthId: 'auth',
      entrypoint: '/usr/bin/env',
      command: `node server.ts --port "$PORT" 'a b'`,
      envs: [
        { key: 'A', value: '1' },
        { key: 'B', value: '' },
      ],
      ports: [8000, 9000],
      volumes: [
        { id: 'v', type: 'local', size: 3, mountPoint: '/data' },
        { id: '', type: 'network', size: null, mountPoint: '/more' },
      ],
      gpuNum: 2,
      rootfsSizeGb: 30,
      minCudaVersion: '12.8',
    },
  });
});

function faultPaths(changes: object): readonly string[] {
  const result = createEndpointSpec({ ...MINIMUM, ...changes }, KNOWN);
  return 'faults' in result ? Object.keys(result.faults).toSorted() : [];
}

test('every missing field is named at once', () => {
  const result = createEndpointSpec({}, KNOWN);
  assert.ok('faults' in result);
  assert.deepEqual(Object.keys(result.faults).toSorted(), [
    'image',
    'name',
    'product_id',
    'type',
    'worker_config',
  ]);
  assert.deepEqual(faultPaths({ worker_config: {} }), ['worker_config.max_replicas']);
});

test('what only a stored endpoint has is unknown to create', () => {
  assert.deepEqual(faultPaths({ id: 'x', status: {}, url: '' }), ['id', 'status', 'url']);
});

test('app_name: its letters and its length', () => {
  for (const good of ['', 'a', '0', 'a-b', 'a--b', 'a'.repeat(255)]) {
    assert.deepEqual(faultPaths({ app_name: good }), [], good);
  }
  for (const bad of ['A', 'a_b', 'a.b', '-a', 'a-', '-', 'ä', 'a b', 'a\n', 'a'.repeat(256)]) {
    assert.deepEqual(faultPaths({ app_name: bad }), ['app_name'], bad);
  }
  const empty = createEndpointSpec({ ...MINIMUM, app_name: '' }, KNOWN);
  assert.ok('appName' in empty);
  assert.equal(empty.appName, null);
});

test('rules between and inside fields are told together with those of the schema', () => {
  assert.deepEqual(
    faultPaths({
      name: '',
      worker_config: { max_replicas: 1, min_replicas: 2, gpu_num: 0 },
      health_check: { path: 'healthz', port: 1 },
      ports: [80, 80],
      envs: [{ key: 'A' }, { key: 'A', value: 5 }, { key: '' }, { key: 'B=C' }],
      volumes: [{ mount_point: '/a' }, { mount_point: '//a/' }, { mount_point: 'b' }, {}],
      command: `a "b`,
      entrypoint: `a \\`,
      policy: { type: 'queue' },
    }),
    [
      'command',
      'entrypoint',
      'envs[1].key',
      'envs[1].value',
      'envs[2].key',
      'envs[3].key',
      'health_check.path',
      'name',
      'policy.value',
      'ports[1]',
      'volumes[1].mount_point',
      'volumes[2].mount_point',
      'volumes[3].mount_point',
      'worker_config.gpu_num',
      'worker_config.min_replicas',
    ],
  );
});

test('health port: one of ports, 0, or the default where none is declared', () => {
  assert.deepEqual(faultPaths({ health_check: { port: 8080 } }), []);
  assert.deepEqual(faultPaths({ health_check: { port: 0 }, ports: [1] }), []);
  assert.deepEqual(faultPaths({ health_check: { port: 2 }, ports: [1, 2] }), []);
  assert.deepEqual(faultPaths({ health_check: { port: 8080 }, ports: [1] }), ['health_check.port']);
  assert.deepEqual(faultPaths({ health_check: { port: 80 } }), ['health_check.port']);
});

test('any JSON is either taken or refused, and never throws', () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom(...Object.keys(MINIMUM), 'envs', 'ports', 'volumes'),
      (value, name) => {
        for (const body of [value, { ...MINIMUM, [name]: value }]) {
          const result = createEndpointSpec(body, KNOWN);
          if ('faults' in result) assert.notDeepEqual(result.faults, {});
          else assert.equal(typeof result.settings.maxReplicas, 'number');
        }
      },
    ),
  );
});
