import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { pushVariant } from '../../scripts/engines/test-image.ts';
import {
  createDockerDriver,
  type DockerDriver,
  type DockerDriverOptions,
} from '../../src/adapters/driver-docker/docker-driver.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import type { RevisionSpec } from '../../src/model/endpoint.ts';
import type { Device } from '../../src/model/product.ts';
import type { RegistryCredential } from '../../src/model/registry-auth.ts';
import { testEngine, type TestEngine } from './engines.ts';
import { silentLog } from './silent-log.ts';

const DEVICES: readonly Device[] = ['0', '1'].map((id) => ({
  id,
  productId: 'gpu',
  name: 'GPU',
  memoryMib: 0,
}));

/** A spec for the docker driver that runs `node serving.mjs` of the fixtures on two ports. */
export function servingSpec(image: string): RevisionSpec {
  return {
    productId: 'gpu',
    regionId: 'local',
    image,
    registryAuthId: '',
    entrypoint: '',
    command: 'serving.mjs',
    envs: [],
    ports: [8000, 9000],
    volumes: [],
    gpuNum: 1,
    rootfsSizeGb: 20,
    minCudaVersion: '',
  };
}

export interface DockerFolder {
  readonly path: string;
  open(options?: Partial<DockerDriverOptions>): DockerDriver;
  /** What its containers carry as the label `pilotlight.instance`. */
  instance(): Promise<string>;
  remove(): Promise<void>;
}

export async function makeDockerFolder(engine: Pick<TestEngine, 'socket'>): Promise<DockerFolder> {
  const path = await mkdtemp(join(tmpdir(), 'pilotlight-docker-'));
  return {
    path,
    open: (options = {}) =>
      createDockerDriver({
        dataDir: path,
        socketPath: engine.socket,
        clock: systemClock(),
        log: silentLog,
        hostDevices: () => Promise.resolve({ devices: DEVICES, cudaVersion: null }),
        ...options,
      }),
    instance: () => readFile(join(path, 'instance'), 'utf8'),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/**
 * Puts an image of the tests' files into the registry and nowhere else, as `<registry>/<name>:<tag>`.
 * Two with the same name, tag and another `colour` are a tag that moved.
 */
export async function pushTestImage(name: string, tag: string, colour = 'none'): Promise<string> {
  const { socket, image, registry } = testEngine('docker');
  const { address, username, password } = registry;
  await pushVariant(new Docker({ socketPath: socket }), image, {
    name: `${address}/${name}`,
    tag,
    changes: `ENV COLOUR=${colour}`,
    login: { username, password, serveraddress: address },
  });
  return `${address}/${name}:${tag}`;
}

export function credentialOf({ registry }: TestEngine): RegistryCredential {
  const { address, username, password } = registry;
  return { registry: address, username, password };
}
