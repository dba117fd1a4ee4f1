import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointId } from '../../src/base/ids.ts';
import { ControlWorld } from '../support/control-world.ts';

const ONE = { max_replicas: 1, max_concurrent_per_worker: 1, request_timeout: 60 };

describe('endpoints that share devices', () => {
  it('do not wait behind one that can never get as many as it wants', async () => {
    const world = await ControlWorld.open({ devices: 2 });
    await world.create({ product_id: 'gpu', worker_config: { ...ONE, min_replicas: 1 } });
    await world.advance(1_000);
    const large = await world.create({ product_id: 'gpu', worker_config: { ...ONE, gpu_num: 2 } });
    const small = await world.create({ product_id: 'gpu', worker_config: ONE });
    world.traffic.arrive(large, 100);
    await world.advance(1_000);
    world.traffic.arrive(small, 100);
    await world.advance(2_000);
    assert.equal(world.traffic.ends.served, 1);
    assert.equal(world.workers(large), 'pending:1');
  });

  it('ten on two devices are all served, and none waits long', async () => {
    const world = await ControlWorld.open({ devices: 2 });
    const ids: EndpointId[] = [];
    for (let count = 0; count < 10; count += 1) {
      ids.push(await world.create({ product_id: 'gpu', worker_config: { ...ONE, request_timeout: 120 } }));
    }
    for (let second = 0; second < 240; second += 1) {
      for (const [index, id] of ids.entries()) if ((second + index) % 5 === 0) world.traffic.arrive(id, 300);
      await world.advance(1_000);
    }
    await world.advance(120_000);
    const { served, refused, timedOut, broke } = world.traffic.ends;
    assert.equal(refused + timedOut + broke, 0);
    assert.equal(served, world.traffic.admitted);
  });

  it('a swap that gives up before the old worker is gone keeps its devices for the stable revision', async () => {
    const world = await ControlWorld.open({ devices: 1 });
    const id = await world.create({
      product_id: 'gpu',
      command: 'start=100 stop=8000',
      worker_config: { ...ONE, request_timeout: 10 },
    });
    const other = await world.create({ product_id: 'gpu', worker_config: ONE });
    world.traffic.arrive(id, 50);
    await world.advance(1_000);
    await world.update(id, { command: 'start=100' });
    assert.equal(world.workers(id), 'pending:2 stopping:1');
    world.traffic.arrive(other, 50);
    await world.advance(10);
    world.traffic.arrive(id, 50);
    await world.advance(7_500);
    assert.equal(world.view(id).endpoint.rollout?.state, 'failed');
    await world.advance(1_500);
    assert.equal(world.workers(id), 'ready:1');
    assert.equal(world.traffic.ends.timedOut, 0);
  });
});
