import assert from 'node:assert/strict';
import { realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ProcessDriver } from '../../src/adapters/driver-process/process-driver.ts';
import type { WorkerOrder } from '../../src/ports/driver.ts';
import {
  askServing,
  makeDataFolder,
  SERVING,
  WORKERS_FOLDER,
  type DataFolder,
  type ServingAnswer,
} from '../support/process-world.ts';
import { untilListening } from '../support/readiness-wait.ts';
import { commandOrder, workerOrder } from '../support/worker-orders.ts';

let folder: DataFolder;
let driver: ProcessDriver;

before(async () => {
  folder = await makeDataFolder();
  driver = folder.open({
    environment: {
      ...process.env,
      PILOTLIGHT_API_KEY: 'server-key',
      AWS_SECRET: 'other',
      HOME: '/home/host',
    },
  });
  await driver.fingerprint();
});

after(async () => {
  for (const worker of await driver.list()) await driver.stop(worker.workerId, 0);
  await driver.close();
  await folder.remove();
});

async function ask(order: WorkerOrder): Promise<ServingAnswer & { port: number }> {
  const started = await driver.start(order);
  const address = Object.values(started.addresses)[0];
  assert.ok(address);
  await untilListening(started, order.spec.ports[0] ?? 8080);
  return { ...(await askServing(address)), port: address.port };
}

test('a worker gets its ports, its identity, its devices and its variables, and nothing of the server', async () => {
  const order = workerOrder('environment', {
    envs: [
      { key: 'GREETING', value: 'hello $HOME' },
      { key: 'HOME', value: '/home/worker' },
      { key: 'PORTAL', value: 'kept' },
      { key: 'PORT', value: '1' },
      { key: 'PORT_8000', value: '1' },
      { key: 'PILOTLIGHT_WORKER_ID', value: 'other' },
      { key: 'CUDA_VISIBLE_DEVICES', value: '7' },
      { key: 'RUNPOD_POD_ID', value: 'other' },
    ],
  });
  const variables = { RUNPOD_POD_ID: 'environment', RUNPOD_WEBHOOK_GET_JOB: 'http://a/job-take/$ID?b' };
  const { env, port } = await ask({ ...order, devices: ['0', '1'], variables });
  const { PATH, PILOTLIGHT_INSTANCE, PILOTLIGHT_STARTED_AT_MS, PORT_9000, ...rest } = env;
  assert.equal(PATH, process.env['PATH']);
  assert.match(PILOTLIGHT_INSTANCE ?? '', /^[0-9a-f]{16}$/);
  assert.match(PILOTLIGHT_STARTED_AT_MS ?? '', /^\d+$/);
  assert.notEqual(PORT_9000, String(port));
  const ours = /^(?:PILOTLIGHT|PORT|CUDA|GREETING|HOME$|HOST$|AWS|RUNPOD)/;
  assert.deepEqual(Object.fromEntries(Object.entries(rest).filter(([name]) => ours.test(name))), {
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    CUDA_VISIBLE_DEVICES: '0,1',
    GREETING: 'hello $HOME',
    HOME: '/home/worker',
    HOST: '127.0.0.1',
    PILOTLIGHT_APP_NAME: 'app',
    PILOTLIGHT_ENDPOINT_ID: 'endpoint1',
    PILOTLIGHT_FENCE: '9',
    PILOTLIGHT_READY_FD: '3',
    PILOTLIGHT_REVISION: '3',
    PILOTLIGHT_WORKER_ID: 'environment',
    PORT: String(port),
    PORTAL: 'kept',
    PORT_8000: String(port),
    ...variables,
  });
});

test('without a device it sees none, and without declared ports its main port is 8080', async () => {
  const { env, port } = await ask({ ...workerOrder('plain', { ports: [] }), devices: [] });
  assert.equal(env['CUDA_VISIBLE_DEVICES'], '');
  assert.equal(env['PORT'], String(port));
  assert.equal(env['PORT_8080'], String(port));
});

test('the command is split into words, its variables are filled in and no shell sees it', async () => {
  const command = `serving.mjs --listen=$HOST:$PORT_8000 "\${WORDS}" '$PORT' ; $UNKNOWN *`;
  const order = workerOrder('words', { command, envs: [{ key: 'WORDS', value: 'two words' }] });
  const { words, port } = await ask(order);
  assert.deepEqual(words, [`--listen=127.0.0.1:${port}`, 'two words', '$PORT', ';', '$UNKNOWN', '*']);
});

test('"host" runs in the folder of the server, "host:<folder>" in that one, also a relative one', async () => {
  const script = { command: `'${WORKERS_FOLDER}/serving.mjs'` };
  const here = await ask(workerOrder('here', { ...script, image: 'host' }));
  assert.equal(here.folder, process.cwd());
  const there = await ask(workerOrder('there', SERVING));
  assert.equal(there.folder, await realpath(WORKERS_FOLDER));
  const relative = folder.open({ serverFolder: `${WORKERS_FOLDER}/..` });
  assert.equal(relative.refusal({ ...SERVING, image: 'host:workers' }), null);
  assert.equal(relative.refusal({ ...SERVING, image: 'host:no-workers' })?.code, 'IMAGE_NOT_SUPPORTED');
  await relative.close();
});

test('a program that cannot be started says what was tried', async () => {
  const plainFile = join(folder.path, 'plain-file');
  await writeFile(plainFile, 'no program', { mode: 0o600 });
  const cases: readonly [string, RegExp][] = [
    ['no-such-program --flag', /"no-such-program" was not found on the PATH/],
    ['./no/such/file', /"\.\/no\/such\/file" was not found from the folder/],
    [plainFile, /plain-file" may not be executed/],
    ['$EMPTY', /\$EMPTY/],
    ['""', /name no program/],
  ];
  for (const [command, message] of cases) {
    await assert.rejects(driver.start(commandOrder('unstartable', command)), {
      code: 'WORKER_START_FAILED',
      message,
    });
  }
});
