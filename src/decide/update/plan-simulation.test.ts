import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointId, OwnerId } from '../../base/ids.ts';
import { planSimulation, type SimulationPlan } from './plan-simulation.ts';
import { planUpdate, type StoredEndpoint } from './plan-update.ts';

const STORED: StoredEndpoint = {
  id: 'abcdef' as EndpointId,
  type: 'sync',
  appName: 'app',
  url: 'http://127.0.0.1/e/abcdef',
  ownerId: 'owner' as OwnerId,
  createdAtMs: 0,
  settings: {
    name: 'test',
    minReplicas: 0,
    maxReplicas: 3,
    idleTimeoutSeconds: 60,
    maxConcurrentPerWorker: 2,
    requestTimeoutSeconds: 300,
    policy: { type: 'queue', value: 4 },
    healthCheck: { path: '', port: 0 },
  },
  spec: {
    productId: 'gpu',
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
};

function planned(body: unknown): SimulationPlan {
  const plan = planSimulation(STORED, body);
  assert.ok(!('faults' in plan), JSON.stringify(plan));
  return plan;
}

function faultsOf(body: unknown): Readonly<Record<string, string>> {
  const plan = planSimulation(STORED, body);
  assert.ok('faults' in plan, 'it should have been refused');
  return plan.faults;
}

test('an empty body proposes nothing and takes a week', () => {
  assert.deepEqual(planned({}), {
    proposed: { settings: STORED.settings, spec: STORED.spec },
    changed: [],
    windowMs: 7 * 86_400_000,
    trace: null,
    goals: null,
  });
});

test('settings are merged as an update merges them', () => {
  const body = {
    worker_config: { max_replicas: 5, idle_timeout: 10 },
    policy: { type: 'concurrency', value: 2 },
    product_id: 'h100',
  };
  const plan = planned(body);
  const update = planUpdate(STORED, body);
  assert.ok(!('faults' in update));
  assert.deepEqual(plan.proposed, { settings: update.settings, spec: update.spec });
  assert.deepEqual(plan.changed, Object.keys(update.changed));
});

test('faults of settings are those of an update, word by word', () => {
  for (const body of [
    { worker_config: { min_replicas: 1 } },
    { worker_config: { max_replicas: 1, min_replicas: 2 } },
    { worker_config: { max_replicas: 1, idel_timeout: 2 } },
    { worker_config: { max_replicas: 'many' }, policy: { type: 'queue' } },
    { policy: { type: 'fast', value: 0 }, product_id: '' },
    { worker_config: null },
  ]) {
    const update = planUpdate(STORED, body);
    assert.ok('faults' in update);
    assert.deepEqual(faultsOf(body), update.faults);
  }
});

test('windows', () => {
  for (const [window, expectedMs] of [
    ['90m', 5_400_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['366d', 31_622_400_000],
  ] as const) {
    assert.equal(planned({ window }).windowMs, expectedMs);
  }
  for (const window of ['0d', '367d', '999999d', '7', 'd', '1w', '-1d', '1.5h', '', 7, null]) {
    assert.deepEqual(Object.keys(faultsOf({ window })), ['window'], String(window));
  }
});

test('goals are numbers of seconds, at least one of them', () => {
  assert.deepEqual(planned({ advise: { p95_wait_seconds: 0.5, p99_wait_seconds: 3 } }).goals, {
    p50Ms: null,
    p95Ms: 500,
    p99Ms: 3_000,
  });
  assert.deepEqual(Object.keys(faultsOf({ advise: {} })), ['advise']);
  for (const value of [0, -1, '2', Infinity, Number.NaN, null, 86_401]) {
    const faults = faultsOf({ advise: { p95_wait_seconds: value } });
    assert.deepEqual(Object.keys(faults), ['advise.p95_wait_seconds'], String(value));
    assert.match(Object.values(faults)[0] ?? '', /allowed: a number from 0\.001 to 86400/);
  }
  assert.match(
    faultsOf({ advise: { p90_wait_seconds: 1 } })['advise.p90_wait_seconds'] ?? '',
    /did you mean/,
  );
  assert.deepEqual(Object.keys(faultsOf({ advise: 'p95<2s' })), ['advise']);
});

test('a trace takes the place of the window, and has a bound', () => {
  assert.deepEqual(
    { ...planned({ trace: 'QUJD' }), proposed: null },
    { proposed: null, changed: [], windowMs: null, trace: 'QUJD', goals: null },
  );
  assert.deepEqual(Object.keys(faultsOf({ trace: 'QUJD', window: '7d' })), ['window']);
  assert.deepEqual(Object.keys(faultsOf({ trace: '' })), ['trace']);
  assert.deepEqual(Object.keys(faultsOf({ trace: 'A'.repeat(4_194_305) })), ['trace']);
  assert.deepEqual(Object.keys(faultsOf({ trace: ['QUJD'] })), ['trace']);
});

test('what a simulation has no use for is refused, all faults together', () => {
  assert.deepEqual(
    Object.keys(faultsOf({ image: 'host', name: 'x', windw: '7d', window: 'x', worker_config: {} })).sort(),
    ['image', 'name', 'window', 'windw', 'worker_config.max_replicas'],
  );
  assert.deepEqual(Object.keys(faultsOf([])), ['body']);
  assert.deepEqual(Object.keys(faultsOf('x')), ['body']);
});
