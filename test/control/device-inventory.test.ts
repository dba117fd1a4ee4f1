import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { EndpointId } from '../../src/base/ids.ts';
import type { DeviceView } from '../../src/model/device-view.ts';
import { CALLER, ControlWorld } from '../support/control-world.ts';
import { ScriptedDevices } from '../support/scripted-devices.ts';

const ONE = { max_replicas: 1, max_concurrent_per_worker: 1, request_timeout: 600 };
const PYTHON = { pid: 4711, name: 'python3', usedMib: 60_000 };

let devices: ScriptedDevices;

beforeEach(() => {
  devices = new ScriptedDevices();
});

async function openWorld(): Promise<ControlWorld> {
  const world = await ControlWorld.open({ deviceWatch: devices, options: { deviceOthersShare: 0.1 } });
  await world.advance(1_000);
  return world;
}

function seen(world: ControlWorld): Record<string, DeviceView['state']> {
  const { devices: list } = world.control.service.deviceList();
  return Object.fromEntries(list.map(({ id, state }) => [id, state]));
}

function free(world: ControlWorld): Record<string, string> {
  const gpus = world.control.service.productList().filter(({ type }) => type === 'gpu');
  return Object.fromEntries(
    gpus.map(({ id, available, deviceCount }) => [id, `${available} of ${deviceCount}`]),
  );
}

function deviceOf(world: ControlWorld, id: EndpointId): readonly string[] {
  return world.view(id).workers.flatMap((worker) => worker.devices);
}

describe('products of a machine', () => {
  it('are named after its devices, and `gpu` is the kind of which there are most', async () => {
    devices.put('A', { productId: 'nvidia-a10', name: 'NVIDIA A10', memoryMib: 24_000 });
    devices.put('B');
    devices.put('C');
    const world = await openWorld();
    assert.deepEqual(free(world), { gpu: '2 of 2', 'nvidia-a10': '1 of 1', 'nvidia-h100': '2 of 2' });
    const small = await world.create({
      product_id: 'nvidia-a10',
      worker_config: { ...ONE, min_replicas: 1 },
    });
    const any = await world.create({ product_id: 'gpu', worker_config: { ...ONE, min_replicas: 1 } });
    await world.advance(1_000);
    assert.deepEqual(deviceOf(world, small), ['A']);
    assert.deepEqual(deviceOf(world, any), ['B']);
    assert.deepEqual(free(world), { gpu: '1 of 2', 'nvidia-a10': '0 of 1', 'nvidia-h100': '1 of 2' });
  });

  it('share their devices under both names: one waits for the other, and takes a turn', async () => {
    devices.put('A');
    const world = await openWorld();
    const typed = await world.create({ product_id: 'nvidia-h100', worker_config: ONE });
    const any = await world.create({ product_id: 'gpu', worker_config: ONE });
    world.traffic.arrive(typed, 100);
    await world.advance(3_000);
    world.traffic.arrive(any, 100);
    await world.advance(5_000);
    assert.equal(world.traffic.ends.served, 2);
    assert.deepEqual(deviceOf(world, any), ['A']);
  });

  it('refuses more devices than are there, and a CUDA above the driver’s, with both numbers', async () => {
    devices.put('A');
    devices.cudaVersion = '12.10';
    const world = await openWorld();
    const create = (workerConfig: object): Promise<unknown> =>
      world.create({ product_id: 'gpu', worker_config: { ...ONE, ...workerConfig } });
    await assert.rejects(create({ gpu_num: 2 }), /with 2 devices of product "gpu" can never start.* has 1/);
    await assert.rejects(create({ min_cuda_version: '13.0' }), /min_cuda_version 13\.0 .* version 12\.10/);
    const id = await world.create({ product_id: 'gpu', worker_config: { ...ONE, min_cuda_version: '12.9' } });
    await assert.rejects(
      world.update(id, { worker_config: { max_replicas: 1, min_cuda_version: '13.0' } }),
      /min_cuda_version 13\.0 .* version 12\.10/,
    );
  });
});

describe('a device that others use', () => {
  it('is shown, given to no worker, and given as soon as they leave it', async () => {
    devices.put('A', { usedMib: 60_000, processes: [PYTHON] });
    const world = await openWorld();
    assert.deepEqual(seen(world), { A: 'usedByOthers' });
    assert.deepEqual(free(world), { gpu: '0 of 1', 'nvidia-h100': '0 of 1' });
    const id = await world.create({ product_id: 'gpu', worker_config: ONE });
    world.traffic.arrive(id, 100);
    await world.advance(60_000);
    assert.equal(world.workers(id), 'pending:1');
    devices.use('A', 100);
    await world.advance(2_000);
    assert.equal(world.workers(id), 'ready:1');
    assert.equal(world.traffic.ends.served, 1);
    assert.deepEqual(seen(world), { A: 'held' });
  });

  it('is told apart from one that a worker uses, also when that has just gone', async () => {
    devices.put('A');
    const world = await openWorld();
    const body = { product_id: 'gpu', worker_config: { ...ONE, min_replicas: 1 } };
    const id = await world.create(body);
    await world.advance(2_000);
    devices.use('A', 70_000);
    await world.advance(30_000);
    assert.deepEqual(seen(world), { A: 'held' });
    await world.answerOf(world.control.service.delete(id, CALLER));
    await world.advance(100);
    devices.use('A', 0);
    assert.deepEqual(seen(world), { A: 'free' }, 'the last look was at a worker of ours');
    const other = await world.create(body);
    await world.advance(2_000);
    assert.equal(world.workers(other), 'ready:1');
  });

  it('does not keep a worker from a device of which a little is in use', async () => {
    devices.put('A', { usedMib: 8_000 });
    const world = await openWorld();
    const id = await world.create({ product_id: 'gpu', worker_config: { ...ONE, min_replicas: 1 } });
    await world.advance(2_000);
    assert.equal(world.workers(id), 'ready:1');
  });
});

describe('a device that is gone', () => {
  it('is shown and not given, whether it is no longer listed or no longer reached', async () => {
    devices.put('A');
    devices.put('B');
    devices.put('C');
    const world = await openWorld();
    devices.remove('A');
    devices.put('B', { lost: true });
    await world.advance(30_000);
    assert.deepEqual(seen(world), { A: 'gone', B: 'gone', C: 'free' });
    assert.deepEqual(free(world), { gpu: '1 of 1', 'nvidia-h100': '1 of 1' });
    await assert.rejects(
      world.create({ product_id: 'gpu', worker_config: { ...ONE, gpu_num: 2 } }),
      /this machine has 1/,
    );
    const id = await world.create({ product_id: 'gpu', worker_config: { ...ONE, min_replicas: 1 } });
    await world.advance(2_000);
    assert.deepEqual(deviceOf(world, id), ['C']);
  });

  it('is given to the worker that waits when it is back', async () => {
    devices.put('A');
    const world = await openWorld();
    const id = await world.create({ product_id: 'gpu', worker_config: ONE });
    devices.put('A', { lost: true });
    await world.advance(30_000);
    world.traffic.arrive(id, 100);
    await world.advance(5_000);
    assert.equal(world.workers(id), 'pending:1');
    devices.put('A', { lost: false });
    await world.advance(2_000);
    assert.equal(world.workers(id), 'ready:1');
  });
});

describe('a look at the devices', () => {
  it('that fails changes nothing', async () => {
    devices.put('A');
    const world = await openWorld();
    devices.failing = true;
    await world.advance(120_000);
    assert.deepEqual(seen(world), { A: 'free' });
    const id = await world.create({ product_id: 'gpu', worker_config: { ...ONE, min_replicas: 1 } });
    await world.advance(2_000);
    assert.equal(world.workers(id), 'ready:1');
  });

  it('is taken twice a minute, and each second while a worker waits for a device that others use', async () => {
    devices.put('A');
    const world = await openWorld();
    const before = devices.readings;
    await world.advance(300_000);
    assert.ok(devices.readings - before <= 10, `${devices.readings - before} readings in 5 minutes`);
    devices.use('A', 70_000);
    await world.advance(31_000);
    const id = await world.create({ product_id: 'gpu', worker_config: ONE });
    world.traffic.arrive(id, 100);
    const waiting = devices.readings;
    await world.advance(10_000);
    assert.ok(devices.readings - waiting >= 8, `${devices.readings - waiting} readings in 10 seconds`);
  });
});

describe('the memory of a device', () => {
  const SWAP = { product_id: 'gpu', worker_config: { ...ONE, min_replicas: 1 } };

  it('must have come free before the next worker starts on it', async () => {
    devices.put('A');
    const world = await openWorld();
    const id = await world.create(SWAP);
    await world.advance(2_000);
    devices.use('A', 70_000);
    await world.update(id, { command: 'start=200' });
    await world.advance(5_000);
    assert.equal(world.workers(id), 'pulling:2', 'the old worker is gone, its memory is not');
    devices.use('A', 0);
    await world.advance(2_000);
    assert.equal(world.workers(id), 'ready:2');
  });

  it('that others keep fails the start, and the message says which of them', async () => {
    devices.put('A');
    const world = await openWorld();
    const id = await world.create(SWAP);
    await world.advance(2_000);
    devices.use('A', 70_000, [PYTHON]);
    await world.update(id, { command: 'start=200' });
    await world.advance(31_000);
    const [ended] = world.control.service.workerList(id, CALLER).filter(({ state }) => state === 'failed');
    assert.match(
      ended?.reason ?? '',
      /did not come free within 30 s: GPU 0 \(NVIDIA H100, A\) has 70000 of 80000 MiB in use by pid 4711 \(python3\)/,
    );
  });

  it('is not asked for again where it was seen free a moment ago', async () => {
    devices.put('A');
    const world = await openWorld();
    const id = await world.create({ product_id: 'gpu', worker_config: ONE });
    const before = devices.readings;
    world.traffic.arrive(id, 100);
    await world.advance(1_000);
    assert.equal(world.traffic.ends.served, 1);
    assert.equal(devices.readings, before);
  });
});
