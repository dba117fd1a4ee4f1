import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, test } from 'node:test';
import {
  createSimulatedDriver,
  type SimulatedDriver,
  type SimulatedDriverOptions,
} from '../../src/adapters/driver-simulated/simulated-driver.ts';
import type { EndpointId, WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { WorkerOrder } from '../../src/ports/driver.ts';
import { endOf, pullContext, recordExits, type ExitRecorder } from '../support/worker-orders.ts';

let clock: ManualClock;
let driver: SimulatedDriver;
let exits: ExitRecorder;

beforeEach(() => open());
afterEach(() => driver.close());

function open(options: Partial<SimulatedDriverOptions> = {}): void {
  clock = new ManualClock();
  driver = createSimulatedDriver({ clock, random: seededRandom(4), devices: 2, ...options });
  exits = recordExits(driver);
}

function order(id: string, variables: Readonly<Record<string, string>> = {}, revision = 1): WorkerOrder {
  return {
    workerId: id as WorkerId,
    endpointId: 'endpoint1' as EndpointId,
    appName: 'app',
    revision,
    spec: {
      productId: 'gpu',
      regionId: 'local',
      image: 'any',
      registryAuthId: '',
      entrypoint: '',
      command: '',
      envs: Object.entries(variables).map(([key, value]) => ({ key: `SIMULATED_${key}`, value })),
      ports: [],
      volumes: [],
      gpuNum: 1,
      rootfsSizeGb: 20,
      minCudaVersion: '',
    },
    devices: [],
    credential: null,
    mounts: [],
    variables: {},
    fence: 1,
  };
}

function watchHealth({ workerId }: WorkerOrder, stop = new AbortController()): boolean[] {
  const changes: boolean[] = [];
  const target = {
    workerId,
    address: { host: '127.0.0.1', port: 1 },
    healthCheck: { path: '', port: 0 },
    takesJobs: false,
  };
  driver.readiness.watch(target, (healthy) => changes.push(healthy), stop.signal);
  return changes;
}

test('START_MS and UNHEALTHY_AFTER_MS: health changes at those times, counted from the start', async () => {
  const given = order('w', { START_MS: '200', UNHEALTHY_AFTER_MS: '1000' });
  await driver.start(given);
  const changes = watchHealth(given);
  clock.advance(199);
  assert.deepEqual(changes, []);
  clock.advance(1);
  assert.deepEqual(changes, [true]);
  clock.advance(799);
  assert.deepEqual(changes, [true]);
  clock.advance(1);
  assert.deepEqual(changes, [true, false]);
});

test('an aborted watch tells nothing and leaves no timer', async () => {
  const given = order('w', { START_MS: '200' });
  await driver.start(given);
  const stop = new AbortController();
  const changes = watchHealth(given, stop);
  stop.abort();
  assert.equal(clock.timerCount, 0);
  clock.advance(1_000);
  assert.deepEqual(changes, []);
});

test('NEVER_READY: it never is', async () => {
  const given = order('w', { NEVER_READY: '1' });
  await driver.start(given);
  const changes = watchHealth(given);
  clock.advance(86_400_000);
  assert.deepEqual(changes, []);
});

test('PREPARE_MS: prepare takes that long and can be aborted', async () => {
  const { spec } = order('w', { PREPARE_MS: '50' });
  let done = false;
  const prepared = driver.prepare(spec, pullContext()).then(() => {
    done = true;
  });
  clock.advance(49);
  await nextTurn();
  assert.equal(done, false);
  clock.advance(1);
  await prepared;
  const stop = new AbortController();
  const aborted = driver.prepare(spec, pullContext(stop.signal));
  stop.abort(new Error('no longer wanted'));
  await assert.rejects(aborted, /no longer wanted/);
  assert.equal(clock.timerCount, 0);
});

test('START_FAILURES: so many first starts of each revision fail', async () => {
  const outcomes: string[] = [];
  for (const [id, revision] of [
    ['a', 1],
    ['b', 1],
    ['c', 1],
    ['d', 2],
  ] as const) {
    await driver.start(order(id, { START_FAILURES: '2' }, revision)).then(
      () => outcomes.push(`${id} started`),
      (error: Error) => outcomes.push(`${id} ${error.message}`),
    );
  }
  assert.deepEqual(outcomes, [
    'a simulated start failure 1 of 2',
    'b simulated start failure 2 of 2',
    'c started',
    'd simulated start failure 1 of 2',
  ]);
  assert.equal((await driver.list()).length, 1);
});

test('START_FAILURE_RATE: about that share fails, and the same seed gives the same', async () => {
  const outcomes: string[] = [];
  for (let run = 0; run < 2; run += 1) {
    open();
    let outcome = '';
    for (let index = 0; index < 100; index += 1) {
      await driver.start(order(`w${index}`, { START_FAILURE_RATE: '0.3' })).then(
        () => (outcome += 's'),
        () => (outcome += 'f'),
      );
    }
    outcomes.push(outcome);
  }
  const failed = outcomes[0]?.replaceAll('s', '').length ?? 0;
  assert.ok(failed >= 20 && failed <= 40, `${failed} of 100 failed`);
  assert.equal(outcomes[1], outcomes[0]);
});

test('EXIT_AFTER_MS, EXIT_CODE and VANISH_AFTER_MS: it ends then, and so', async () => {
  await driver.start(order('exits', { EXIT_AFTER_MS: '10', EXIT_CODE: '0' }));
  await driver.start(order('vanishes', { VANISH_AFTER_MS: '20' }));
  clock.advance(9);
  await nextTurn();
  assert.equal(exits.all.length, 0);
  clock.advance(11);
  assert.deepEqual(endOf(await exits.of('vanishes' as WorkerId)), { code: null, signal: null });
  assert.deepEqual(
    exits.all.map(({ workerId, exit }) => [workerId, exit.code]),
    [
      ['exits', 0],
      ['vanishes', null],
    ],
  );
});

test('STOP_MS: it ends that long after the wish, or killed when the grace is shorter', async () => {
  await driver.start(order('obeys', { STOP_MS: '40' }));
  await driver.start(order('late', { STOP_MS: '40' }));
  const stops = Promise.all([driver.stop('obeys' as WorkerId, 50), driver.stop('late' as WorkerId, 30)]);
  clock.advance(30);
  await nextTurn();
  assert.deepEqual(
    (await driver.list()).map(({ running }) => running),
    [true, false],
  );
  clock.advance(10);
  assert.deepEqual((await stops).map(endOf), [
    { code: 0, signal: null },
    { code: null, signal: 'SIGKILL' },
  ]);
});

test('STATUS and LATENCY_MS: what an answering worker says, and when; 503 before it is ready', async () => {
  open({ answer: true });
  const given = order('w', { STATUS: '418', LATENCY_MS: '25', START_MS: '100' });
  const { addresses } = await driver.start(given);
  const url = `http://127.0.0.1:${addresses[8080]?.port}/path?query`;
  async function ask(): Promise<Response> {
    const timers = clock.timerCount;
    const answer = fetch(url, { method: 'POST', body: 'x', headers: { connection: 'close' } });
    while (clock.timerCount === timers) await nextTurn();
    clock.advance(25);
    return answer;
  }
  assert.equal((await ask()).status, 503);
  clock.advance(100);
  const response = await ask();
  assert.equal(response.status, 418);
  assert.deepEqual(await response.json(), {
    simulated: true,
    endpointId: 'endpoint1',
    revision: 1,
    workerId: 'w',
    method: 'POST',
    url: '/path?query',
  });
});

test('an answering worker that ends cuts off what it was doing, and its port is closed', async () => {
  open({ answer: true });
  const given = order('w', { LATENCY_MS: '1000', EXIT_AFTER_MS: '10' });
  const { addresses } = await driver.start(given);
  const url = `http://127.0.0.1:${addresses[8080]?.port}/`;
  const answer = fetch(url);
  while (clock.timerCount < 2) await nextTurn();
  const broken = assert.rejects(answer, TypeError);
  clock.advance(10);
  await broken;
  await assert.rejects(fetch(url), TypeError);
  assert.equal(clock.timerCount, 0);
});

test('defaults of the driver hold where the endpoint says nothing', async () => {
  open({ knobs: { startMs: 5 } });
  const given = order('w');
  await driver.start(given);
  const changes = watchHealth(given);
  clock.advance(5);
  assert.deepEqual(changes, [true]);
});

test('all faults of the variables are told together', () => {
  const { spec } = order('w', { START_MS: '1.5', IGNORE_STOP: 'yes', STATUS: '', UNKNOWN: '1' });
  const refusal = driver.refusal(spec);
  assert.equal(refusal?.code, 'VALIDATOR_PARAM');
  assert.deepEqual(Object.keys(refusal?.metadata ?? {}), [
    'envs[0].value',
    'envs[1].value',
    'envs[2].value',
    'envs[3].key',
  ]);
});
