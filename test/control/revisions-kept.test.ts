import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ControlWorld } from '../support/control-world.ts';

it('keeps the last 50 revisions, and older ones that are in force or still run', async () => {
  const world = await ControlWorld.open({ devices: 2 });
  const id = await world.create({ product_id: 'gpu', worker_config: { max_replicas: 1, min_replicas: 1 } });
  await world.advance(1_000);
  for (let number = 2; number <= 70; number += 1) {
    await world.update(id, { command: `never=${number}` });
    await world.advance(100);
  }
  const stored = (): number[] =>
    [...world.store.revisions.values()].map((revision) => revision.number).sort((a, b) => a - b);
  assert.deepEqual(stored(), [1, ...Array.from({ length: 49 }, (_, index) => 22 + index)]);
  await world.restart();
  await world.update(id, { command: 'start=100' });
  await world.advance(30_000);
  assert.equal(world.workers(id), 'ready:71');
  await world.update(id, { command: 'start=200' });
  await world.advance(30_000);
  assert.equal(stored().length, 50);
  assert.equal(stored()[0], 23);
});
