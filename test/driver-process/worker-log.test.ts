import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { boundLog, logPath, readLog } from '../../src/adapters/worker-files/worker-log.ts';
import { makeDataFolder } from '../support/process-world.ts';
import { commandOrder } from '../support/worker-orders.ts';

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-log-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Numbered lines of ten bytes each. */
function lines(from: number, to: number): string {
  let text = '';
  for (let line = from; line < to; line += 1) text += `${String(line).padStart(9, '0')}\n`;
  return text;
}

test('within its limit a log is left alone', () =>
  inFolder(async (folder) => {
    await writeFile(logPath(folder), lines(0, 100));
    assert.equal(await boundLog(folder, 1_000), false);
    assert.deepEqual(await readLog(folder, 10_000), { text: lines(0, 100), droppedBytes: 0 });
    assert.deepEqual(await readLog(folder, 20), { text: lines(98, 100), droppedBytes: 980 });
    assert.deepEqual(await readLog(folder, 0), { text: '', droppedBytes: 1_000 });
  }));

test('past its limit the newest half stays, and all that went is counted', () =>
  inFolder(async (folder) => {
    await writeFile(logPath(folder), lines(0, 101));
    assert.equal(await boundLog(folder, 1_000), true);
    assert.deepEqual(await readLog(folder, 10_000), { text: lines(51, 101), droppedBytes: 510 });
    await appendFile(logPath(folder), lines(101, 151));
    assert.deepEqual(await readLog(folder, 10_000), { text: lines(51, 151), droppedBytes: 510 });
    assert.deepEqual(await readLog(folder, 600), { text: lines(91, 151), droppedBytes: 910 });
    assert.deepEqual(await readLog(folder, 100), { text: lines(141, 151), droppedBytes: 1_410 });
    assert.deepEqual(await readLog(folder, 0), { text: '', droppedBytes: 1_510 });
    await appendFile(logPath(folder), lines(151, 301));
    assert.equal(await boundLog(folder, 1_000), true);
    assert.deepEqual(await readLog(folder, 10_000), { text: lines(251, 301), droppedBytes: 2_510 });
    assert.deepEqual((await readdir(folder)).sort(), ['log', 'log.1', 'log.dropped']);
  }));

test('no log: nothing to bound, null to read', () =>
  inFolder(async (folder) => {
    assert.equal(await boundLog(folder, 1_000), false);
    assert.equal(await readLog(folder, 1_000), null);
  }));

test('a tail never begins inside a character, and its place is that of its first whole one', () =>
  inFolder(async (folder) => {
    await writeFile(logPath(folder), 'aé€😀');
    for (const [maxBytes, text, droppedBytes] of [
      [3, '', 10],
      [4, '😀', 6],
      [5, '😀', 6],
      [6, '😀', 6],
      [7, '€😀', 3],
      [9, 'é€😀', 1],
      [10, 'aé€😀', 0],
    ] as const) {
      assert.deepEqual(await readLog(folder, maxBytes), { text, droppedBytes }, `the last ${maxBytes} bytes`);
    }
  }));

test('a character that is half written is left to the next look', () =>
  inFolder(async (folder) => {
    const whole = Buffer.from('aé€😀');
    for (const [sizeBytes, text] of [
      [0, ''],
      [1, 'a'],
      [2, 'a'],
      [3, 'aé'],
      [4, 'aé'],
      [5, 'aé'],
      [6, 'aé€'],
      [7, 'aé€'],
      [8, 'aé€'],
      [9, 'aé€'],
      [10, 'aé€😀'],
    ] as const) {
      await writeFile(logPath(folder), whole.subarray(0, sizeBytes));
      assert.deepEqual(await readLog(folder, 100), { text, droppedBytes: 0 }, `${sizeBytes} bytes written`);
    }
  }));

test('a worker that floods its log is bounded while it runs, and goes on writing', async () => {
  const folder = await makeDataFolder();
  const limitBytes = 16 * 1024;
  const driver = folder.open({ logLimitBytes: limitBytes });
  try {
    const order = commandOrder('flood', `sh -c 'while :; do echo "this line is here again"; done'`);
    await driver.start(order);
    const workerFolder = join(folder.path, 'workers', 'flood');
    let cuts = 0;
    const onEvents = watch(workerFolder);
    for await (const { filename } of onEvents) {
      if (filename === 'log.dropped') cuts += 1;
      if (cuts >= 4) break;
    }
    assert.ok(Number(await readFile(join(workerFolder, 'log.dropped'), 'utf8')) > limitBytes);
    await driver.stop(order.workerId, 0);
    const { text } = await driver.logs(order.workerId, 100 * limitBytes);
    assert.match(text, /this line is here again/);
    assert.ok((await stat(logPath(workerFolder))).size <= limitBytes);
  } finally {
    for (const worker of await driver.list()) await driver.stop(worker.workerId, 0);
    await driver.close();
    await folder.remove();
  }
});
