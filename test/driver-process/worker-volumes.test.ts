import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { volumeVariable } from '../../src/adapters/driver-process/worker-volumes.ts';
import type { ProcessDriver } from '../../src/adapters/driver-process/process-driver.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import type { WorkerMount } from '../../src/ports/driver.ts';
import { askServing, makeDataFolder, SERVING, type DataFolder } from '../support/process-world.ts';
import { untilListening } from '../support/readiness-wait.ts';
import { commandOrder, recordExits, workerOrder, type ExitRecorder } from '../support/worker-orders.ts';

let folder: DataFolder;
let driver: ProcessDriver;
let exits: ExitRecorder;
let shared: string;
let mounts: readonly WorkerMount[];

before(async () => {
  folder = await makeDataFolder();
  shared = join(folder.path, 'volume');
  await mkdir(shared);
  await writeFile(join(shared, 'weights'), 'shared');
  mounts = [
    { mountPoint: '/models', kind: 'network', id: 'v1', hostFolder: shared, sizeGb: 1 },
    { mountPoint: '/srv/llm-cache/', kind: 'local', id: '', hostFolder: null, sizeGb: null },
  ];
  driver = folder.open();
  exits = recordExits(driver);
  await driver.fingerprint();
});

after(async () => {
  for (const worker of await driver.list()) await driver.stop(worker.workerId, 0);
  await driver.close();
  await folder.remove();
});

test('a variable is made of the mount point', () => {
  assert.equal(volumeVariable('/models'), 'PILOTLIGHT_VOLUME_MODELS');
  assert.equal(volumeVariable('/srv/llm-cache/'), 'PILOTLIGHT_VOLUME_SRV_LLM_CACHE');
  assert.equal(volumeVariable('//a..b//'), 'PILOTLIGHT_VOLUME_A_B');
});

test('a worker finds the folder of each volume in a variable, also in its command', async () => {
  const order = workerOrder('told', { command: 'serving.mjs --model $PILOTLIGHT_VOLUME_MODELS/weights' });
  const started = await driver.start({ ...order, mounts });
  await untilListening(started, 8000);
  const address = started.addresses[8000];
  assert.ok(address);
  const { env, words } = await askServing(address);
  const scratch = join(folder.path, 'workers', 'told', 'scratch', '1');
  assert.equal(env['PILOTLIGHT_VOLUME_MODELS'], shared);
  assert.equal(env['PILOTLIGHT_VOLUME_SRV_LLM_CACHE'], scratch);
  assert.deepEqual(words, ['--model', `${shared}/weights`]);
  assert.deepEqual(readdirSync(scratch), []);
});

test('scratch is gone after its worker, and what is shared stays', async () => {
  const order = commandOrder('gone', `sh -c 'echo x > "$PILOTLIGHT_VOLUME_SRV_LLM_CACHE/file"'`);
  await driver.start({ ...order, mounts });
  await exits.of('gone' as WorkerId);
  // The spawner ends only when what it has begun is done.
  await driver.close();
  assert.deepEqual(readdirSync(join(folder.path, 'workers', 'gone')).includes('scratch'), false);
  assert.ok(existsSync(join(shared, 'weights')));
  driver = folder.open();
});

test('scratch that a crash left behind is gone when the next server has looked', async () => {
  const left = join(folder.path, 'workers', 'gone', 'scratch');
  await mkdir(left);
  await driver.list();
  assert.equal(existsSync(left), false);
});

test('mount points that make no name, or the same one, are refused with their place', () => {
  const volumes = (...mountPoints: readonly string[]) =>
    mountPoints.map((mountPoint) => ({ id: 'v1', type: 'network' as const, size: null, mountPoint }));
  const refusal = (...mountPoints: readonly string[]) =>
    driver.refusal({ ...SERVING, volumes: volumes(...mountPoints) });
  assert.equal(refusal('/a', '/b'), null);
  assert.deepEqual(Object.keys(refusal('/a-b', '/a/b')?.metadata ?? {}), ['volumes[1].mount_point']);
  assert.deepEqual(Object.keys(refusal('/')?.metadata ?? {}), ['volumes[0].mount_point']);
});
