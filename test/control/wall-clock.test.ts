import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { behaviourOfCommand } from '../../src/simulate/worker-behaviour.ts';
import { ControlWorld } from '../support/control-world.ts';

const HOUR_MS = 3_600_000;

describe('a wall clock that is set', () => {
  it('back does not stretch the pause of a crash loop or the idle time-out', async () => {
    const world = await ControlWorld.open();
    world.machine.behaviourOf = (order, before) =>
      behaviourOfCommand(before === 0 ? 'exit' : order.spec.command);
    const id = await world.create({ worker_config: { max_replicas: 1, idle_timeout: 5 } });
    world.traffic.arrive(id, 100);
    await world.advance(500);
    world.clock.stepWall(-HOUR_MS);
    await world.advance(2_000);
    assert.equal(world.traffic.ends.served, 1);
    world.clock.stepWall(-HOUR_MS);
    await world.advance(6_000);
    assert.equal(world.workers(id), '');
  });

  it('forward does not hold up the next decision until an old timer fires', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({
      policy: { type: 'concurrency', value: 1 },
      worker_config: { max_replicas: 3, max_concurrent_per_worker: 1, idle_timeout: 1_000 },
    });
    for (let count = 0; count < 2; count += 1) world.traffic.arrive(id, 100);
    await world.advance(2_000);
    assert.equal(world.workers(id), 'ready:1 ready:1');
    world.clock.stepWall(HOUR_MS);
    for (let count = 0; count < 3; count += 1) world.traffic.arrive(id, 5_000);
    await world.advance(10);
    assert.equal(world.workers(id), 'ready:1 ready:1 starting:1');
  });
});
