import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnerId, VolumeId } from '../../../src/base/ids.ts';
import type { Log } from '../../../src/ports/log.ts';
import { CALLER, ControlWorld } from '../../support/control-world.ts';

async function made(world: ControlWorld, sizeGb = 10): Promise<VolumeId> {
  const body = { name: 'models', size: sizeGb };
  return (await world.answerOf(world.control.resources.volumeCreate(body, CALLER))).id;
}

function grow(world: ControlWorld, id: string, body: unknown): Promise<void> {
  return world.answerOf(world.control.resources.volumeUpdate(id, body, CALLER));
}

test('a volume is made with its folder, grows, is renamed, and goes with all it had', async () => {
  const world = await ControlWorld.open();
  const { resources } = world.control;
  const id = await made(world);
  assert.deepEqual([...world.volumeFolders.present], [id]);
  await grow(world, id, { size: 20 });
  await grow(world, id, { name: 'bigger', region_id: 'local' });
  await grow(world, id, {});
  const { volume, holders } = resources.volume(id, CALLER);
  assert.deepEqual(
    { ...volume, createdAtMs: 0 },
    { id, ownerId: CALLER.ownerId, name: 'bigger', sizeGb: 20, regionId: 'local', createdAtMs: 0 },
  );
  assert.deepEqual(holders, []);
  await world.restart();
  assert.deepEqual(world.control.resources.volumeList(CALLER), [{ volume, holders }]);
  const { warnings } = await world.answerOf(world.control.resources.volumeDelete(id, CALLER));
  assert.deepEqual(warnings, ['All data of the volume "bigger" is being removed.']);
  await world.settle();
  assert.deepEqual([...world.volumeFolders.present, ...world.volumeFolders.retired], []);
  assert.throws(() => world.control.resources.volume(id, CALLER), { code: 'NETWORK_STORAGE_NOT_FOUND' });
  await world.close();
});

test('bad bodies are refused, and nothing is changed', async () => {
  const world = await ControlWorld.open();
  const { resources } = world.control;
  const id = await made(world);
  const refused = async (call: Promise<unknown>, code: string, path: string) => {
    await assert.rejects(call, (error: { code: string; metadata: Record<string, string> }) => {
      assert.equal(error.code, code);
      assert.deepEqual(Object.keys(error.metadata), [path]);
      return true;
    });
  };
  const create = (body: unknown) => world.answerOf(resources.volumeCreate(body, CALLER));
  await refused(create({ name: 'v', size: 0 }), 'VALIDATOR_PARAM', 'size');
  await refused(create({ name: 'v', size: 1.5 }), 'VALIDATOR_PARAM', 'size');
  await refused(create({ name: '', size: 1 }), 'VALIDATOR_PARAM', 'name');
  await refused(create({ name: 'v', size: 1, region_id: 'mars' }), 'VALIDATOR_PARAM', 'region_id');
  await refused(create({ name: 'v', size: 1, colour: 'red' }), 'VALIDATOR_PARAM', 'colour');
  await refused(create({ name: 'v', size: 1_001 }), 'NETWORK_STORAGE_TOO_LARGE', 'size');
  await refused(grow(world, id, { size: 9 }), 'VALIDATOR_PARAM', 'size');
  await refused(grow(world, id, { size: 1_001 }), 'NETWORK_STORAGE_TOO_LARGE', 'size');
  await refused(grow(world, id, { region_id: 'mars' }), 'VALIDATOR_PARAM', 'region_id');
  await assert.rejects(grow(world, 'gone', { size: 20 }), { code: 'NETWORK_STORAGE_NOT_FOUND' });
  const other = { ownerId: 'other' as OwnerId, admin: false };
  assert.throws(() => resources.volume(id, other), { code: 'NETWORK_STORAGE_NOT_FOUND' });
  assert.deepEqual(resources.volumeList(other), []);
  assert.equal(resources.volumeList(CALLER).length, 1);
  assert.equal(resources.volume(id, CALLER).volume.sizeGb, 10);
  assert.deepEqual([...world.volumeFolders.present], [id]);
  await world.close();
});

test('two changes at once: the second sees what the first made', async () => {
  const world = await ControlWorld.open({ writeMs: 20 });
  const id = await made(world);
  const [first, second] = await Promise.allSettled([
    grow(world, id, { size: 30 }),
    grow(world, id, { size: 20 }),
  ]);
  assert.equal(first.status, 'fulfilled');
  assert.equal(second.status, 'rejected');
  assert.equal(world.control.resources.volume(id, CALLER).volume.sizeGb, 30);
  await world.close();
});

test('workers get the folder of a network volume at its mount point, and scratch for a local one', async () => {
  const world = await ControlWorld.open();
  const id = await made(world);
  const volumes = [
    { id, mount_point: '/data' },
    { type: 'local', size: 5, mount_point: '/cache' },
  ];
  await world.create({ volumes, worker_config: { max_replicas: 1, min_replicas: 1 } });
  await world.advance(1_000);
  const [process] = world.machine.processes.values();
  assert.deepEqual(process?.order.mounts, [
    { mountPoint: '/data', kind: 'network', id, hostFolder: `/volumes/${id}`, sizeGb: 10 },
    { mountPoint: '/cache', kind: 'local', id: '', hostFolder: null, sizeGb: 5 },
  ]);
  await world.close();
});

test('an endpoint that names a volume that is not there is refused, with the place', async () => {
  const world = await ControlWorld.open();
  const id = await made(world);
  const volumes = [{ id, mount_point: '/a' }, { id: 'gone', mount_point: '/b' }, { mount_point: '/c' }];
  await assert.rejects(world.create({ volumes }), (error: { code: string; metadata: object }) => {
    assert.equal(error.code, 'NETWORK_STORAGE_NOT_FOUND');
    assert.deepEqual(Object.keys(error.metadata), ['volumes[1].id', 'volumes[2].id']);
    return true;
  });
  const endpointId = await world.create({ volumes: [{ id, mount_point: '/a' }] });
  await assert.rejects(world.update(endpointId, { volumes }), { code: 'NETWORK_STORAGE_NOT_FOUND' });
  await world.close();
});

test('a volume in use is not deleted, and an update and a deletion at once do not both happen', async () => {
  const world = await ControlWorld.open({ writeMs: 20 });
  const { resources } = world.control;
  const id = await made(world);
  const endpointId = await world.create({});
  const remove = () => world.answerOf(resources.volumeDelete(id, CALLER));
  const [update, deletion] = await Promise.allSettled([
    world.update(endpointId, { volumes: [{ id, mount_point: '/data' }] }),
    remove(),
  ]);
  assert.equal(update.status, 'fulfilled');
  assert.equal(
    deletion.status === 'rejected' && (deletion.reason as { code: string }).code,
    'NETWORK_STORAGE_IN_USE',
  );
  await assert.rejects(remove(), { code: 'NETWORK_STORAGE_IN_USE', message: new RegExp(endpointId) });
  assert.deepEqual([...world.volumeFolders.present], [id]);
  await world.close();
});

test('the answers and the plan tell that "local" is deprecated, where new workers come of it', async () => {
  const world = await ControlWorld.open();
  const { service } = world.control;
  const volumes = [{ type: 'local', mount_point: '/cache' }];
  const body = { type: 'sync', name: 'v', product_id: 'cpu', image: 'host', command: 'start=1', volumes };
  const config = { worker_config: { max_replicas: 1 } };
  const { id, warnings } = await world.answerOf(service.create({ ...body, ...config }, CALLER));
  assert.match(warnings?.join() ?? '', /volumes\[0\]: the type "local" is deprecated/);
  const update = async (change: object) => await world.answerOf(service.update(id, change, CALLER));
  assert.equal((await update({ name: 'other' })).warnings, undefined);
  assert.equal((await update({ volumes })).warnings, undefined, 'nothing changed');
  assert.equal(service.updatePlan(id, { command: 'start=2' }, CALLER).warnings?.length, 1);
  assert.equal((await update({ command: 'start=2' })).warnings?.length, 1);
  assert.equal((await update({ volumes: [] })).warnings, undefined);
  await world.close();
});

test('a deletion that a crash broke off is finished or taken back, as the store says', async () => {
  const warned: string[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message, facts) => void warned.push(`${message} ${JSON.stringify(facts)}`),
    error: () => undefined,
  };
  const world = await ControlWorld.open({ log });
  const [kept, lost] = [await made(world), await made(world)];
  await world.volumeFolders.retire(kept);
  world.volumeFolders.retired.add('forgotten' as VolumeId);
  world.volumeFolders.present.add('strange' as VolumeId);
  world.volumeFolders.present.delete(lost);
  await world.restart();
  assert.deepEqual([...world.volumeFolders.present].sort(), [kept, 'strange'].sort());
  assert.deepEqual([...world.volumeFolders.retired], []);
  assert.ok(warned.some((text) => text.includes('belongs to no volume') && text.includes('strange')));
  assert.ok(warned.some((text) => text.includes('is not there') && text.includes(lost)));

  const endpointId = await world.create({
    volumes: [{ id: lost, mount_point: '/data' }],
    worker_config: { max_replicas: 1, min_replicas: 1 },
  });
  await world.advance(5_000);
  assert.match(
    world.view(endpointId).endpoint.message,
    /folder \/volumes\/.* was not there when the server started/,
  );
  assert.equal(world.machine.starts, 0);
  await world.close();
});

test('a volume that cannot be stored leaves no folder, and one that cannot be deleted keeps it', async () => {
  const world = await ControlWorld.open();
  world.storeSide.writeFaults.push('failed');
  await assert.rejects(made(world), { code: 'STORE_FAILED' });
  await world.settle();
  assert.deepEqual([...world.volumeFolders.present, ...world.volumeFolders.retired], []);
  const id = await made(world);
  world.storeSide.writeFaults.push('failed');
  await assert.rejects(world.answerOf(world.control.resources.volumeDelete(id, CALLER)), {
    code: 'STORE_FAILED',
  });
  assert.deepEqual([...world.volumeFolders.present], [id]);
  assert.equal(world.control.resources.volumeList(CALLER).length, 1);
  await world.close();
});
