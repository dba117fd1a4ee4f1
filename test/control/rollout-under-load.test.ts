import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ControlWorld } from '../support/control-world.ts';

describe('an update under a load that never pauses', () => {
  for (const maxReplicas of [2, 3]) {
    it(`ends on a full machine: 2 devices, max_replicas ${maxReplicas}`, async () => {
      const world = await ControlWorld.open({ devices: 2 });
      const id = await world.create({
        product_id: 'gpu',
        policy: { type: 'concurrency', value: 4 },
        worker_config: { max_replicas: maxReplicas, max_concurrent_per_worker: 4, request_timeout: 60 },
      });
      const loadFor = async (durationMs: number): Promise<void> => {
        for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += 50) {
          while (world.traffic.load(id).running + world.traffic.load(id).waiting < 20)
            world.traffic.arrive(id, 400);
          await world.advance(50);
        }
      };
      await loadFor(3_000);
      await world.update(id, { command: 'start=500' });
      await loadFor(60_000);
      assert.equal(world.view(id).endpoint.rollout?.state, 'done', world.workers(id));
      const { refused, timedOut, broke } = world.traffic.ends;
      assert.equal(refused + timedOut + broke, 0);
    });
  }

  it('gives a swapped worker back with its health as it is', async () => {
    const world = await ControlWorld.open({ devices: 1 });
    const id = await world.create({
      product_id: 'gpu',
      command: 'start=2000',
      worker_config: { max_replicas: 1, max_concurrent_per_worker: 4, request_timeout: 12 },
    });
    world.traffic.arrive(id, 100);
    await world.advance(3_000);
    world.traffic.arrive(id, 11_000);
    await world.update(id, { command: 'start=100' });
    assert.equal(world.workers(id), 'draining:1 pending:2');
    for (const workerId of world.machine.processes.keys()) world.machine.health(workerId, false);
    await world.advance(1_000);
    world.traffic.arrive(id, 100);
    await world.advance(5_500);
    assert.match(world.view(id).endpoint.rollout?.message ?? '', /put off/);
    assert.equal(world.workers(id), 'unhealthy:1');
  });
});
