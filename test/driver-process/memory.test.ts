import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { ProcessDriver } from '../../src/adapters/driver-process/process-driver.ts';
import { processStat } from '../../src/adapters/driver-process/process-table.ts';
import { WorkerCgroups } from '../../src/adapters/driver-process/worker-cgroups.ts';
import { WorkerMemory } from '../../src/adapters/driver-process/worker-memory.ts';
import { makeDataFolder, type DataFolder } from '../support/process-world.ts';
import { commandOrder, recordExits } from '../support/worker-orders.ts';

const MIB = 1_048_576;

let folder: DataFolder;
let driver: ProcessDriver;

beforeEach(async () => {
  folder = await makeDataFolder();
  driver = folder.open();
});

afterEach(async () => {
  for (const worker of await driver.list()) await driver.stop(worker.workerId, 0);
  await driver.close();
  await folder.remove();
});

/** A child that does as the script says once it is told to go, and says when that is done. */
function startChild(script: string) {
  const child = spawn(process.execPath, [
    '-e',
    `process.stdin.once("data", () => { ${script}; process.stdout.write("done"); })`,
  ]);
  const exit = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  return { child, pid: child.pid as number, exit };
}

for (const [what, cgroups] of [
  ['by its control group', WorkerCgroups.open('look')],
  ['by its process group', null],
] as const) {
  test(`the most memory that a worker was seen with is kept, ${what}`, async (context) => {
    if (what === 'by its control group' && cgroups === null) {
      context.skip('no control groups can be made here');
      return;
    }
    const memory = new WorkerMemory(cgroups);
    const { child, pid, exit } = startChild('const held = Buffer.alloc(200 * 1048576, 1)');
    // In no group of its own it is looked at with the runner's: spawned like a worker it has one.
    await memory.begin('w', pid);
    memory.watch('w', cgroups === null ? (processStat(pid)?.group ?? null) : pid);
    child.stdin.write('go');
    await once(child.stdout, 'data');
    await memory.look();
    child.kill('SIGTERM');
    await exit;
    await memory.look();
    const { peakMemoryMib, outOfMemory } = await memory.end('w');
    assert.ok(peakMemoryMib !== null && peakMemoryMib >= 200, `${peakMemoryMib} MiB`);
    assert.equal(outOfMemory, cgroups === null ? null : false);
    assert.deepEqual(
      await memory.end('w'),
      { outOfMemory: null, peakMemoryMib: null },
      'nothing is kept of it',
    );
  });
}

test('a SIGKILL is called out of memory only where the kernel says so', async (context) => {
  const cgroups = WorkerCgroups.open('trial');
  if (cgroups === null) {
    context.skip('no control groups can be made here');
    return;
  }
  const memory = new WorkerMemory(cgroups);
  const ended: Record<string, unknown> = {};
  for (const [workerId, limit, script] of [
    ['short', 64 * MIB, 'Buffer.alloc(512 * 1048576, 1); setInterval(() => 0, 1000)'],
    ['killed', 512 * MIB, 'process.kill(process.pid, "SIGKILL")'],
  ] as const) {
    // It waits until it is in its group, whose limit is set then.
    const { child, pid, exit } = startChild(script);
    await memory.begin(workerId, pid);
    memory.watch(workerId, pid);
    const v1 = join(cgroups.folder(workerId), 'memory.limit_in_bytes');
    await writeFile(existsSync(v1) ? v1 : join(cgroups.folder(workerId), 'memory.max'), String(limit));
    child.stdin.write('go');
    assert.equal(await exit, 'SIGKILL');
    ended[workerId] = (await memory.end(workerId)).outOfMemory;
    assert.equal(existsSync(cgroups.folder(workerId)), false, 'its group is taken away');
  }
  assert.deepEqual(ended, { short: true, killed: false });
});

test('a worker killed by hand is not called out of memory', async () => {
  const exits = recordExits(driver);
  const order = commandOrder('killed', `'${process.execPath}' -e 'process.kill(process.pid, "SIGKILL")'`);
  await driver.start(order);
  const exit = await exits.of(order.workerId);
  assert.equal(exit.signal, 'SIGKILL');
  assert.notEqual(exit.outOfMemory, true);
  const [found] = await driver.list();
  assert.deepEqual(found?.exit, exit, 'and all of it is kept');
});
