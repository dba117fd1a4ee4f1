import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointId } from '../../src/base/ids.ts';
import { ControlWorld } from '../support/control-world.ts';

/** A request every `everyMs` for `durationMs`. */
async function load(
  world: ControlWorld,
  id: EndpointId,
  everyMs: number,
  durationMs: number,
  serviceMs = 200,
): Promise<void> {
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += everyMs) {
    world.traffic.arrive(id, serviceMs);
    await world.advance(everyMs);
  }
}

function lost(world: ControlWorld): number {
  const { refused, timedOut, broke } = world.traffic.ends;
  return refused + timedOut + broke;
}

describe('waking and going back to zero', () => {
  it('starts a worker in the turn in which the request arrives, serves it, and releases it at the idle time-out', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ worker_config: { max_replicas: 2, idle_timeout: 5 } });
    assert.equal(world.workers(id), '');
    world.traffic.arrive(id, 100);
    assert.equal(world.workers(id), 'pulling:1');
    await world.advance(299);
    assert.equal(world.workers(id), 'starting:1');
    await world.advance(101);
    assert.equal(world.traffic.ends.served, 1);
    await world.advance(4_900);
    assert.equal(world.workers(id), 'ready:1');
    await world.advance(200);
    assert.equal(world.workers(id), '');
    assert.equal(world.machine.running, 0);
  });

  it('keeps min_replicas and starts them without a request', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ worker_config: { max_replicas: 3, min_replicas: 2, idle_timeout: 1 } });
    await world.advance(1_000);
    assert.equal(world.workers(id), 'ready:1 ready:1');
    await world.advance(60_000);
    assert.equal(world.workers(id), 'ready:1 ready:1');
  });

  it('scales by concurrency up to max and back', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({
      policy: { type: 'concurrency', value: 2 },
      worker_config: { max_replicas: 3, max_concurrent_per_worker: 4, idle_timeout: 5, request_timeout: 600 },
    });
    for (let count = 0; count < 10; count += 1) world.traffic.arrive(id, 5_000);
    await world.advance(1_000);
    assert.equal(world.workers(id), 'ready:1 ready:1 ready:1');
    await world.advance(30_000);
    assert.equal(world.workers(id), '');
    assert.equal(world.traffic.ends.served, 10);
  });

  it('backs off when workers crash and refuses with the reason after three failures', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ command: 'exit' });
    world.traffic.arrive(id, 100);
    await world.advance(10_000);
    assert.equal(world.traffic.ends.refused, 1);
    assert.equal(world.traffic.refusals[0]?.code, 'ENDPOINT_FAILED');
    assert.equal(world.view(id).status, 'failed');
    assert.match(world.view(id).error, /exited with code 1/);
    assert.ok(world.machine.starts <= 4, `${world.machine.starts} starts`);
  });
});

describe('an update', () => {
  for (const [name, devices, product] of [
    ['surges where a place is free', 2, 'gpu'],
    ['swaps where no device is free', 1, 'gpu'],
    ['surges without devices', 0, 'cpu'],
  ] as const) {
    it(`${name} and loses nothing`, async () => {
      const world = await ControlWorld.open({ devices });
      const id = await world.create({
        product_id: product,
        worker_config: { max_replicas: 1, max_concurrent_per_worker: 4, request_timeout: 60 },
      });
      await load(world, id, 100, 3_000);
      await world.update(id, { command: 'start=500' });
      await load(world, id, 100, 20_000);
      await world.advance(5_000);
      assert.equal(lost(world), 0, JSON.stringify(world.traffic.ends));
      assert.equal(world.view(id).endpoint.stableRevision, 2);
      assert.equal(world.view(id).endpoint.rollout?.state, 'done');
      assert.equal(world.view(id).endpoint.rollout?.mode, devices === 1 ? 'swap' : 'surge');
      assert.equal(world.view(id).status, 'running');
    });

    it(`to a command that exits at once is undone, with the reason: ${name}`, async () => {
      const world = await ControlWorld.open({ devices });
      const id = await world.create({ product_id: product });
      await load(world, id, 100, 3_000);
      await world.update(id, { command: 'exit' });
      await load(world, id, 100, 20_000);
      await world.advance(5_000);
      assert.equal(lost(world), 0, JSON.stringify(world.traffic.ends));
      const view = world.view(id);
      assert.equal(view.endpoint.rollout?.state, 'failed');
      assert.equal(view.endpoint.stableRevision, 1);
      assert.equal(view.status, 'running');
      assert.match(view.message, /revision 2 failed.*exited with code 1.*its last line/s);
      assert.equal(world.workers(id), 'ready:1');
    });

    it(`to a command that never gets healthy is undone in time for those that wait: ${name}`, async () => {
      const world = await ControlWorld.open({ devices, options: { startDeadlineMs: 40_000 } });
      const id = await world.create({
        product_id: product,
        worker_config: { max_replicas: 1, max_concurrent_per_worker: 4, request_timeout: 20 },
      });
      await load(world, id, 100, 3_000);
      await world.update(id, { command: 'never' });
      await load(world, id, 250, 60_000);
      await world.advance(30_000);
      assert.equal(lost(world), 0, JSON.stringify(world.traffic.ends));
      assert.equal(world.view(id).endpoint.rollout?.state, 'failed');
      assert.match(world.view(id).message, devices === 1 ? /gave way/ : /not ready within/);
    });

    it(`to one that answers 500 is undone after its sample: ${name}`, async () => {
      const world = await ControlWorld.open({ devices });
      const id = await world.create({ product_id: product });
      world.traffic.statusOf = (revision) => (revision === 2 ? 500 : 200);
      await load(world, id, 100, 3_000);
      await world.update(id, { command: 'start=200' });
      await load(world, id, 100, 20_000);
      await world.advance(5_000);
      assert.equal(lost(world), 0);
      assert.ok(world.traffic.ends.answered5xx <= 20, `${world.traffic.ends.answered5xx} answered 5xx`);
      assert.ok(world.traffic.ends.answered5xx > 0);
      assert.equal(world.view(id).endpoint.rollout?.state, 'failed');
      assert.match(world.view(id).message, /requests failed on it/);
    });
  }

  it('at zero workers starts nothing until the next request, which wakes the target', async () => {
    const world = await ControlWorld.open();
    const id = await world.create();
    await world.update(id, { command: 'start=100' });
    assert.equal(world.workers(id), '');
    assert.equal(world.view(id).status, 'running');
    world.traffic.arrive(id, 50);
    assert.equal(world.workers(id), 'pulling:2');
    await world.advance(11_000);
    assert.equal(world.traffic.ends.served, 1);
    assert.equal(world.view(id).endpoint.stableRevision, 2);
  });

  it('at zero workers to a broken revision serves the waiting request by the stable one', async () => {
    const world = await ControlWorld.open();
    const id = await world.create();
    await world.update(id, { command: 'exit' });
    world.traffic.arrive(id, 50);
    await world.advance(11_000);
    assert.equal(lost(world), 0);
    assert.equal(world.traffic.ends.served, 1);
    assert.equal(world.view(id).endpoint.stableRevision, 1);
    assert.equal(world.view(id).endpoint.rollout?.state, 'failed');
  });

  it('of settings alone restarts nothing', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ worker_config: { max_replicas: 2, min_replicas: 1 } });
    await world.advance(1_000);
    const before = world.machine.starts;
    await world.update(id, {
      name: 'renamed',
      policy: { type: 'concurrency', value: 3 },
      worker_config: { max_replicas: 5 },
    });
    await world.advance(10_000);
    assert.equal(world.machine.starts, before);
    assert.equal(world.view(id).endpoint.lastRevision, 1);
    assert.equal(world.view(id).endpoint.settings.minReplicas, 1);
  });

  it('is superseded by a newer one, and by its own taking back', async () => {
    const world = await ControlWorld.open({ devices: 2 });
    const id = await world.create({ product_id: 'gpu' });
    await load(world, id, 100, 2_000);
    await world.update(id, { command: 'never' });
    await load(world, id, 100, 2_000);
    await world.update(id, { command: 'start=200' });
    await load(world, id, 100, 20_000);
    assert.equal(world.view(id).endpoint.stableRevision, 3);
    await world.update(id, { command: 'never' });
    await load(world, id, 100, 1_000);
    await world.update(id, { command: 'start=200' });
    assert.equal(world.view(id).endpoint.lastRevision, 4);
    assert.equal(world.view(id).endpoint.targetRevision, null);
    await load(world, id, 100, 15_000);
    assert.equal(world.workers(id), 'ready:3');
    assert.equal(lost(world), 0, JSON.stringify(world.traffic.ends));
  });

  it('replaces three busy workers one by one without falling below the need', async () => {
    const world = await ControlWorld.open({ devices: 4 });
    const id = await world.create({
      product_id: 'gpu',
      policy: { type: 'concurrency', value: 4 },
      worker_config: { max_replicas: 3, min_replicas: 3, max_concurrent_per_worker: 4, request_timeout: 60 },
    });
    await load(world, id, 20, 3_000);
    assert.equal(world.workers(id), 'ready:1 ready:1 ready:1');
    await world.update(id, { command: 'start=400' });
    for (let step = 0; step < 150; step += 1) {
      await load(world, id, 20, 200);
      const ready = world.view(id).workers.filter((worker) => worker.state === 'ready').length;
      assert.ok(ready >= 3, `only ${world.workers(id)}`);
      if (world.view(id).endpoint.rollout?.state === 'done') break;
    }
    // The last old one has left the service; its process still ends.
    await load(world, id, 20, 200);
    assert.equal(world.workers(id), 'ready:2 ready:2 ready:2');
    assert.equal(lost(world), 0);
  });

  it('of a full fleet by swaps is over when the last successor is ready, not when the last old one is gone', async () => {
    const world = await ControlWorld.open({ devices: 3 });
    const id = await world.create({
      product_id: 'gpu',
      command: 'stop=2000',
      worker_config: { max_replicas: 3, min_replicas: 3, request_timeout: 60 },
    });
    await world.advance(5_000);
    await world.update(id, { command: 'start=5000 stop=2000' });
    const state = () => world.view(id).endpoint.rollout?.state;
    const alone: string[] = [];
    for (let step = 0; step < 1_000 && state() !== 'watching'; step += 1) {
      await world.advance(100);
      const workers = world.workers(id);
      if (state() === 'rolling' && !workers.includes('ready:1')) alone.push(workers);
    }
    assert.equal(world.workers(id), 'ready:2 ready:2 ready:2');
    assert.ok(alone.includes('pending:2 ready:2 ready:2 stopping:1'), alone.join(', '));
    assert.ok(alone.includes('ready:2 ready:2 starting:2'), alone.join(', '));
  });

  it('changes gpu_num on a full machine', async () => {
    const world = await ControlWorld.open({ devices: 4 });
    const id = await world.create({
      product_id: 'gpu',
      worker_config: { max_replicas: 4, min_replicas: 4, max_concurrent_per_worker: 4, request_timeout: 60 },
    });
    await load(world, id, 50, 3_000);
    await world.update(id, { worker_config: { max_replicas: 2, min_replicas: 2, gpu_num: 2 } });
    await load(world, id, 50, 40_000);
    assert.equal(world.workers(id), 'ready:2 ready:2');
    assert.equal(lost(world), 0, JSON.stringify(world.traffic.ends));
  });
});
