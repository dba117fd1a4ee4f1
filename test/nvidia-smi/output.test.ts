import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseCudaVersion,
  parseDevices,
  parseProcesses,
  productIdOf,
} from '../../src/adapters/nvidia-smi/nvidia-smi-output.ts';

const H100 = {
  productId: 'nvidia-h100-80gb-hbm3',
  name: 'NVIDIA H100 80GB HBM3',
  memoryMib: 81_559,
  driverVersion: '570.124.06',
  lost: false,
};

test('a device is known by its UUID, which stays when its number changes', () => {
  const text = `0, GPU-aaaa, 81559, 4, 570.124.06, NVIDIA H100 80GB HBM3
1, GPU-bbbb, 81559, 70123, 570.124.06, NVIDIA H100 80GB HBM3
`;
  assert.deepEqual(parseDevices(text), [
    { ...H100, id: 'GPU-aaaa', index: 0, usedMib: 4 },
    { ...H100, id: 'GPU-bbbb', index: 1, usedMib: 70_123 },
  ]);
});

test('what is not told is not made up: memory shared with the host, a UUID that is missing', () => {
  assert.deepEqual(parseDevices('3, [N/A], [N/A], [N/A], 580.65.06, NVIDIA GB10\n'), [
    {
      id: '3',
      index: 3,
      productId: 'nvidia-gb10',
      name: 'NVIDIA GB10',
      memoryMib: 0,
      usedMib: null,
      driverVersion: '580.65.06',
      lost: false,
    },
  ]);
});

test('a device that no longer answers is lost', () => {
  const [device] = parseDevices('2, GPU-cccc, [GPU is lost], [GPU is lost], 570.124.06, NVIDIA A10\n');
  assert.equal(device?.lost, true);
  assert.equal(parseDevices('2, GPU-cccc, [Unknown Error], 0, 570.1, NVIDIA A10')[0]?.lost, true);
});

test('lines of another shape are no devices', () => {
  assert.deepEqual(parseDevices('No devices were found\n'), []);
  assert.deepEqual(parseDevices('\u0000\u0001,,,,,,\nx, y\n0, GPU-a, 1, 2\n'), []);
  assert.deepEqual(parseDevices(''), []);
});

test('a product is named after the device', () => {
  assert.equal(productIdOf('NVIDIA GeForce RTX 4090'), 'nvidia-geforce-rtx-4090');
  assert.equal(productIdOf(' Tesla (V100)-SXM2 '), 'tesla-v100-sxm2');
});

test('the CUDA version is read from the header, null when it is not told', () => {
  assert.equal(parseCudaVersion('| Driver Version: 570.124.06     CUDA Version: 12.8     |'), '12.8');
  assert.equal(parseCudaVersion('| NVIDIA-SMI 580.1   CUDA UMD Version: 13.0  |'), '13.0');
  assert.equal(parseCudaVersion('| Driver Version: 570.1   CUDA Version: N/A |'), null);
  assert.equal(parseCudaVersion(''), null);
});

test('processes are read by device; a name may hold commas, memory may be unknown', () => {
  const found = parseProcesses(
    'GPU-a, 12, 2048, /usr/bin/python3\nGPU-a, 345, [N/A], train, all\nGPU-b, 6, 1, x\nrubbish\n',
  );
  assert.deepEqual(found.get('GPU-a'), [
    { pid: 12, name: '/usr/bin/python3', usedMib: 2048 },
    { pid: 345, name: 'train, all', usedMib: null },
  ]);
  assert.deepEqual(found.get('GPU-b'), [{ pid: 6, name: 'x', usedMib: 1 }]);
  assert.equal(found.size, 2);
});
