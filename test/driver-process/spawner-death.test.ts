import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { ProcessDriver } from '../../src/adapters/driver-process/process-driver.ts';
import { makeDataFolder, type DataFolder } from '../support/process-world.ts';
import { untilListening } from '../support/readiness-wait.ts';
import {
  endOf,
  commandOrder,
  recordExits,
  workerOrder,
  type ExitRecorder,
} from '../support/worker-orders.ts';

let folder: DataFolder;
let driver: ProcessDriver;
let exits: ExitRecorder;

beforeEach(async () => {
  folder = await makeDataFolder();
  driver = folder.open();
  exits = recordExits(driver);
  await driver.fingerprint();
});

afterEach(async () => {
  for (const worker of await driver.list()) await driver.stop(worker.workerId, 0);
  await driver.close();
  await folder.remove();
});

function killSpawner(): void {
  assert.ok(driver.spawnerPid);
  process.kill(driver.spawnerPid, 'SIGKILL');
}

test('the driver goes on with another spawner: starts, stops and exits', async () => {
  const before = workerOrder('before');
  const stopped = workerOrder('stopped');
  const started = await driver.start(before);
  await untilListening(started);
  await untilListening(await driver.start(stopped));
  const first = driver.spawnerPid;
  killSpawner();
  const after = workerOrder('after');
  await untilListening(await driver.start(after));
  assert.notEqual(driver.spawnerPid, first);
  assert.deepEqual(await driver.recover(before.workerId), started);

  await driver.stop(stopped.workerId, 10_000);
  await driver.stop(after.workerId, 10_000);
  const record = (await driver.list()).find((worker) => worker.workerId === before.workerId);
  assert.equal(record?.running, true);
  await driver.stop(before.workerId, 10_000);
  for (const { workerId } of [before, stopped, after]) await exits.of(workerId);
  assert.equal(exits.all.length, 3);
});

test('orders that were on their way are carried out once', async () => {
  const orders = Array.from({ length: 6 }, (_, index) => commandOrder(`order${index}`, 'sleep 600'));
  const starts = orders.map((order) => driver.start(order));
  killSpawner();
  const started = await Promise.all(starts);
  assert.equal(new Set(started.map(({ addresses }) => addresses[8000]?.port)).size, 6);
  const found = await driver.list();
  assert.deepEqual(
    found.map((worker) => worker.workerId).sort(),
    orders.map((order) => order.workerId),
  );
  assert.ok(found.every((worker) => worker.running));
});

test('a stop that was under way is carried out by the next spawner', async () => {
  const order = workerOrder('stubborn', { envs: [{ key: 'IGNORE_TERM', value: '1' }] });
  await untilListening(await driver.start(order));
  const stopped = driver.stop(order.workerId, 300);
  killSpawner();
  assert.deepEqual(endOf(await stopped), { code: null, signal: null });
  await exits.of(order.workerId);
  assert.equal((await driver.list())[0]?.running, false);
});

test('an exit while no spawner runs is told once', async () => {
  const order = commandOrder('short', 'sleep 0.05');
  await driver.start(order);
  killSpawner();
  assert.deepEqual(endOf(await exits.of(order.workerId)), { code: null, signal: null });
  assert.equal(exits.all.length, 1);
});
