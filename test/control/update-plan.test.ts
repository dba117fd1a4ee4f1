import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { EndpointId, OwnerId } from '../../src/base/ids.ts';
import type { UpdatePreview } from '../../src/ports/endpoint-service.ts';
import { CALLER, ControlWorld } from '../support/control-world.ts';

const OLD = 'start=4000 stop=1000';
const NEW = { command: 'start=4000 stop=1000 new' };

interface Scene {
  readonly workers: number;
  readonly devices?: number;
  readonly requestsPerSecond?: number;
  readonly serviceMs?: number;
  readonly options?: Record<string, unknown>;
}

/** So many workers serve, each start and stop has been measured once, and requests come evenly. */
async function scene(given: Scene): Promise<{ world: ControlWorld; id: EndpointId }> {
  const { workers, devices, requestsPerSecond = 0, serviceMs = 200 } = given;
  const world = await ControlWorld.open(devices === undefined ? {} : { devices });
  const id = await world.create({
    product_id: devices === undefined ? 'cpu' : 'gpu',
    command: OLD,
    worker_config: { max_replicas: workers, min_replicas: workers, max_concurrent_per_worker: 2 },
  });
  await world.advance(10_000);
  // One revision before, so that a drain and a stop are known.
  await world.update(id, { command: `${OLD} second` });
  await world.advance(400_000);
  if (requestsPerSecond > 0) {
    const every = 1_000 / requestsPerSecond;
    const come = (): void => {
      if (!world.up) return;
      world.traffic.arrive(id, serviceMs);
      world.clock.schedule(every, come);
    };
    come();
    await world.advance(300_000);
  }
  return { world, id };
}

/** From the PUT to the moment in which no old worker is left. */
async function rolloutMs(world: ControlWorld, id: EndpointId): Promise<number> {
  const startMs = world.clock.monotonicMs();
  await world.update(id, NEW);
  for (;;) {
    const state = world.view(id).endpoint.rollout?.state;
    if (state === 'watching' || state === 'done') return world.clock.monotonicMs() - startMs;
    assert.ok(world.clock.monotonicMs() - startMs < 1_000_000, `it stays ${state}`);
    await world.advance(50);
  }
}

for (const [name, given] of [
  ['one worker with room', { workers: 1, devices: 2 }],
  ['one worker on a full machine', { workers: 1, devices: 1 }],
  ['four workers with room for all', { workers: 4, devices: 8 }],
  ['four workers and one spare device', { workers: 4, devices: 5 }],
  ['four workers on a full machine', { workers: 4, devices: 4 }],
  ['four workers without devices', { workers: 4 }],
  // They come evenly, where the plan expects them to come by chance: so short that it makes no difference.
  ['a loaded worker with room', { workers: 1, devices: 2, requestsPerSecond: 4, serviceMs: 100 }],
  ['four loaded workers on a full machine', { workers: 4, devices: 4, requestsPerSecond: 6 }],
] as const) {
  it(`what is foretold is what is done: ${name}`, async () => {
    const { world, id } = await scene(given);
    const { forecast } = world.control.service.updatePlan(id, NEW, CALLER);
    const tookMs = await rolloutMs(world, id);
    assert.equal(forecast.outcome, 'replaced');
    const expectedMs = forecast.durationMs ?? assert.fail('not known');
    assert.ok(
      Math.abs(expectedMs - tookMs) <= 0.1 * tookMs,
      `${expectedMs} ms expected, ${tookMs} ms it took`,
    );
    const mode = forecast.steps.find(({ action }) => action === 'start')?.mode;
    assert.equal(mode, world.view(id).endpoint.rollout?.mode);
    assert.equal(forecast.workersToReplace, given.workers);
    await world.close();
  });
}

it('who would wait for a swap is foretold', async () => {
  const { world, id } = await scene({ workers: 1, devices: 1, requestsPerSecond: 3 });
  const { forecast, requestsPerSecond } = world.control.service.updatePlan(id, NEW, CALLER);
  assert.ok(Math.abs(requestsPerSecond - 3) < 0.3, String(requestsPerSecond));
  const { waiting } = forecast;
  // 5 s without a worker: about 15 come, and those who come while these are worked off.
  assert.ok(waiting !== null && waiting.requests >= 13 && waiting.requests <= 30, JSON.stringify(waiting));
  assert.ok(waiting.longestMs > 4_500 && waiting.longestMs < 6_500, JSON.stringify(waiting));
  await world.close();
});

it('a dry run changes nothing, starts nothing and stores nothing', async () => {
  const { world, id } = await scene({ workers: 2, devices: 2, requestsPerSecond: 2 });
  const facts = (): unknown => ({
    endpoints: structuredClone([...world.store.endpoints.values()]),
    revisions: structuredClone([...world.store.revisions.values()]),
    workers: structuredClone([...world.store.workers.values()]),
    answers: world.store.answers.size,
    starts: world.machine.starts,
    running: world.machine.running,
    shown: structuredClone(world.view(id)),
    nextDueMs: world.clock.nextDueMs(),
  });
  const before = facts();
  const once = { key: 'k', fingerprint: 'f' };
  for (const body of [
    NEW,
    {},
    { worker_config: { max_replicas: 0, min_replicas: 0 } },
    { product_id: 'cpu' },
  ]) {
    world.control.service.updatePlan(id, body, CALLER, { ifMatch: '*', once });
  }
  world.control.service.rollbackPlan(id, { revision: 1 }, CALLER, { ifMatch: '*', once });
  await world.settle();
  assert.deepEqual(facts(), before);
  await world.close();
});

it('a dry run is refused for whatever the update would be refused for', async () => {
  const { world, id } = await scene({ workers: 1 });
  const code = (plan: () => UpdatePreview): string => {
    try {
      plan();
    } catch (error) {
      assert.ok(error instanceof AppError, String(error));
      return error.code;
    }
    return 'none';
  };
  const { service } = world.control;
  const stranger = { ownerId: 'stranger' as OwnerId, admin: false };
  const stale = { ifMatch: ['"1-1"'], once: null };
  assert.deepEqual(
    [
      code(() => service.updatePlan(id, { nmae: 'x' }, CALLER)),
      code(() => service.updatePlan(id, { product_id: 'tpu' }, CALLER)),
      code(() => service.updatePlan(id, NEW, CALLER, stale)),
      code(() => service.updatePlan('none', NEW, CALLER)),
      code(() => service.updatePlan(id, NEW, stranger)),
      code(() => service.rollbackPlan(id, { revision: 99 }, CALLER)),
      code(() => service.rollbackPlan(id, {}, CALLER)),
      code(() => service.rollbackPlan(id, { revision: 1 }, CALLER, stale)),
    ],
    [
      'VALIDATOR_PARAM',
      'SERVERLESS_PRODUCT_NOT_FOUND',
      'PRECONDITION_FAILED',
      'SERVERLESS_ENDPOINT_NOT_FOUND',
      'FORBIDDEN',
      'SERVERLESS_REVISION_NOT_FOUND',
      'VALIDATOR_PARAM',
      'PRECONDITION_FAILED',
    ],
  );
  await world.control.service.delete(id, CALLER);
  assert.equal(
    code(() => service.updatePlan(id, NEW, CALLER)),
    'SERVERLESS_ENDPOINT_NOT_FOUND',
  );
  await world.close();
});

it('what was never measured is said, and a rollback knows its own times', async () => {
  const world = await ControlWorld.open({ devices: 1 });
  const id = await world.create({
    product_id: 'gpu',
    command: 'start=7000 stop=500',
    worker_config: { max_replicas: 1, min_replicas: 1 },
  });
  const plan = (): UpdatePreview => world.control.service.updatePlan(id, NEW, CALLER);
  assert.deepEqual(plan().times, { pullMs: 0, startMs: null, drainMs: null, stopMs: null });
  await world.advance(10_000);
  const { forecast } = plan();
  assert.deepEqual([forecast.durationMs, forecast.unknown], [null, ['stopMs']]);
  await world.update(id, { command: 'start=1000 stop=500' });
  await world.advance(200_000);
  const known = plan();
  assert.deepEqual(known.times, { pullMs: 0, startMs: 1_000, drainMs: null, stopMs: 500 });
  assert.deepEqual(known.forecast.unknown, []);
  const back = world.control.service.rollbackPlan(id, { revision: 1 }, CALLER);
  assert.equal(back.times.startMs, 7_000);
  assert.equal((back.forecast.durationMs ?? 0) - (known.forecast.durationMs ?? 0), 6_000);
  await world.close();
});

it('price, settings alone, a sleeping endpoint and an update taken back are told', async () => {
  const world = await ControlWorld.open({ devices: 4, options: { prices: new Map([['gpu', 1.5]]) } });
  const id = await world.create({ product_id: 'gpu', command: OLD, worker_config: { max_replicas: 2 } });
  const { service } = world.control;
  const asleep = service.updatePlan(id, NEW, CALLER);
  assert.deepEqual([asleep.forecast.outcome, asleep.forecast.steps.length], ['asleep', 0]);
  assert.deepEqual(asleep.priceChange, { atMin: 0, atMax: 0 });
  const more = service.updatePlan(
    id,
    { worker_config: { max_replicas: 4, min_replicas: 1, gpu_num: 2 } },
    CALLER,
  );
  assert.deepEqual(more.priceChange, { atMin: 3, atMax: 9 });
  assert.equal(service.updatePlan(id, { product_id: 'cpu' }, CALLER).priceChange, null);

  const warm = service.updatePlan(id, { worker_config: { max_replicas: 2, min_replicas: 2 } }, CALLER);
  assert.deepEqual(
    [warm.forecast.outcome, warm.forecast.steps.map(({ action }) => action)],
    ['settled', ['start', 'start']],
  );
  await world.update(id, { worker_config: { max_replicas: 2, min_replicas: 1 } });
  await world.advance(10_000);
  await world.update(id, NEW);
  await world.advance(1_000);
  const back = service.updatePlan(id, { command: OLD }, CALLER);
  assert.deepEqual([back.forecast.outcome, back.revision], ['settled', 1]);
  assert.deepEqual(
    back.forecast.steps.map(({ action, revision }) => `${action} ${revision}`),
    ['stop 2'],
  );
  await world.close();
});
