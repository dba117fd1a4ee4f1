import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  parseStat,
  processesOf,
  processLives,
  processStart,
} from '../../src/adapters/driver-process/process-table.ts';
import { recordFromEnvironment } from '../../src/adapters/driver-process/stray-worker.ts';

const FIELDS = 'S 1 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 2703360 200';

test('the fields of a process are read whatever its name holds', () => {
  assert.deepEqual(parseStat(`77 (sleep) ${FIELDS}`), { state: 'S', group: 77, start: '987654' });
  assert.deepEqual(parseStat(`77 (a) b (c) ${FIELDS}`), { state: 'S', group: 77, start: '987654' });
  assert.equal(parseStat(''), null);
});

test('a process lives under its own start time alone, and not once it ended', async () => {
  assert.ok(processLives(process.pid, processStart(process.pid)));
  assert.equal(processLives(process.pid, '1'), false);
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  assert.ok(child.pid);
  const start = processStart(child.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(processLives(child.pid, start), false);
});

test('a zombie has ended, and its group with it', async () => {
  // The shell's child ends at once and stays a zombie, since sleep never collects it.
  const parent = spawn('sh', ['-c', 'sh -c "exit 0" & echo $!; exec sleep 600'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const zombie = Number(String(line));
  while (processLives(zombie, null)) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(parent.pid);
  assert.deepEqual(await processesOf(parent.pid, ['no such mark']), [parent.pid]);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  assert.deepEqual(await processesOf(parent.pid, ['no such mark']), []);
});

test('an environment that is not whole makes no record', () => {
  const whole = [
    'PILOTLIGHT_WORKER_ID=w',
    'PILOTLIGHT_ENDPOINT_ID=e',
    'PILOTLIGHT_REVISION=2',
    'PILOTLIGHT_FENCE=5',
    'PILOTLIGHT_STARTED_AT_MS=1700000000000',
    'CUDA_VISIBLE_DEVICES=',
    'PORT_8000=20001',
    'PORT=20001',
    '',
  ];
  assert.deepEqual(recordFromEnvironment(5, '9', whole), {
    workerId: 'w',
    endpointId: 'e',
    revision: 2,
    fence: 5,
    devices: [],
    addresses: { 8000: { host: '127.0.0.1', port: 20_001 } },
    startedAtMs: 1_700_000_000_000,
    pid: 5,
    pidStart: '9',
  });
  for (const index of [0, 1, 2, 3, 4]) {
    assert.equal(recordFromEnvironment(5, '9', whole.toSpliced(index, 1)), null, whole[index]);
  }
});
