import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { ProcessDriver } from '../../src/adapters/driver-process/process-driver.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { makeDataFolder, type DataFolder } from '../support/process-world.ts';
import { commandOrder, recordExits } from '../support/worker-orders.ts';

let folder: DataFolder;
let driver: ProcessDriver;
const noticed: WorkerId[] = [];
let onNotice: () => void = () => undefined;

beforeEach(async () => {
  folder = await makeDataFolder();
  noticed.length = 0;
  driver = folder.open({
    onNotice: (workerId) => {
      noticed.push(workerId);
      onNotice();
    },
  });
  await driver.fingerprint();
});

afterEach(async () => {
  for (const worker of await driver.list()) await driver.stop(worker.workerId, 0);
  await driver.close();
  await folder.remove();
});

/** Writes to its descriptor when the file is there, and lives on. */
function tells(id: string, when: string): ReturnType<typeof commandOrder> {
  const script = `while [ ! -e ${when} ]; do sleep 0.01; done; echo >&$PILOTLIGHT_READY_FD; exec sleep 600`;
  return commandOrder(id, `sh -c '${script}'`);
}

async function untilNoticed(count: number): Promise<void> {
  while (noticed.length < count) {
    await new Promise<void>((resolve) => {
      onNotice = resolve;
    });
  }
}

test('a byte on the descriptor is told once, of the worker that wrote it', async () => {
  const [first, second] = [join(folder.path, 'first'), join(folder.path, 'second')];
  await driver.start(tells('early', first));
  await driver.start(tells('late', second));
  writeFileSync(second, '');
  await untilNoticed(1);
  assert.deepEqual(noticed, ['late']);
  writeFileSync(first, '');
  await untilNoticed(2);
  assert.deepEqual(noticed, ['late', 'early']);
});

test('a worker that tells after the spawner died is heard, and not killed by its own write', async () => {
  const exits = recordExits(driver);
  const go = join(folder.path, 'go');
  const order = tells('orphan', go);
  await driver.start(order);
  assert.ok(driver.spawnerPid);
  process.kill(driver.spawnerPid, 'SIGKILL');
  writeFileSync(go, '');
  await untilNoticed(1);
  assert.deepEqual(noticed, [order.workerId]);
  assert.equal((await driver.list())[0]?.running, true);
  assert.deepEqual(exits.all, []);
});

test('a worker that knows nothing of it is told of by nobody, and ends as ever', async () => {
  const exits = recordExits(driver);
  const order = commandOrder('plain', 'true');
  await driver.start(order);
  assert.equal((await exits.of(order.workerId)).code, 0);
  assert.deepEqual(noticed, []);
});
