import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { MINUTE_MS, SECOND_MS } from '../../src/base/units.ts';
import type { DockerDriver } from '../../src/adapters/driver-docker/docker-driver.ts';
import { makeDockerFolder, servingSpec, type DockerFolder } from '../support/docker-world.ts';
import { pullContext, workerOrder } from '../support/worker-orders.ts';

/** A socket in place of an engine, which answers as a test says. Runs without any engine. */
let folder: DockerFolder;
let socket: string;
let engine: Server;
let driver: DockerDriver;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  const made = await makeDockerFolder({ socket: '' });
  socket = join(made.path, 'engine.sock');
  folder = made;
  answer = version;
  await listen();
  driver = folder.open({ socketPath: socket });
});

afterEach(async () => {
  await driver.close();
  engine.closeAllConnections();
  engine.close();
  await folder.remove();
});

async function listen(): Promise<void> {
  engine = createServer((request, response) => {
    // Its events stay open and tell nothing.
    if (request.url?.startsWith('/events') === true) response.writeHead(200).flushHeaders();
    else answer(request, response);
  });
  engine.listen(socket);
  await once(engine, 'listening');
}

function version(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/version') response.end('{"Components":[{"Name":"Engine"}]}');
  else if (request.url === '/info')
    response.end('{"Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"]]}');
  else response.writeHead(500).end('{"message":"not in this test"}');
}

const ORDER = { ...workerOrder('slow', servingSpec('app:1')), devices: [] };

test('an engine that does not answer in time is told as slow, by prepare, start and list', async () => {
  const clock = new ManualClock();
  await driver.close();
  driver = folder.open({ socketPath: socket, clock, callTimeoutMs: 200 });
  await driver.fingerprint();
  // The time passes once the engine has been asked.
  answer = () => clock.advance(200);
  await assert.rejects(driver.prepare(servingSpec('app:1'), pullContext()), { code: 'ENGINE_SLOW' });
  await assert.rejects(driver.start(ORDER), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'ENGINE_SLOW');
    assert.match(error.message, /engine\.sock did not answer within 0\.2 s/);
    return true;
  });
  await assert.rejects(driver.list(), { code: 'ENGINE_SLOW' });
});

test('a server that starts before its engine waits for it', async () => {
  engine.close();
  await once(engine, 'close');
  await rm(socket, { force: true });
  const fingerprint = driver.fingerprint();
  await listen();
  assert.equal((await fingerprint).capabilities.images, 'container');
});

test('a prepare that nobody wants any more does not wait for an engine that is away', async () => {
  await driver.fingerprint();
  engine.closeAllConnections();
  engine.close();
  await once(engine, 'close');
  await rm(socket, { force: true });
  const stop = new AbortController();
  const why = new Error('no longer wanted');
  const prepare = driver.prepare(servingSpec('app:1'), pullContext(stop.signal));
  stop.abort(why);
  await assert.rejects(prepare, why);
});

test('a full disk is told by name, wherever the engine meets it', async () => {
  await driver.fingerprint();
  const full = '{"message":"write /var/lib/docker/x: no space left on device"}';
  answer = (_request, response) => void response.writeHead(500).end(full);
  await assert.rejects(driver.start(ORDER), { code: 'DISK_FULL' });
  answer = (request, response) => {
    if (request.url?.startsWith('/images/create') === true) {
      response.end('{"status":"Downloading","id":"a"}\n{"error":"write x: no space left on device"}\n');
    } else response.writeHead(404).end('{"message":"No such image"}');
  };
  await assert.rejects(driver.prepare(servingSpec('app:1'), pullContext()), { code: 'DISK_FULL' });
});

test('what an engine refuses comes with its words', async () => {
  await driver.fingerprint();
  answer = (_request, response) => void response.writeHead(400).end('{"message":"invalid   volume\\nname"}');
  await assert.rejects(driver.start(ORDER), {
    code: 'WORKER_START_FAILED',
    message: 'the container could not be started: invalid volume name',
  });
});

test('storage that could limit file systems and was not set up for it is used without', async () => {
  answer = (request, response) => {
    if (request.url === '/info') {
      response.end('{"Driver":"overlay2","DriverStatus":[["Backing Filesystem","xfs"]]}');
    } else version(request, response);
  };
  assert.equal((await driver.fingerprint()).capabilities.rootfsLimit, true);
  const sizes: unknown[] = [];
  answer = (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(404).end('{"message":"none"}');
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { HostConfig } = JSON.parse(text) as { HostConfig: { StorageOpt?: { size: string } } };
      sizes.push(HostConfig.StorageOpt?.size);
      const why =
        sizes.length === 1
          ? "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
          : 'not in this test';
      response.writeHead(500).end(JSON.stringify({ message: why }));
    });
  };
  await assert.rejects(driver.start(ORDER), /not in this test/);
  assert.deepEqual(sizes, ['20G', undefined]);
});

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status).end(JSON.stringify(body));
}

test('a signal to stop that the engine refuses does not keep a worker: it is killed after its grace', async () => {
  const clock = new ManualClock();
  await driver.close();
  driver = folder.open({ socketPath: socket, clock });
  const signals: (string | null)[] = [];
  let running = true;
  answer = (request, response) => {
    const url = new URL(request.url ?? '', 'http://engine');
    if (url.pathname.endsWith('/kill')) {
      const signal = url.searchParams.get('signal');
      signals.push(signal);
      running = signal !== 'SIGKILL';
      json(
        response,
        { message: running ? `Invalid signal: ${signal}` : 'is not running' },
        running ? 400 : 409,
      );
      if (running) clock.advance(1_000);
    } else if (url.pathname.endsWith('/json')) {
      const State = { Status: 'running', Running: running, ExitCode: 137, OOMKilled: false };
      const Config = { Labels: {}, StopSignal: 'SIGRTMIN+3' };
      json(response, { Id: 'c1', State, Config, HostConfig: {}, NetworkSettings: {} });
    } else json(response, { message: 'none' }, 404);
  };
  await driver.recover(ORDER.workerId);
  assert.equal((await driver.stop(ORDER.workerId, 1_000)).signal, 'SIGKILL');
  assert.deepEqual(signals, ['SIGRTMIN+3', 'SIGKILL']);
});

const PULLED = { Id: `sha256:${'a'.repeat(64)}`, RepoTags: ['app:1'], RepoDigests: [], Size: 5 };

test('a pull that breaks off in the middle of a word is begun again', async () => {
  let pulls = 0;
  answer = (request, response) => {
    if (request.url?.startsWith('/images/create') === true) {
      pulls += 1;
      if (pulls === 1) response.write('{"status":"Down', () => response.destroy());
      else response.end('{"status":"Download complete","id":"a"}\n');
    } else if (pulls < 2) json(response, { message: 'No such image' }, 404);
    else json(response, PULLED);
  };
  assert.equal((await driver.prepare(servingSpec('app:1'), pullContext())).id, PULLED.Id);
  assert.equal(pulls, 2);
});

test('a pull of which nothing more is heard is given up, by name', async () => {
  const clock = new ManualClock();
  await driver.close();
  driver = folder.open({ socketPath: socket, clock });
  answer = (request, response) => {
    if (request.url?.startsWith('/images/create') === true) {
      response.write('{"status":"Downloading","id":"a","progressDetail":{"current":1,"total":9}}\n');
    } else json(response, { message: 'No such image' }, 404);
  };
  const context = { ...pullContext(), onProgress: () => clock.advance(20 * MINUTE_MS) };
  await assert.rejects(driver.prepare(servingSpec('app:1'), context), {
    code: 'IMAGE_PULL_FAILED',
    message: 'the pull of image "app:1" was given up: the container engine said nothing for 1200 s',
  });
});

test('output that does not come to its end is not waited for', { timeout: 60_000 }, async () => {
  const clock = new ManualClock();
  await driver.close();
  driver = folder.open({ socketPath: socket, clock });
  answer = (request, response) => {
    if (request.url?.includes('/logs') === true) {
      response.writeHead(200).flushHeaders();
    } else if (request.url?.endsWith('/json') === true) {
      const State = { Status: 'running', Running: true, ExitCode: 0, OOMKilled: false };
      json(response, { Id: 'c1', State, Config: { Labels: {} }, HostConfig: {}, NetworkSettings: {} });
    } else json(response, { message: 'none' }, 404);
  };
  await driver.recover(ORDER.workerId);
  let told = false;
  const logs = driver.logs(ORDER.workerId, 1_000).finally(() => (told = true));
  while (!told) {
    await setImmediate();
    clock.advance(SECOND_MS);
  }
  assert.equal((await logs).text, '');
});

test('an image that stays whatever is removed is given up', async () => {
  answer = (request, response) => {
    if (request.method === 'DELETE') json(response, { message: 'No such image' }, 404);
    else json(response, request.url === '/images/json' ? [PULLED] : []);
  };
  await assert.rejects(driver.images.remove(PULLED.Id), { code: 'ENGINE_FAILED' });
});

test('a program that was found by one PATH is looked for by another', async () => {
  let path = '/bin';
  answer = (request, response) => {
    if (request.method === 'HEAD')
      response.writeHead(request.url?.includes('nowhere') === true ? 404 : 200).end();
    else if (request.url?.startsWith('/containers/create') === true) json(response, { Id: 'c1' }, 201);
    else if (request.url?.endsWith('/json') === true) {
      json(response, { Image: PULLED.Id, Config: { Entrypoint: null, Cmd: ['app'], Env: [`PATH=${path}`] } });
    } else json(response, { message: 'not in this test' }, 500);
  };
  await assert.rejects(driver.start(ORDER), { code: 'WORKER_START_FAILED' });
  path = '/nowhere';
  await assert.rejects(driver.start(ORDER), { code: 'ENTRYPOINT_NOT_FOUND' });
});

test(
  'an answer that breaks off in the middle is told as an engine that is away',
  { timeout: 30_000 },
  async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('[{"Id":', () => response.destroy());
    };
    await assert.rejects(driver.images.list(), { code: 'ENGINE_UNREACHABLE' });
  },
);

test('an answer that does not come to its end is told as slow', { timeout: 30_000 }, async () => {
  await driver.close();
  driver = folder.open({ socketPath: socket, callTimeoutMs: 200 });
  answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('[{"Id":');
  };
  await assert.rejects(driver.images.list(), { code: 'ENGINE_SLOW' });
});
