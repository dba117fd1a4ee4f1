import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openNvidiaSmi } from '../../src/adapters/nvidia-smi/nvidia-smi-watch.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { AppError } from '../../src/base/errors.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { hostDevices } from '../../src/main/host-devices.ts';
import type { DeviceWatch } from '../../src/ports/device-watch.ts';
import { makeDataFolder, type DataFolder } from '../support/process-world.ts';
import { H100, nvidiaSmiScript, RTX_4090, type NvidiaSmiScript } from '../support/nvidia-smi-script.ts';
import { silentLog } from '../support/silent-log.ts';

let script: NvidiaSmiScript;
let folder: DataFolder;
let watch: DeviceWatch | null = null;

beforeEach(async () => {
  script = await nvidiaSmiScript();
  folder = await makeDataFolder();
});

afterEach(async () => {
  await watch?.close();
  watch = null;
  await script.remove();
  await folder.remove();
});

function open(clock = systemClock()): DeviceWatch {
  watch = openNvidiaSmi({ clock, environment: script.environment });
  assert.ok(watch);
  return watch;
}

async function failure(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, 'DEVICES_UNREADABLE');
  return error.message;
}

test('devices, what is in use on them and by whom, and the CUDA of their driver', async () => {
  await script.answer(
    [
      { index: 0, uuid: 'GPU-a', ...H100 },
      { index: 1, uuid: 'GPU-b', ...RTX_4090, usedMib: 9_000 },
    ],
    { processes: ['GPU-b, 4711, 8990, /usr/bin/blender'] },
  );
  const reading = await open().read();
  assert.equal(reading.driverVersion, '570.124.06');
  assert.equal(reading.cudaVersion, '12.8');
  assert.deepEqual(
    reading.devices.map(({ id, productId, usedMib, processes }) => ({ id, productId, usedMib, processes })),
    [
      { id: 'GPU-a', productId: 'nvidia-h100-80gb-hbm3', usedMib: 4, processes: [] },
      {
        id: 'GPU-b',
        productId: 'nvidia-geforce-rtx-4090',
        usedMib: 9_000,
        processes: [{ pid: 4711, name: '/usr/bin/blender', usedMib: 8_990 }],
      },
    ],
  );
});

test('each reading asks anew: a device that is no longer listed, and one that comes', async () => {
  const one = { index: 0, uuid: 'GPU-a', ...H100 };
  await script.answer([one, { index: 1, uuid: 'GPU-b', ...H100 }]);
  const opened = open();
  const idsNow = async (): Promise<string[]> => (await opened.read()).devices.map(({ id }) => id);
  assert.deepEqual(await idsNow(), ['GPU-a', 'GPU-b']);
  await script.answer([{ ...one, uuid: 'GPU-b' }], { code: 15 });
  assert.deepEqual(await idsNow(), ['GPU-b'], 'exit code 15: a device is lost, the others are listed');
  await script.answer([one]);
  assert.deepEqual(await idsNow(), ['GPU-a']);
});

test('an answer is never older than its question, however many ask', async () => {
  await script.answer([{ index: 0, uuid: 'GPU-old', ...H100 }]);
  const opened = open();
  const first = opened.read();
  const later = [opened.read(), opened.read()];
  assert.equal((await first).devices[0]?.id, 'GPU-old');
  await script.answer([{ index: 0, uuid: 'GPU-new', ...H100 }]);
  const [one, two] = await Promise.all(later);
  assert.equal(one, two, 'those that came while it was asked share the next answer');
  assert.equal((await opened.read()).devices[0]?.id, 'GPU-new');
});

test('without the program there is nothing to watch', () => {
  assert.equal(openNvidiaSmi({ clock: systemClock(), environment: { PATH: '/nowhere' } }), null);
  assert.equal(openNvidiaSmi({ clock: systemClock(), environment: {} }), null);
});

test('a program that fails is quoted, and works again when it does', async () => {
  await script.script('echo "NVIDIA-SMI has failed because it could not talk to the driver" >&2; exit 9');
  const opened = open();
  assert.match(await failure(opened.read()), /it ended with 9: NVIDIA-SMI has failed because/);
  await script.answer([{ index: 0, uuid: 'GPU-a', ...H100 }]);
  assert.equal((await opened.read()).devices.length, 1);
});

test('broken output is no devices; too much of it is a failure', async () => {
  await script.script('printf "\\000\\001,,,,,,\\nnot a table\\n"');
  const opened = open();
  assert.deepEqual((await opened.read()).devices, []);
  await script.script('while :; do echo 0123456789012345678901234567890123456789; done');
  assert.match(await failure(opened.read()), /it ended with/);
});

test('one that hangs is waited for so long, then nobody asks it until it has answered', async () => {
  const clock = new ManualClock(0);
  const held = join(folder.path, 'held');
  await script.script(`: > '${held}'; while [ -e '${held}' ]; do sleep 0.02; done; exit 3`);
  watch = openNvidiaSmi({ clock, environment: script.environment });
  assert.ok(watch);
  const first = failure(watch.read());
  const second = failure(watch.read());
  while (!existsSync(held)) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(60_000);
  assert.match(await first, /it has not answered for 60 s/);
  assert.match(await second, /it has not answered an earlier question/);
  assert.match(await failure(watch.read()), /it has not answered an earlier question/);
  await folder.remove();
  await script.answer([{ index: 0, uuid: 'GPU-a', ...H100 }]);
  // The late answer is nobody's; the question after it is asked again.
  let reading = await watch.read().catch(() => null);
  while (reading === null) {
    await new Promise((resolve) => setImmediate(resolve));
    reading = await watch.read().catch(() => null);
  }
  assert.equal(reading.devices[0]?.id, 'GPU-a');
});

test('a close while it is asked ends the question and what asks', async () => {
  const asked = join(folder.path, 'asked');
  await script.script(`: > '${asked}'; exec sleep 600`);
  const opened = open();
  const reading = failure(opened.read());
  while (!existsSync(asked)) await new Promise((resolve) => setImmediate(resolve));
  await opened.close();
  assert.match(await reading, /the process that asks it is gone/);
  assert.match(await failure(opened.read()), /the server stops/);
});

test('the driver’s fingerprint tells the devices that are seen, or those that are configured', async () => {
  await script.answer([
    { index: 0, uuid: 'GPU-a', ...H100 },
    { index: 1, uuid: 'GPU-b', ...H100, totalMib: '[GPU is lost]' },
  ]);
  const seen = open();
  const driver = folder.open({ hostDevices: () => hostDevices(null, seen, silentLog) });
  const { devices, cudaVersion } = await driver.fingerprint();
  await driver.close();
  assert.deepEqual(
    devices.map(({ id }) => id),
    ['GPU-a'],
  );
  assert.equal(cudaVersion, '12.8');
  const configured = (await hostDevices(3, null, silentLog)).devices;
  assert.deepEqual(
    configured.map(({ id, productId }) => `${id} ${productId}`),
    ['0 gpu', '1 gpu', '2 gpu'],
  );
  assert.deepEqual(await hostDevices(null, null, silentLog), { devices: [], cudaVersion: null });
  await script.script('exit 9');
  assert.deepEqual(await hostDevices(null, seen, silentLog), { devices: [], cudaVersion: null });
});
