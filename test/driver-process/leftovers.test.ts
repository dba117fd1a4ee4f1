import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { WorkerId } from '../../src/base/ids.ts';
import type { ProcessDriver } from '../../src/adapters/driver-process/process-driver.ts';
import { processLives, processStart } from '../../src/adapters/driver-process/process-table.ts';
import type { ProcessRecord } from '../../src/adapters/driver-process/process-record.ts';
import { askServing, makeDataFolder, type DataFolder } from '../support/process-world.ts';
import { untilListening } from '../support/readiness-wait.ts';
import { endOf, commandOrder, recordExits, workerOrder } from '../support/worker-orders.ts';

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

function recordPath(workerId: string): string {
  return join(folder.path, 'workers', workerId, 'worker.json');
}

async function readRecordOf(workerId: string): Promise<ProcessRecord> {
  return JSON.parse(await readFile(recordPath(workerId), 'utf8')) as ProcessRecord;
}

async function restart(): Promise<void> {
  await driver.close();
  driver = folder.open();
}

/** A worker with two children: one in its process group, one that left it. */
async function startFamily(id: string): Promise<{ pid: number; children: number[] }> {
  const started = await driver.start(workerOrder(id, { envs: [{ key: 'CHILDREN', value: '1' }] }));
  await untilListening(started);
  const { text } = await driver.logs(id as WorkerId, 65_536);
  const [, inside, outside] = /children (\d+) (\d+)/.exec(text) ?? [];
  const { addresses } = started;
  assert.ok(addresses[8000]);
  const { pid } = await askServing(addresses[8000]);
  const children = [Number(inside), Number(outside)];
  assert.ok([pid, ...children].every((each) => processLives(each, null)));
  return { pid, children };
}

function assertGone(pids: readonly number[]): void {
  assert.deepEqual(
    pids.filter((pid) => processLives(pid, null)),
    [],
  );
}

test('stop ends the children too, also one that left the process group', async () => {
  const { pid, children } = await startFamily('stopped');
  await driver.stop('stopped' as WorkerId, 30_000);
  assertGone([pid, ...children]);
});

test('when a worker ends by itself, its children are gone before its exit is told', async () => {
  const exits = recordExits(driver);
  const { pid, children } = await startFamily('ended');
  process.kill(pid, 'SIGTERM');
  assert.deepEqual(endOf(await exits.of('ended' as WorkerId)), { code: null, signal: 'SIGTERM' });
  assertGone([pid, ...children]);
});

test('children of a worker that ended while no server ran are ended by list', async () => {
  const { pid, children } = await startFamily('unwatched');
  await driver.close();
  process.kill(pid, 'SIGKILL');
  while (processLives(pid, null)) await new Promise((resolve) => setImmediate(resolve));
  driver = folder.open();
  const exits = recordExits(driver);
  const [found] = await driver.list();
  assert.equal(found?.running, false);
  assert.deepEqual(endOf(found?.exit), { code: null, signal: null });
  assertGone(children);
  assert.equal(exits.all.length, 0);
});

test('a worker whose record was not completed, or is lost, is found in the process list', async () => {
  const intended = await driver.start(commandOrder('intended', 'sleep 600'));
  const lost = await driver.start({ ...commandOrder('lost', 'sleep 600'), devices: ['0', '1'] });
  const record = await readRecordOf('intended');
  const lostRecord = await readRecordOf('lost');
  await driver.close();
  await writeFile(recordPath('intended'), JSON.stringify({ ...record, pid: null, pidStart: null }));
  await rm(join(folder.path, 'workers', 'lost'), { recursive: true });
  driver = folder.open();
  const found = [...(await driver.list())].sort((a, b) => a.workerId.localeCompare(b.workerId));
  assert.deepEqual(
    found.map(({ workerId, running, addresses, devices }) => ({ workerId, running, addresses, devices })),
    [
      { workerId: 'intended', running: true, addresses: intended.addresses, devices: ['0'] },
      { workerId: 'lost', running: true, addresses: lost.addresses, devices: ['0', '1'] },
    ],
  );
  assert.deepEqual(await readRecordOf('intended'), record);
  assert.deepEqual(await readRecordOf('lost'), lostRecord);
  assert.deepEqual(await driver.recover('lost' as WorkerId), lost);
});

test('a start that never came to its process leaves nothing once it is old', async () => {
  await driver.start(commandOrder('young', 'sleep 600'));
  const record = await readRecordOf('young');
  for (const [workerId, startedAtMs] of [
    ['never', record.startedAtMs - 60_000],
    ['perhaps', record.startedAtMs],
  ] as const) {
    await mkdir(join(folder.path, 'workers', workerId));
    const intent = { ...record, workerId, startedAtMs, pid: null, pidStart: null };
    await writeFile(recordPath(workerId), JSON.stringify(intent));
  }
  const found = await driver.list();
  assert.deepEqual(
    found.map((worker) => worker.workerId),
    ['young'],
  );
  await assert.rejects(readRecordOf('never'), { code: 'ENOENT' });
  assert.equal((await readRecordOf('perhaps')).pid, null);
});

test('a process that got the pid of a worker is neither taken for it nor harmed', async () => {
  const order = commandOrder('reused', 'sleep 600');
  await driver.start(order);
  const record = await readRecordOf('reused');
  await driver.stop(order.workerId, 0);
  await rm(join(folder.path, 'workers', 'reused', 'exit.json'));
  const stranger = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  assert.ok(stranger.pid);
  assert.notEqual(record.pidStart, null);
  assert.notEqual(processStart(stranger.pid), record.pidStart);
  await writeFile(recordPath('reused'), JSON.stringify({ ...record, pid: stranger.pid }));
  await restart();
  const [found] = await driver.list();
  assert.equal(found?.running, false);
  await driver.stop(order.workerId, 0);
  assert.ok(processLives(stranger.pid, null), 'the stranger still runs');
  stranger.kill('SIGKILL');
  await once(stranger, 'exit');
});

test('half a record, as a loss of power leaves it, hides nothing else', async () => {
  await driver.start(commandOrder('whole', 'sleep 600'));
  await mkdir(join(folder.path, 'workers', 'half'));
  await writeFile(recordPath('half'), '');
  assert.deepEqual(
    (await driver.list()).map((worker) => worker.workerId),
    ['whole'],
  );
});

test('an id that is no id reaches no file', async () => {
  await assert.rejects(driver.logs('../../etc' as WorkerId, 100), { code: 'SERVERLESS_WORKER_NOT_FOUND' });
  await assert.rejects(driver.forget('..' as WorkerId), { code: 'SERVERLESS_WORKER_NOT_FOUND' });
});
