import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StubApi } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

const DEVICES = {
  data: [
    {
      id: 'GPU-a',
      index: 0,
      name: 'NVIDIA H100',
      product_id: 'nvidia-h100',
      state: 'held',
      memory_mib: 81_559,
      used_mib: 70_000,
      worker_id: 'w1',
      processes: [],
    },
    {
      id: 'GPU-b',
      index: null,
      name: 'NVIDIA H100',
      product_id: 'nvidia-h100',
      state: 'usedByOthers',
      memory_mib: 81_559,
      used_mib: null,
      worker_id: null,
      processes: [
        { pid: 12, name: 'python3', used_mib: 5 },
        { pid: 13, name: 'blender', used_mib: null },
      ],
    },
  ],
  driver_version: '570.124.06',
  cuda_version: '12.8',
  seen_at: 1_700_000_000,
};

test('devices list: what each is, who holds it and who else uses it', async () => {
  await using stub = await StubApi.start({ 'GET /gpus/v2/devices': { body: DEVICES } });
  const run = await runCli(['devices', 'list'], stub);
  assert.equal(
    run.stdout,
    lines(
      'GPU  STATE         MEMORY              WORKER  NAME         ID     PROCESSES',
      '0    held          70000 of 81559 MiB  w1      NVIDIA H100  GPU-a',
      '-    usedByOthers  ? of 81559 MiB      -       NVIDIA H100  GPU-b  12 python3, 13 blender',
    ),
  );
  assert.equal(run.stderr, 'driver 570.124.06, CUDA up to 12.8\n');
  assert.deepEqual(JSON.parse((await runCli(['devices', 'list', '--json'], stub)).stdout), DEVICES);
});

test('devices list: none', async () => {
  const body = { ...DEVICES, data: [], driver_version: null, cuda_version: null, seen_at: null };
  await using stub = await StubApi.start({ 'GET /gpus/v2/devices': { body } });
  const run = await runCli(['devices', 'list'], stub);
  assert.equal(run.stdout, 'No GPUs. Workers of product cpu need none.\n');
  assert.equal(run.stderr, '');
});
