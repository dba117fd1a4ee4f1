import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CALLER, ControlWorld } from '../support/control-world.ts';

it('what happened while a change was refused by the store is seen when it was', async () => {
  const world = await ControlWorld.open();
  const id = await world.create();
  const refused = Promise.withResolvers<void>();
  world.store.refuseNextUpdate = refused.promise;
  const update = world.control.service.update(id, { name: 'other' }, CALLER);
  await world.settle();
  world.traffic.arrive(id, 100);
  refused.resolve();
  await assert.rejects(update, { code: 'STORE_FAILED' });
  await world.settle();
  assert.equal(world.workers(id), 'starting:1');
  assert.equal(world.view(id).endpoint.settings.name, 'test');
  await world.advance(1_000);
  assert.equal(world.traffic.ends.served, 1);
});
