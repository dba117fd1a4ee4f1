import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { EndpointId } from '../../src/base/ids.ts';
import { CALLER, ControlWorld } from '../support/control-world.ts';

const PAUSED = { worker_config: { max_replicas: 0, min_replicas: 0 } };
const RESUMED = { worker_config: { max_replicas: 2, min_replicas: 1 } };

async function serving(): Promise<{ world: ControlWorld; id: EndpointId }> {
  const world = await ControlWorld.open({ rollout: { watchMs: 60_000 } });
  const id = await world.create({ worker_config: { max_replicas: 2, min_replicas: 1 } });
  await world.advance(5_000);
  assert.equal(world.workers(id), 'ready:1');
  return { world, id };
}

function stateOf(world: ControlWorld, id: EndpointId): string | undefined {
  return world.view(id).endpoint.rollout?.state;
}

it('paused: what runs ends, what waits and what comes is refused with the reason, nothing starts', async () => {
  const { world, id } = await serving();
  await world.update(id, { worker_config: { max_replicas: 1, max_concurrent_per_worker: 1 } });
  world.traffic.arrive(id, 20_000);
  world.traffic.arrive(id, 100);
  await world.advance(100);
  await world.update(id, PAUSED);
  world.traffic.arrive(id, 100);
  await world.advance(1_000);
  assert.deepEqual([world.traffic.ends.refused, world.workers(id)], [2, 'draining:1']);
  for (const { code, message } of world.traffic.refusals) {
    assert.equal(code, 'ENDPOINT_PAUSED');
    assert.match(message, /max_replicas is 0/);
  }
  assert.equal(world.view(id).status, 'stopped');
  await world.advance(60_000);
  assert.deepEqual([world.traffic.ends.served, world.workers(id)], [1, '']);
  const { starts } = world.machine;
  await world.advance(3_600_000);
  assert.equal(world.machine.starts, starts);

  await world.update(id, RESUMED);
  await world.advance(5_000);
  assert.equal(world.workers(id), 'ready:1');
  world.traffic.arrive(id, 100);
  await world.advance(1_000);
  assert.equal(world.traffic.ends.served, 2);
  await world.close();
});

it('a pause outlasts a crash of the server', async () => {
  const { world, id } = await serving();
  await world.update(id, PAUSED);
  await world.advance(1_000);
  await world.restart();
  world.traffic.arrive(id, 100);
  await world.advance(60_000);
  assert.deepEqual(
    [world.view(id).status, world.workers(id), world.traffic.ends.refused],
    ['stopped', '', 1],
  );
  await world.close();
});

it('an update of a paused endpoint starts nothing; resumed, it comes up with the new revision alone', async () => {
  const { world, id } = await serving();
  await world.update(id, PAUSED);
  await world.advance(1_000);
  await world.update(id, { command: 'start=200' });
  await world.advance(600_000);
  assert.deepEqual([world.workers(id), world.view(id).status], ['', 'stopped']);
  const plan = world.control.service.updatePlan(id, { command: 'start=400' }, CALLER);
  assert.equal(plan.forecast.outcome, 'asleep');
  await world.update(id, RESUMED);
  await world.advance(5_000);
  assert.equal(world.workers(id), 'ready:2');
  await world.advance(600_000);
  assert.equal(stateOf(world, id), 'done');
  await world.close();
});

for (const [state, afterMs] of [
  ['starting', 100],
  ['baking', 2_000],
  ['watching', 20_000],
] as const) {
  it(`a rollout that is paused with its endpoint while it is ${state} goes on when that is resumed`, async () => {
    const { world, id } = await serving();
    await world.update(id, { command: 'start=1000' });
    await world.advance(afterMs);
    assert.equal(stateOf(world, id), state);
    await world.update(id, PAUSED);
    await world.advance(60_000);
    assert.equal(world.workers(id), '');
    await world.update(id, RESUMED);
    await world.advance(600_000);
    assert.deepEqual([world.workers(id), stateOf(world, id)], ['ready:2', 'done']);
    await world.close();
  });
}

it('a paused endpoint can be renamed, retargeted and deleted', async () => {
  const world = await ControlWorld.open({ devices: 1 });
  const id = await world.create({ worker_config: { max_replicas: 1, min_replicas: 1 } });
  await world.advance(5_000);
  await world.update(id, PAUSED);
  await world.update(id, { name: 'another', product_id: 'gpu' });
  await world.advance(1_000);
  const { endpoint, revision } = world.view(id);
  assert.deepEqual([endpoint.settings.name, revision.spec.productId], ['another', 'gpu']);
  await world.update(id, { worker_config: { max_replicas: 1, min_replicas: 1 } });
  await world.advance(5_000);
  assert.deepEqual(
    world.view(id).workers.map(({ devices }) => devices),
    [['0']],
  );
  await world.update(id, PAUSED);
  await world.control.service.delete(id, CALLER);
  await world.advance(5_000);
  assert.throws(() => world.view(id), /There is no endpoint/);
  await world.close();
});
