import { createHttpReadiness } from '../../src/adapters/readiness-http.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import type { RevisionSpec } from '../../src/model/endpoint.ts';
import type { Behaviour, DriverWorld } from '../conformance/driver.ts';
import { credentialOf, makeDockerFolder, pushTestImage, servingSpec } from './docker-world.ts';
import { testEngine, type TestEngine } from './engines.ts';
import { askServing } from './process-world.ts';

const LOG_LIMIT_BYTES = 64 * 1024;

/** It serves, and may be ended, only when the engine has read all of it: a pipe holds 64 KiB. */
const FLOOD = `process.stdout.write((" ".repeat(1023) + "\\n").repeat(300), () => import("/app/serving.mjs"))`;

/** Containers of one engine as the ground of the shared suite. */
export async function dockerConformanceWorld(
  kind: TestEngine['kind'],
  devices: readonly string[],
): Promise<DriverWorld> {
  const engine = testEngine(kind);
  const folder = await makeDockerFolder(engine);
  const serving = servingSpec(engine.image);
  const specs: Readonly<Record<Behaviour, RevisionSpec>> = {
    serves: serving,
    ignoresTerm: { ...serving, envs: [{ key: 'IGNORE_TERM', value: '1' }] },
    idles: { ...serving, command: '-e "setInterval(() => undefined, 60000)"' },
    exitsAtOnce: { ...serving, entrypoint: 'node -e', command: `'process.exit(3)'` },
    floods: { ...serving, entrypoint: 'node -e', command: `'${FLOOD}'` },
  };
  return {
    open: async () => {
      const driver = folder.open({ logLimitBytes: LOG_LIMIT_BYTES });
      await driver.fingerprint();
      return driver;
    },
    readiness: () => createHttpReadiness({ clock: systemClock() }),
    spec: (behaviour) => specs[behaviour],
    refused: [
      { spec: { ...serving, image: 'host' }, code: 'IMAGE_NOT_SUPPORTED' },
      { spec: { ...serving, image: 'host:/srv/model' }, code: 'IMAGE_NOT_SUPPORTED' },
      { spec: { ...serving, image: 'Not/An Image' }, code: 'VALIDATOR_PARAM' },
      { spec: { ...serving, image: 'app@sha256:12' }, code: 'VALIDATOR_PARAM' },
      { spec: { ...serving, command: 'echo "never closed' }, code: 'VALIDATOR_PARAM' },
      { spec: { ...serving, entrypoint: 'sh -c \\' }, code: 'VALIDATOR_PARAM' },
    ],
    unstartable: { spec: { ...serving, entrypoint: '/no/such/program' }, code: 'ENTRYPOINT_NOT_FOUND' },
    devices,
    settle: (promise) => promise,
    reach: askServing,
    spareImage: await pushTestImage(`spare-for-${kind}`, '1', kind),
    credential: credentialOf(engine),
    survivesRestart: true,
    logLimitBytes: LOG_LIMIT_BYTES,
    close: () => folder.remove(),
  };
}
