import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointId } from '../../src/base/ids.ts';
import type { Worker } from '../../src/model/worker.ts';
import { CALLER, ControlWorld } from '../support/control-world.ts';

const ONE = { max_replicas: 1, max_concurrent_per_worker: 2, request_timeout: 60 };

function ended(world: ControlWorld, id: EndpointId): readonly Worker[] {
  return world.control.service.workerList(id, CALLER).filter(({ endedAtMs }) => endedAtMs !== null);
}

describe('a worker that is over', () => {
  it('keeps how it ended, the end of its output and its last requests, those that broke with it too', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ command: 'start=300 dies=1000', worker_config: ONE });
    world.traffic.arrive(id, 100);
    await world.advance(800);
    world.traffic.arrive(id, 5_000);
    await world.advance(1_000);
    const [worker] = ended(world, id);
    assert.equal(worker?.state, 'failed');
    assert.equal(worker?.exit?.code, 1);
    assert.equal(worker?.lastOutput, 'its last line');
    assert.deepEqual(
      worker?.lastRequests.map(({ outcome }) => outcome),
      ['broke', 'complete'],
    );
  });

  it('keeps all that in the store: the next server shows it too', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ command: 'start=300 dies=1000', worker_config: ONE });
    world.traffic.arrive(id, 100);
    await world.advance(2_000);
    const [before] = ended(world, id);
    assert.notEqual(before?.lastOutput, '');
    await world.restart();
    assert.deepEqual(
      ended(world, id).find((worker) => worker.id === before?.id),
      before,
    );
  });

  it('is one of twenty that are kept of an endpoint', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ worker_config: { ...ONE, idle_timeout: 1 } });
    for (let round = 0; round < 25; round += 1) {
      world.traffic.arrive(id, 10);
      await world.advance(5_000);
    }
    assert.equal(ended(world, id).length, 20);
    assert.equal((await world.store.workerList()).length, 20 + world.view(id).workers.length);
  });

  it('is not written again once its endpoint is gone', async () => {
    const world = await ControlWorld.open({ callMs: 50 });
    const id = await world.create({ worker_config: { ...ONE, min_replicas: 1 } });
    world.traffic.arrive(id, 3_000);
    await world.advance(1_000);
    await world.answerOf(world.control.service.delete(id, CALLER));
    await world.advance(10_000);
    assert.deepEqual(await world.store.workerList(), []);
    world.check();
  });
});
