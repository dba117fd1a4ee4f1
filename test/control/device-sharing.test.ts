import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ControlWorld } from '../support/control-world.ts';

const ON_GPU = { product_id: 'gpu' };

it('a request that came while the only device was being taken gets it from a worker that is busy ever after', async () => {
  const world = await ControlWorld.open({ devices: 1 });
  const steady = await world.create(ON_GPU);
  const rare = await world.create(ON_GPU);
  world.traffic.arrive(steady, 50);
  // Its worker is still starting: at this moment there is nobody who could give way.
  await world.advance(100);
  world.traffic.arrive(rare, 50);
  for (let elapsedMs = 0; elapsedMs < 10_000; elapsedMs += 100) {
    world.traffic.arrive(steady, 150);
    await world.advance(100);
  }
  assert.ok(
    world.view(rare).revision.startTimeMs !== null,
    `it had no worker; its own: ${world.workers(rare)}; the other's: ${world.workers(steady)}`,
  );
  await world.close();
});

it('a worker that becomes idle gives its device to a request that waits, without a further event', async () => {
  const world = await ControlWorld.open({ devices: 1 });
  const first = await world.create(ON_GPU);
  const second = await world.create(ON_GPU);
  world.traffic.arrive(first, 3_000);
  await world.advance(400);
  world.traffic.arrive(second, 50);
  // Ready at 300 ms, it is idle from 3.3 s on: long before a busy worker's turn would end.
  await world.advance(3_800);
  assert.equal(world.traffic.ends.served, 2);
  assert.equal(world.workers(first), '');
  await world.close();
});
