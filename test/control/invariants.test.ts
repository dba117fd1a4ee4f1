import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { EndpointId, WorkerId } from '../../src/base/ids.ts';
import { rolloutIsOver } from '../../src/model/rollout-state.ts';
import { ControlWorld } from '../support/control-world.ts';

/**
 * Whole worlds from a seed: several endpoints that share devices, requests, updates good and bad,
 * changed limits, crashed workers, server restarts. What may never happen is asserted at every step
 * by the world itself, what must happen in the end is asserted here. A failure prints the seed and
 * the shrunk list of steps.
 */
type Step =
  | { readonly kind: 'arrive'; readonly endpoint: number; readonly count: number; readonly serviceMs: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'update'; readonly endpoint: number; readonly command: string }
  | { readonly kind: 'limits'; readonly endpoint: number; readonly min: number; readonly max: number }
  | { readonly kind: 'gpus'; readonly endpoint: number; readonly gpus: number }
  | { readonly kind: 'crash'; readonly pick: number }
  | { readonly kind: 'health'; readonly pick: number; readonly healthy: boolean }
  | { readonly kind: 'wall'; readonly ms: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'delete'; readonly endpoint: number };

const endpoint = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('arrive' as const),
      endpoint,
      count: fc.integer({ min: 1, max: 12 }),
      serviceMs: fc.integer({ min: 1, max: 8_000 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('update' as const),
      endpoint,
      command: fc.constantFrom(
        'start=100',
        'start=2000',
        'exit',
        'never',
        'start=50 dies=3000',
        'start=300 stop=2000',
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('limits' as const),
      endpoint,
      min: fc.nat({ max: 2 }),
      max: fc.integer({ min: 0, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('gpus' as const),
      endpoint,
      gpus: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('health' as const), pick: fc.nat(), healthy: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wall' as const),
      ms: fc.integer({ min: -3_600_000, max: 3_600_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), endpoint }) },
);

interface Ids {
  readonly ids: (EndpointId | null)[];
}

async function apply(world: ControlWorld, { ids }: Ids, action: Step): Promise<void> {
  const id = 'endpoint' in action ? (ids[action.endpoint] ?? null) : null;
  switch (action.kind) {
    case 'arrive':
      if (id !== null)
        for (let count = 0; count < action.count; count += 1) world.traffic.arrive(id, action.serviceMs);
      return await world.settle();
    case 'advance':
      return await world.advance(action.ms);
    case 'update':
      if (id !== null) await world.update(id, { command: action.command });
      return;
    case 'limits':
      if (id !== null) {
        await world.update(id, {
          worker_config: { min_replicas: Math.min(action.min, action.max), max_replicas: action.max },
        });
      }
      return;
    case 'gpus':
      if (id !== null) {
        await world.update(id, {
          worker_config: { max_replicas: world.view(id).endpoint.settings.maxReplicas, gpu_num: action.gpus },
        });
      }
      return;
    case 'crash': {
      const picked = pickWorker(world, action.pick);
      if (picked !== null) world.machine.end(picked, 137);
      return await world.settle();
    }
    case 'health': {
      const picked = pickWorker(world, action.pick);
      if (picked !== null) world.machine.health(picked, action.healthy);
      return await world.settle();
    }
    case 'wall':
      world.clock.stepWall(action.ms);
      return await world.settle();
    case 'restart':
      return await world.restart();
    case 'delete':
      if (id !== null) {
        await world.control.service.delete(id, { ownerId: 'owner' as never, admin: true });
        ids[action.endpoint] = null;
      }
      return await world.settle();
  }
}

function pickWorker(world: ControlWorld, pick: number): WorkerId | null {
  const running = [...world.machine.processes].filter(([, worker]) => worker.running);
  return running[pick % Math.max(1, running.length)]?.[0] ?? null;
}

/** Gives every endpoint a sound revision, lets all traffic end, and checks what must then be true. */
async function conclude(world: ControlWorld, { ids }: Ids, steps: readonly Step[]): Promise<void> {
  for (const id of ids) {
    if (id === null) continue;
    await world.update(id, {
      command: 'start=100 stop=20',
      worker_config: { min_replicas: 0, max_replicas: 2 },
    });
    world.traffic.arrive(id, 100);
  }
  await world.advance(3_000_000);
  const startsLimit = 60 + 12 * steps.length;
  assert.ok(world.machine.starts <= startsLimit, `${world.machine.starts} starts, at most ${startsLimit}`);
  assert.equal(world.traffic.open, 0, 'every request has ended');
  const { served, refused, timedOut, broke, answered5xx, cut } = world.traffic.ends;
  assert.equal(
    served + refused + timedOut + broke + answered5xx + cut,
    world.traffic.admitted,
    'each exactly once',
  );
  assert.ok(
    world.traffic.maxConcurrentSeen <= 3,
    `${world.traffic.maxConcurrentSeen} at once on a worker of 3 slots`,
  );
  assert.equal(world.machine.running, 0, 'at zero traffic an endpoint with min 0 reaches 0');
  for (const id of ids) {
    if (id === null) continue;
    const { rollout } = world.view(id).endpoint;
    assert.ok(
      rollout === null || rolloutIsOver(rollout.state),
      `a rollout ends, this one is ${rollout?.state}`,
    );
    assert.equal(world.workers(id), '');
  }
  const harmful = steps.some(
    (action) =>
      action.kind === 'crash' ||
      action.kind === 'health' ||
      action.kind === 'restart' ||
      (action.kind === 'update' && action.command.includes('dies')),
  );
  if (!harmful) assert.equal(broke, 0, 'no request is cut unless a worker died');
}

async function run(seed: number, devices: number, steps: readonly Step[]): Promise<void> {
  const world = await ControlWorld.open({
    devices,
    seed,
    options: { startDeadlineMs: 60_000 },
    rollout: { watchMs: 20_000, drainDeadlineMs: 5_000 },
  });
  const shared = { max_replicas: 2, max_concurrent_per_worker: 3, request_timeout: 120, idle_timeout: 10 };
  const ids: Ids = {
    ids: [
      await world.create({ product_id: 'gpu', worker_config: shared }),
      await world.create({
        product_id: 'gpu',
        worker_config: shared,
        policy: { type: 'concurrency', value: 2 },
      }),
      await world.create({ product_id: 'cpu', worker_config: shared }),
    ],
  };
  for (const action of steps) await apply(world, ids, action);
  await conclude(world, ids, steps);
  await world.close();
}

/** One endpoint that has room beside it, under a load that never pauses, changed by sound and broken updates. */
async function runWithRoom(
  seed: number,
  min: number,
  gpu: boolean,
  commands: readonly string[],
): Promise<void> {
  const devices = gpu ? 2 * min + 2 : 0;
  const world = await ControlWorld.open({ devices, seed, options: { startDeadlineMs: 20_000 } });
  const id = await world.create({
    product_id: gpu ? 'gpu' : 'cpu',
    policy: { type: 'concurrency', value: 3 },
    worker_config: { min_replicas: min, max_replicas: 2 * min, max_concurrent_per_worker: 3 },
  });
  await world.advance(1_000);
  const loadFor = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      for (let count = 0; count < 2 * min; count += 1) world.traffic.arrive(id, 900);
      await world.advance(500);
      const ready = world.view(id).workers.filter((worker) => worker.state === 'ready').length;
      assert.ok(ready >= min, `min_replicas is ${min}: ${world.workers(id)}`);
    }
  };
  for (const command of commands) {
    await world.update(id, { command });
    await loadFor(1 + (seed % 30));
  }
  // Two starts that run into their deadline, or the bake and a replacement for each worker.
  await loadFor(100);
  const { rollout } = world.view(id).endpoint;
  assert.ok(rollout === null || rolloutIsOver(rollout.state), `${rollout?.state}: ${world.workers(id)}`);
  await world.advance(60_000);
  assert.equal(world.traffic.ends.served, world.traffic.admitted);
  await world.close();
}

const RUNS = Number(process.env['PILOTLIGHT_WORLDS'] ?? 150);

it(`holds the design's invariants in ${RUNS} seeded worlds`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.integer({ min: 2, max: 4 }),
      fc.array(step, { minLength: 1, maxLength: 40 }),
      run,
    ),
    { numRuns: RUNS },
  );
});

it('keeps min_replicas ready and ends every rollout where there is room, whatever the updates', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.array(fc.constantFrom('start=100', 'start=2000 stop=3000', 'exit', 'never'), {
        minLength: 1,
        maxLength: 4,
      }),
      runWithRoom,
    ),
    {
      numRuns: Math.ceil(RUNS / 10),
      // Superseded while its first worker is being proven: the place above the maximum is still taken.
      examples: [[0, 1, false, ['start=100', 'start=100', 'exit']]],
    },
  );
});
