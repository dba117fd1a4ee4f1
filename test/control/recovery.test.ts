import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ControlWorld } from '../support/control-world.ts';

describe('a server that starts again', () => {
  it('starts also when a worker ends while it is being taken back', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ worker_config: { max_replicas: 1, min_replicas: 1 } });
    await world.advance(1_000);
    for (const workerId of world.machine.processes.keys()) world.machine.lostAtRecovery.add(workerId);
    await world.restart();
    await world.advance(5_000);
    assert.equal(world.workers(id), 'ready:1');
    assert.equal(world.machine.starts, 2);
  });

  it('finds a worker again that was starting when the former one was stopped', async () => {
    const world = await ControlWorld.open();
    world.machine.holdsStarts = true;
    const id = await world.create({
      command: 'start=5000',
      worker_config: { max_replicas: 1, min_replicas: 1 },
    });
    await world.advance(1_000);
    await world.close();
    // What the driver lets go of at its end is no end of a worker.
    await world.machine.close();
    await world.settle();
    await world.restart();
    await world.advance(5_000);
    assert.equal(world.workers(id), 'ready:1');
    assert.equal(world.machine.starts, 1);
  });
});
