import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  parseCudaVersion,
  parseDevices,
  parsePids,
  productIdOf,
} from '../../src/adapters/driver-process/nvidia-smi.ts';
import type { ProcessDriver } from '../../src/adapters/driver-process/process-driver.ts';
import { makeDataFolder, type DataFolder } from '../support/process-world.ts';
import { commandOrder } from '../support/worker-orders.ts';

const LIST = `0, NVIDIA H100 80GB HBM3, 81559
1, NVIDIA H100 80GB HBM3, 81559
2, NVIDIA GeForce RTX 4090, 24564
3, NVIDIA GB10, [N/A]
`;

const HEADER = `Mon Jan  5 10:00:00 2026
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 570.124.06             Driver Version: 570.124.06     CUDA Version: 12.8     |
|-----------------------------------------+------------------------+----------------------+
`;

let folder: DataFolder;
let driver: ProcessDriver | null = null;

beforeEach(async () => {
  folder = await makeDataFolder();
});

afterEach(async () => {
  for (const worker of (await driver?.list()) ?? []) await driver?.stop(worker.workerId, 0);
  await driver?.close();
  driver = null;
  await folder.remove();
});

/** A driver whose PATH begins with a stand-in for nvidia-smi, a shell script. */
async function openWith(script: string): Promise<ProcessDriver> {
  const programs = join(folder.path, 'programs');
  await mkdir(programs);
  await writeFile(join(programs, 'nvidia-smi'), `#!/bin/sh\n${script}\n`);
  await chmod(join(programs, 'nvidia-smi'), 0o755);
  const PATH = `${programs}:${process.env['PATH'] ?? ''}`;
  driver = folder.open({ gpus: null, environment: { ...process.env, PATH } });
  return driver;
}

test('the list of devices is read, lines of another shape are not', () => {
  assert.deepEqual(parseDevices(LIST), [
    { id: '0', productId: 'nvidia-h100-80gb-hbm3', name: 'NVIDIA H100 80GB HBM3', memoryMib: 81559 },
    { id: '1', productId: 'nvidia-h100-80gb-hbm3', name: 'NVIDIA H100 80GB HBM3', memoryMib: 81559 },
    { id: '2', productId: 'nvidia-geforce-rtx-4090', name: 'NVIDIA GeForce RTX 4090', memoryMib: 24564 },
    { id: '3', productId: 'nvidia-gb10', name: 'NVIDIA GB10', memoryMib: 0 },
  ]);
  assert.deepEqual(parseDevices('No devices were found\n'), []);
  assert.deepEqual(parseDevices(''), []);
  assert.equal(productIdOf(' Tesla (V100)-SXM2 '), 'tesla-v100-sxm2');
});

test('the CUDA version is read from the header, null when it is not told', () => {
  assert.equal(parseCudaVersion(HEADER), '12.8');
  assert.equal(parseCudaVersion('| NVIDIA-SMI 580.1   CUDA Version: 13.0  |'), '13.0');
  assert.equal(parseCudaVersion('| Driver Version: 570.1   CUDA Version: N/A |'), null);
  assert.equal(parseCudaVersion(''), null);
});

test('process ids are read one a line', () => {
  assert.deepEqual([...parsePids(' 12\n345\n\n[N/A]\n')], [12, 345]);
});

test('the fingerprint tells what nvidia-smi says', async () => {
  const open = await openWith(
    `case "$1" in --query-gpu=*) cat <<'END'\n${LIST}END\n;; *) cat <<'END'\n${HEADER}END\n;; esac`,
  );
  const { devices, cudaVersion } = await open.fingerprint();
  assert.deepEqual(devices, parseDevices(LIST));
  assert.equal(cudaVersion, '12.8');
});

test('without nvidia-smi, and with one that fails, there is no device', async () => {
  const failing = await openWith('echo "NVIDIA-SMI has failed" >&2; exit 9');
  assert.deepEqual((await failing.fingerprint()).devices, []);
  const absent = folder.open({ gpus: null, environment: { PATH: '/nowhere' } });
  const { devices, cudaVersion } = await absent.fingerprint();
  await absent.close();
  assert.deepEqual({ devices, cudaVersion }, { devices: [], cudaVersion: null });
});

test('a number of devices is taken as it is given', async () => {
  driver = folder.open({ gpus: 3 });
  const { devices } = await driver.fingerprint();
  assert.deepEqual(
    devices.map(({ id, productId }) => `${id} ${productId}`),
    ['0 gpu', '1 gpu', '2 gpu'],
  );
});

test('a stop waits until the memory on the devices is given back', async () => {
  // The worker's own pid holds memory, as long as the file `held` is there.
  const held = join(folder.path, 'held');
  const asked = join(folder.path, 'asked');
  await mkdir(asked);
  const open = await openWith(
    `[ "$1" = --query-compute-apps=pid ] || exit 0\n` +
      `: > '${asked}/'$$; if [ -e '${held}' ]; then cat '${held}'; fi`,
  );
  const order = commandOrder(
    'holder',
    `sh -c 'echo $$ > "${held}.draft"; mv "${held}.draft" "${held}"; exec sleep 600'`,
  );
  const questions = watch(asked);
  await open.start(order);
  while (!existsSync(held)) await new Promise((resolve) => setImmediate(resolve));
  let stopped = false;
  const stop = open.stop(order.workerId, 0).then((exit) => {
    stopped = true;
    return exit;
  });
  let count = 0;
  for await (const event of questions) {
    if (event.eventType === 'rename') count += 1;
    if (count >= 3) break;
  }
  assert.equal(stopped, false, 'its processes are gone, the memory is not');
  await rm(held);
  assert.notEqual((await stop).signal, null);
});
