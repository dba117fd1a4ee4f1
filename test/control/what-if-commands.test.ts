import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { ArrivalChunkId, OwnerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { WhatIfCommands } from '../../src/control/what-if-commands.ts';
import { ArrivalChunkWriter } from '../../src/model/arrival-chunk.ts';
import type { RevisionSpec } from '../../src/model/endpoint.ts';
import type { ArrivalChunk } from '../../src/ports/store.ts';
import type { SimulationJob } from '../../src/ports/what-if.ts';
import { storedArrivalChunk } from '../support/stored-records.ts';
import { STUB_ENDPOINT_ID, stubService, stubView, stubWorker } from '../support/stub-endpoint-service.ts';
import { stubWhatIfAnswer } from '../support/stub-what-if.ts';

const CALLER = { ownerId: 'owner-1' as OwnerId, admin: false };
const DAY_MS = 86_400_000;

function commands(
  chunks: readonly ArrivalChunk[],
  overrides: Parameters<typeof stubService>[0] = {},
  checkSpec: (spec: RevisionSpec) => void = () => undefined,
) {
  const clock = new ManualClock();
  const jobs: SimulationJob[] = [];
  const order: string[] = [];
  const whatIf = new WhatIfCommands({
    clock,
    store: {
      arrivalChunkList: async (_endpointId, fromMs, after, limit) => {
        order.push('read');
        const from = after === null ? 0 : chunks.findIndex(({ id }) => id === after.id) + 1;
        return await Promise.resolve(
          chunks.filter(({ lastEndMs }) => lastEndMs >= fromMs).slice(from, from + limit),
        );
      },
    },
    simulator: {
      run: async (job) => {
        jobs.push(job);
        return await Promise.resolve(stubWhatIfAnswer().outcome);
      },
      close: async () => await Promise.resolve(),
    },
    endpoints: stubService(overrides),
    flushArrivals: async () => {
      await Promise.resolve();
      order.push('flush');
    },
    checkSpec,
  });
  const options = { signal: new AbortController().signal, onProgress: () => undefined };
  const ask = async (body: unknown, endpointId = STUB_ENDPOINT_ID) =>
    await whatIf.simulate(endpointId, body, CALLER, options);
  return { ask, jobs, order, clock };
}

function createdAt(createdAtMs: number) {
  const view = stubView();
  return { ...view, endpoint: { ...view.endpoint, createdAtMs } };
}

function chunk(number: number, clock: ManualClock, count = 1): ArrivalChunk {
  const writer = new ArrivalChunkWriter();
  writer.add({ endedAtMs: clock.nowMs(), waitMs: 0, runMs: 1, sizeClass: 0, outcome: 'answered' });
  return storedArrivalChunk(`c${String(number).padStart(5, '0')}`, STUB_ENDPOINT_ID, {
    id: `c${String(number).padStart(5, '0')}` as ArrivalChunkId,
    firstEndMs: clock.nowMs(),
    lastEndMs: clock.nowMs(),
    count,
    bytes: writer.bytes(),
  });
}

test('all recorded chunks of the window are read, after what is still in memory was written', async () => {
  const chunks = Array.from({ length: 700 }, (_, index) => chunk(index, new ManualClock()));
  const { ask, jobs, order, clock } = commands(chunks, { get: () => createdAt(0) });
  await ask({ window: '2d' });
  assert.deepEqual(order, ['flush', 'read', 'read', 'read']);
  const requests = jobs[0]?.requests;
  assert.ok(requests?.kind === 'recorded');
  assert.equal(requests.chunks.length, 700);
  assert.deepEqual([requests.fromMs, requests.toMs], [clock.nowMs() - 2 * DAY_MS, clock.nowMs()]);
});

test('the simulated time begins with the endpoint, where that is later than the window', async () => {
  const clock = new ManualClock();
  const { ask, jobs } = commands([chunk(1, clock)], { get: () => createdAt(clock.nowMs() - 5_000) });
  await ask({ window: '2d' });
  const requests = jobs[0]?.requests;
  assert.ok(requests?.kind === 'recorded');
  assert.deepEqual([requests.fromMs, requests.toMs], [clock.nowMs() - 5_000, clock.nowMs()]);
});

test('without a record, and with too much of one, it is refused before anything is simulated', async () => {
  const none = commands([]);
  await assert.rejects(none.ask({}), {
    code: 'NO_ARRIVALS',
    message: /take a longer window, or give a trace/,
  });
  const clock = new ManualClock();
  const full = commands([chunk(1, clock, 3_000_000), chunk(2, clock, 3_000_000)]);
  await assert.rejects(full.ask({}), { code: 'SIMULATION_TOO_LARGE', message: /Take a shorter window/ });
  assert.deepEqual([...none.jobs, ...full.jobs], []);
});

test('a trace is passed on, and no record is read', async () => {
  const { ask, jobs, order } = commands([]);
  await ask({ trace: 'QUJD' });
  assert.deepEqual(jobs[0]?.requests, { kind: 'trace', base64: 'QUJD' });
  assert.deepEqual(order, []);
});

test('a proposal is simulated with the devices of its product, once it could be an update', async () => {
  const checked: string[] = [];
  const { ask, jobs } = commands([chunk(1, new ManualClock())], {}, (spec) => checked.push(spec.productId));
  const same = await ask({ worker_config: { max_replicas: 2 } });
  assert.deepEqual([same.proposed, same.changed, checked], [null, [], []]);
  const other = await ask({ product_id: 'h100', worker_config: { max_replicas: 9, gpu_num: 2 } });
  assert.deepEqual(checked, ['h100']);
  assert.deepEqual(jobs[1]?.now, {
    settings: stubView().endpoint.settings,
    devices: null,
    devicesPerWorker: 0,
  });
  assert.equal(jobs[1]?.proposed?.devices, 4);
  assert.equal(jobs[1]?.proposed?.devicesPerWorker, 2);
  assert.equal(jobs[1]?.proposed?.settings.maxReplicas, 9);
  assert.match(other.notes.join('\n'), /those of the present product/);
  assert.match(other.notes.join('\n'), /no price/);
  assert.deepEqual(other.workerPrices, { now: null, proposed: 5 });
});

test('what an update would be refused for is refused here', async () => {
  const { ask } = commands([chunk(1, new ManualClock())], {}, () => {
    throw new AppError('SERVERLESS_PRODUCT_NOT_FOUND', 'no such product');
  });
  await assert.rejects(ask({ product_id: 'none' }), { code: 'SERVERLESS_PRODUCT_NOT_FOUND' });
  await assert.rejects(ask({ worker_config: {} }), { code: 'VALIDATOR_PARAM' });
  await assert.rejects(ask({}, 'nobody'), { code: 'SERVERLESS_ENDPOINT_NOT_FOUND' });
});

test("start times are those of the revision's workers, else of any, else one smoothed time, else assumed", async () => {
  const recorded = [chunk(1, new ManualClock())];
  const started = (revision: number, ms: number) =>
    stubWorker({ revision, startedAtMs: 1_000, readyAtMs: 1_000 + ms });
  const waiting = stubWorker({ startedAtMs: null, readyAtMs: null });
  const view = stubView();
  const measured = { ...view, revision: { ...view.revision, startTimeMs: 333 } };
  const cases = [
    [[started(1, 10), started(2, 20), started(1, 30), waiting], view, { ms: [10, 30], source: 'workers' }],
    [[started(2, 20), waiting], view, { ms: [20], source: 'workers' }],
    [[waiting], measured, { ms: [333], source: 'revision' }],
    [[], view, { ms: [10_000], source: 'assumed' }],
  ] as const;
  for (const [workers, shown, expected] of cases) {
    const { ask, jobs } = commands(recorded, { workerList: () => workers, get: () => shown });
    const { startTimes, notes } = await ask({});
    assert.deepEqual(startTimes, expected);
    assert.deepEqual(jobs[0]?.startTimesMs, expected.ms);
    assert.equal(/is assumed to take 10 s/.test(notes.join('\n')), expected.source === 'assumed');
  }
});
