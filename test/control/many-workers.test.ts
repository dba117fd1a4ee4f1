import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CALLER, ControlWorld } from '../support/control-world.ts';

it('a thousand workers that leave together give their place in the line back together', async () => {
  const world = await ControlWorld.open({ devices: 2 });
  const id = await world.create({
    product_id: 'gpu',
    worker_config: { max_replicas: 1_000, min_replicas: 1_000 },
  });
  await world.advance(10_000);
  assert.equal(world.view(id).workers.length, 1_000);
  let looks = 0;
  const load = world.traffic.load.bind(world.traffic);
  world.traffic.load = (endpointId) => {
    looks += 1;
    return load(endpointId);
  };
  await world.answerOf(world.control.service.delete(id, CALLER));
  assert.ok(looks < 100, `the load was looked at ${looks} times`);
  await world.advance(10_000);
  assert.equal(world.machine.running, 0);
  assert.throws(() => world.view(id), { code: 'SERVERLESS_ENDPOINT_NOT_FOUND' });
});
