/** The part of with-engines.ts that runs inside the network namespace: engines up, command, engines down. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerEngine } from './docker-engine.ts';
import { PodmanEngine } from './podman-engine.ts';
import { Registry } from './registry.ts';
import { buildImageTree, importImage, pushImage } from './test-image.ts';

/** Nobody else is in this namespace, so any number does. */
const REGISTRY_PORT = 5_000;
const LOGIN = { username: 'pilot', password: 'correct horse' };
const IMAGE = { name: 'pilotlight-test', tag: '1' };

const [program, ...words] = process.argv.slice(2);
if (program === undefined) throw new Error('no command was given');

const folder = mkdtempSync(join(tmpdir(), 'pilotlight-engines-'));
const stop = new AbortController();
/** Each opened thing's end, last opened first. */
const closers: (() => Promise<void>)[] = [];
let status = 1;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
try {
  const startedMs = Date.now();
  const environment = await startEngines();
  console.log(`docker, podman and a registry are up in ${((Date.now() - startedMs) / 1_000).toFixed(1)} s`);
  if (!stop.signal.aborted) status = await runCommand(environment);
} finally {
  for (const close of closers.reverse()) {
    await close().catch((error: unknown) => {
      console.error('an engine could not be ended in order:', error);
      status ||= 1;
    });
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exitCode = status;

async function startEngines(): Promise<Readonly<Record<string, string>>> {
  const loopback = spawnSync('ip', ['link', 'set', 'lo', 'up'], { stdio: 'inherit' });
  if (loopback.status !== 0) throw new Error('the loopback interface of the namespace could not be set up');
  const tree = join(folder, 'image');
  for (const name of ['docker', 'podman', 'registry']) mkdirSync(join(folder, name));
  const registry = await Registry.open({ folder: join(folder, 'registry'), port: REGISTRY_PORT, ...LOGIN });
  closers.push(() => registry.stop());
  const docker = await DockerEngine.open({
    folder: join(folder, 'docker'),
    network: 'own',
    programs: standInPrograms(join(folder, 'programs')),
  });
  closers.push(() => docker.close());
  const podman = await PodmanEngine.open({
    folder: join(folder, 'podman'),
    insecureRegistry: registry.address,
  });
  closers.push(() => podman.close());

  buildImageTree(tree);
  const remote = `${registry.address}/${IMAGE.name}`;
  for (const engine of [docker, podman]) {
    await importImage(engine.client, tree, IMAGE.name, IMAGE.tag);
  }
  const image = docker.client.getImage(`${IMAGE.name}:${IMAGE.tag}`);
  await image.tag({ repo: remote, tag: IMAGE.tag });
  await pushImage(docker.client, remote, IMAGE.tag, { ...LOGIN, serveraddress: registry.address });
  // Who wants it from the registry has to pull it.
  await docker.client.getImage(`${remote}:${IMAGE.tag}`).remove();
  rmSync(tree, { recursive: true });
  return {
    PILOTLIGHT_TEST_DOCKER_SOCKET: docker.socket,
    PILOTLIGHT_TEST_PODMAN_SOCKET: podman.socket,
    PILOTLIGHT_TEST_REGISTRY: registry.address,
    PILOTLIGHT_TEST_REGISTRY_USERNAME: LOGIN.username,
    PILOTLIGHT_TEST_REGISTRY_PASSWORD: LOGIN.password,
    PILOTLIGHT_TEST_IMAGE: `${IMAGE.name}:${IMAGE.tag}`,
  };
}

/**
 * With a program of this name on its path Docker takes requests for GPUs, and hands their ids to it and
 * to the container; the program would then put the devices there.
 */
function standInPrograms(path: string): string {
  mkdirSync(path);
  writeFileSync(join(path, 'nvidia-container-runtime-hook'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  return path;
}

async function runCommand(environment: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(program ?? '', words, {
    stdio: 'inherit',
    env: { ...process.env, ...environment, PILOTLIGHT_TEST_ENGINES: 'required' },
  });
  const forward = (): void => void child.kill('SIGTERM');
  stop.signal.addEventListener('abort', forward);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
