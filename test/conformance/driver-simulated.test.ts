import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  createSimulatedDriver,
  type SimulatedDriver,
} from '../../src/adapters/driver-simulated/simulated-driver.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { EnvironmentVariable, RevisionSpec } from '../../src/model/endpoint.ts';
import { driverConformance, type Behaviour, type DriverWorld } from './driver.ts';

function spec(...variables: readonly [string, string][]): RevisionSpec {
  const envs: EnvironmentVariable[] = variables.map(([key, value]) => ({ key, value }));
  return {
    productId: 'gpu',
    regionId: 'local',
    image: 'any/image:1',
    registryAuthId: '',
    entrypoint: '',
    command: '',
    envs,
    ports: [8000, 9000],
    volumes: [],
    gpuNum: 1,
    rootfsSizeGb: 20,
    minCudaVersion: '',
  };
}

const SPECS: Readonly<Record<Behaviour, RevisionSpec>> = {
  serves: spec(),
  ignoresTerm: spec(['SIMULATED_IGNORE_STOP', '1']),
  idles: spec(['SIMULATED_NEVER_READY', '1']),
  exitsAtOnce: spec(['SIMULATED_EXIT_AFTER_MS', '0'], ['SIMULATED_EXIT_CODE', '3']),
  floods: spec(['SIMULATED_LOG_BYTES', String(300 * 1024)]),
};

function makeWorld(answer: boolean): () => Promise<DriverWorld> {
  return async () => {
    const clock = new ManualClock();
    let driver: SimulatedDriver;
    return {
      open() {
        driver = createSimulatedDriver({ clock, random: seededRandom(1), devices: 2, answer });
        return Promise.resolve(driver);
      },
      readiness: () => driver.readiness,
      spec: (behaviour) => SPECS[behaviour],
      refused: [
        { spec: spec(['SIMULATED_START_MS', 'soon']), code: 'VALIDATOR_PARAM' },
        { spec: spec(['SIMULATED_START_MS', '-1']), code: 'VALIDATOR_PARAM' },
        { spec: spec(['SIMULATED_EXIT_CODE', '256']), code: 'VALIDATOR_PARAM' },
        { spec: spec(['SIMULATED_START_FAILURE_RATE', '1.5']), code: 'VALIDATOR_PARAM' },
        { spec: spec(['SIMULATED_STRAT_MS', '1']), code: 'VALIDATOR_PARAM' },
      ],
      unstartable: { spec: spec(['SIMULATED_START_FAILURE_RATE', '1']), code: 'WORKER_START_FAILED' },
      devices: ['1'],
      async settle(promise) {
        let settled = false;
        void Promise.allSettled([promise]).then(() => {
          settled = true;
        });
        for (;;) {
          await nextTurn();
          if (settled) return promise;
          const dueMs = clock.nextDueMs();
          if (dueMs !== null) clock.advanceTo(dueMs);
        }
      },
      reach: answer
        ? async ({ host, port }) => {
            const response = await fetch(`http://${host}:${port}/`);
            return response.json();
          }
        : null,
      spareImage: 'any/spare:1',
      credential: null,
      survivesRestart: false,
      logLimitBytes: 64 * 1024,
      close: () => Promise.resolve(),
    };
  };
}

driverConformance('simulated, without sockets', makeWorld(false));
driverConformance('simulated, answering', makeWorld(true));
