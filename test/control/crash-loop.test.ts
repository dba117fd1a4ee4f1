import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { behaviourOfCommand } from '../../src/simulate/worker-behaviour.ts';
import { ControlWorld } from '../support/control-world.ts';

const TWO = {
  policy: { type: 'concurrency', value: 2 },
  worker_config: { max_replicas: 2, max_concurrent_per_worker: 4, request_timeout: 600 },
};

describe('a crash loop', () => {
  it('backs off also beside a worker that serves', async () => {
    const world = await ControlWorld.open();
    world.machine.behaviourOf = (order, before) =>
      behaviourOfCommand(before === 0 ? order.spec.command : 'exit');
    const id = await world.create(TWO);
    for (let step = 0; step < 120; step += 1) {
      while (world.traffic.load(id).running + world.traffic.load(id).waiting < 4)
        world.traffic.arrive(id, 400);
      await world.advance(500);
    }
    assert.ok(world.machine.starts <= 9, `${world.machine.starts} starts in a minute`);
    assert.equal(world.traffic.ends.broke + world.traffic.ends.refused, 0);
  });

  it('with min_replicas backs off and recovers when a start works again', async () => {
    const world = await ControlWorld.open();
    world.machine.behaviourOf = (order, before) =>
      behaviourOfCommand(before < 8 ? 'exit' : order.spec.command);
    const id = await world.create({ worker_config: { max_replicas: 1, min_replicas: 1 } });
    await world.advance(60_000);
    assert.equal(world.view(id).status, 'failed');
    assert.ok(world.machine.starts <= 6, `${world.machine.starts} starts in a minute`);
    await world.advance(600_000);
    assert.equal(world.workers(id), 'ready:1');
    assert.equal(world.view(id).status, 'running');
  });

  it('is forgiven without a request once the next worker stands', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ worker_config: { max_replicas: 1, min_replicas: 1 } });
    await world.advance(1_000);
    for (const workerId of world.machine.processes.keys()) world.machine.end(workerId, 1);
    await world.advance(5_000);
    assert.equal(world.workers(id), 'ready:1');
    assert.equal(world.view(id).status, 'degraded');
    await world.advance(30_000);
    assert.equal(world.view(id).status, 'running');
    assert.equal(world.view(id).message, '');
  });

  it('is forgiven where the load that asked for the failing worker is gone', async () => {
    const world = await ControlWorld.open();
    world.machine.behaviourOf = (order, before) =>
      behaviourOfCommand(before === 0 ? order.spec.command : 'exit');
    const id = await world.create({ ...TWO, worker_config: { ...TWO.worker_config, min_replicas: 1 } });
    for (let count = 0; count < 4; count += 1) world.traffic.arrive(id, 2_000);
    await world.advance(10_000);
    assert.equal(world.view(id).status, 'degraded');
    await world.advance(600_000);
    assert.equal(world.view(id).status, 'running');
  });

  it('ends at once when the health check that nothing passed is changed', async () => {
    const world = await ControlWorld.open();
    world.machine.behaviourOf = (order, before) =>
      behaviourOfCommand(before < 4 ? 'exit' : order.spec.command);
    const id = await world.create({ worker_config: { max_replicas: 1, min_replicas: 1 } });
    await world.advance(8_000);
    assert.equal(world.workers(id), '');
    await world.update(id, { health_check: { path: '/health', port: 0 } });
    assert.equal(world.workers(id), 'starting:1');
  });
});
