import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/base/random.ts';
import type { RevisionSpec } from '../../src/model/endpoint.ts';
import type { WorkerAddress } from '../../src/model/worker.ts';
import {
  createProcessDriver,
  type ProcessDriver,
  type ProcessDriverOptions,
} from '../../src/adapters/driver-process/process-driver.ts';
import { hostDevices } from '../../src/main/host-devices.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { silentLog } from './silent-log.ts';

export const WORKERS_FOLDER = fileURLToPath(new URL('../fixtures/workers', import.meta.url));

/** A spec for the process driver that runs `node serving.mjs` of the fixtures on two ports. */
export const SERVING: RevisionSpec = {
  productId: 'gpu',
  regionId: 'local',
  image: `host:${WORKERS_FOLDER}`,
  registryAuthId: '',
  entrypoint: `'${process.execPath}'`,
  command: 'serving.mjs',
  envs: [],
  ports: [8000, 9000],
  volumes: [],
  gpuNum: 1,
  rootfsSizeGb: 20,
  minCudaVersion: '',
};

export interface DataFolder {
  readonly path: string;
  open(options?: Partial<ProcessDriverOptions>): ProcessDriver;
  remove(): Promise<void>;
}

export async function makeDataFolder(): Promise<DataFolder> {
  const path = await mkdtemp(join(tmpdir(), 'pilotlight-driver-'));
  return {
    path,
    open: (options = {}) =>
      createProcessDriver({
        dataDir: path,
        clock: systemClock(),
        log: silentLog,
        // Test files run side by side: each begins elsewhere in the range of ports.
        random: seededRandom(process.pid),
        hostDevices: () => hostDevices(2, null, silentLog),
        environment: process.env,
        ...options,
      }),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

export interface ServingAnswer {
  readonly name: string;
  readonly pid: number;
  readonly folder: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export async function askServing({ host, port }: WorkerAddress): Promise<ServingAnswer> {
  const response = await fetch(`http://${host}:${port}/`, { headers: { connection: 'close' } });
  return (await response.json()) as ServingAnswer;
}
