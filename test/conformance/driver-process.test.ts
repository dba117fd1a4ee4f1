import { createHttpReadiness } from '../../src/adapters/readiness-http.ts';
import type { RevisionSpec } from '../../src/model/endpoint.ts';
import { askServing, makeDataFolder, SERVING } from '../support/process-world.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { driverConformance, type Behaviour } from './driver.ts';

const LOG_LIMIT_BYTES = 64 * 1024;

const FLOOD = `i=0; while [ $i -lt 300 ]; do printf "%1024s" "$i"; i=$((i+1)); done; exec "$0" serving.mjs`;

const SPECS: Readonly<Record<Behaviour, RevisionSpec>> = {
  serves: SERVING,
  ignoresTerm: { ...SERVING, envs: [{ key: 'IGNORE_TERM', value: '1' }] },
  idles: { ...SERVING, image: 'host', entrypoint: 'sleep', command: '600' },
  exitsAtOnce: { ...SERVING, image: 'host', entrypoint: '', command: `sh -c 'exit 3'` },
  floods: { ...SERVING, entrypoint: 'sh -c', command: `'${FLOOD}' '${process.execPath}'` },
};

driverConformance('process', async () => {
  const folder = await makeDataFolder();
  return {
    open: () => Promise.resolve(folder.open({ logLimitBytes: LOG_LIMIT_BYTES })),
    readiness: () => createHttpReadiness({ clock: systemClock() }),
    spec: (behaviour) => SPECS[behaviour],
    refused: [
      { spec: { ...SERVING, image: 'docker.io/library/nginx:1' }, code: 'IMAGE_NOT_SUPPORTED' },
      { spec: { ...SERVING, image: 'host:' }, code: 'IMAGE_NOT_SUPPORTED' },
      { spec: { ...SERVING, image: 'host:/no/such/folder' }, code: 'IMAGE_NOT_SUPPORTED' },
      { spec: { ...SERVING, image: `host:${process.execPath}` }, code: 'IMAGE_NOT_SUPPORTED' },
      { spec: { ...SERVING, image: `host:/${'long'.repeat(100)}` }, code: 'IMAGE_NOT_SUPPORTED' },
      { spec: { ...SERVING, entrypoint: '', command: ' ' }, code: 'VALIDATOR_PARAM' },
      { spec: { ...SERVING, command: 'echo "never closed' }, code: 'VALIDATOR_PARAM' },
    ],
    unstartable: {
      spec: { ...SERVING, entrypoint: 'no-such-program-anywhere' },
      code: 'WORKER_START_FAILED',
    },
    devices: ['1'],
    settle: (promise) => promise,
    reach: askServing,
    spareImage: null,
    credential: null,
    survivesRestart: true,
    logLimitBytes: LOG_LIMIT_BYTES,
    close: () => folder.remove(),
  };
});
