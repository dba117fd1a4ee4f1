import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { FoundWorker } from '../../src/ports/driver.ts';
import type { ProcessDriver } from '../../src/adapters/driver-process/process-driver.ts';
import { processLives } from '../../src/adapters/driver-process/process-table.ts';
import { askServing, makeDataFolder, type DataFolder } from '../support/process-world.ts';
import { untilListening } from '../support/readiness-wait.ts';
import { endOf, recordExits } from '../support/worker-orders.ts';

const HOLDER = fileURLToPath(new URL('../fixtures/driver-holder.ts', import.meta.url));

let folder: DataFolder;
let driver: ProcessDriver | null = null;

beforeEach(async () => {
  folder = await makeDataFolder();
});

afterEach(async () => {
  driver ??= folder.open();
  for (const worker of await driver.list()) await driver.stop(worker.workerId, 0);
  await driver.close();
  driver = null;
  await folder.remove();
});

function hold(...parameters: readonly string[]): { holder: ChildProcess; lines: AsyncIterator<string> } {
  const holder = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', HOLDER, folder.path, ...parameters],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  assert.ok(holder.stdout);
  return { holder, lines: createInterface({ input: holder.stdout })[Symbol.asyncIterator]() };
}

async function nextLine<T>(lines: AsyncIterator<string>): Promise<T> {
  const { value, done } = await lines.next();
  assert.notEqual(done, true, 'the holder ended before it said what was waited for');
  return JSON.parse(value as string) as T;
}

/** The old spawner finishes what it was told and then goes: nothing is found twice after that. */
async function untilGone(pid: number): Promise<void> {
  while (processLives(pid, null)) await new Promise((resolve) => setImmediate(resolve));
}

async function untilFound(count: number): Promise<readonly FoundWorker[]> {
  for (;;) {
    const found = (await driver?.list()) ?? [];
    if (found.length >= count) return found;
  }
}

test('workers survive kill -9 of the server, are found, recovered, and their exit is told', async () => {
  const { holder, lines } = hold('2');
  const { spawnerPid } = await nextLine<{ spawnerPid: number }>(lines);
  const started = [
    await nextLine<{ addresses: FoundWorker['addresses'] }>(lines),
    await nextLine<{ addresses: FoundWorker['addresses'] }>(lines),
  ];
  for (const worker of started) await untilListening(worker);
  const [first] = started;
  assert.ok(first?.addresses[8000]);
  const { pid } = await askServing(first.addresses[8000]);

  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await untilGone(spawnerPid);

  driver = folder.open();
  const exits = recordExits(driver);
  const found = [...(await driver.list())].sort((a, b) => a.workerId.localeCompare(b.workerId));
  assert.deepEqual(
    found.map((worker) => ({ ...worker, startedAtMs: 0 })),
    started.map(({ addresses }, index) => ({
      workerId: `held${index}`,
      endpointId: 'endpoint1',
      revision: 3,
      devices: [String(index)],
      fence: 9,
      addresses,
      running: true,
      startedAtMs: 0,
      exit: null,
    })),
  );
  const [one, two] = found;
  assert.ok(one && two);
  assert.deepEqual(await driver.recover(one.workerId), { addresses: one.addresses });
  assert.deepEqual(await driver.recover(two.workerId), { addresses: two.addresses });
  assert.equal((await askServing(first.addresses[8000])).pid, pid, 'the worker is the same process');

  process.kill(pid, 'SIGKILL');
  assert.deepEqual(endOf(await exits.of(one.workerId)), { code: null, signal: null });
  await driver.stop(two.workerId, 10_000);
  await exits.of(two.workerId);
  assert.equal(exits.all.length, 2);
});

test('an order given in the turn in which the server is killed still leads to a worker that is found', async () => {
  const { holder, lines } = hold('3', 'die');
  const { spawnerPid } = await nextLine<{ spawnerPid: number }>(lines);
  await once(holder, 'exit');
  driver = folder.open();
  const found = await untilFound(3);
  await untilGone(spawnerPid);
  assert.equal((await driver.list()).length, 3);
  assert.ok(found.every((worker) => worker.running));
  for (const worker of found) await untilListening(worker);
});
