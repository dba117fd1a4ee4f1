import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/base/random.ts';
import type { EndpointSettings } from '../../src/model/endpoint.ts';
import type { Advice, AdvisedSettings, WaitGoals } from '../../src/ports/what-if.ts';
import { simulateEndpoint } from '../../src/simulate/simulate-endpoint.ts';
import { advise, frontierOf, missRatio } from '../../src/simulate/what-if/advise.ts';
import { requestsOf, type RequestList } from '../../src/simulate/what-if/request-list.ts';

const SETTINGS: EndpointSettings = {
  name: 'test',
  minReplicas: 0,
  maxReplicas: 4,
  idleTimeoutSeconds: 7,
  maxConcurrentPerWorker: 2,
  requestTimeoutSeconds: 300,
  policy: { type: 'queue', value: 5 },
  healthCheck: { path: '', port: 0 },
};
const START_MS = 10_000;

/** Requests at random, about one a `gapMs`, each of one second. */
function traffic(count: number, gapMs: number): RequestList {
  const random = seededRandom(5);
  let atMs = 0;
  const arrivals = Array.from({ length: count }, () => (atMs += -Math.log(1 - random.next()) * gapMs));
  return {
    arrivalMs: Float64Array.from(arrivals),
    serviceMs: new Float64Array(count).fill(1_000),
    assumedRuns: 0,
    recorded: null,
    span: null,
  };
}

function goals(changes: Partial<WaitGoals>): WaitGoals {
  return { p50Ms: null, p95Ms: null, p99Ms: null, ...changes };
}

async function adviceFor(requests: RequestList, wanted: WaitGoals, settings = SETTINGS): Promise<Advice> {
  const base = { settings, devices: null, devicesPerWorker: 0 };
  return await advise({ requests, base, goals: wanted, startTimesMs: [START_MS], seed: 1 });
}

async function simulated(requests: RequestList, settings: EndpointSettings) {
  return await simulateEndpoint(
    { settings, devices: null, devicesPerWorker: 0, startTimesMs: [START_MS], seed: 1 },
    requestsOf(requests),
  );
}

test('the chosen settings hold the goal, and cost less than those that were in force where these hold it too', async () => {
  const requests = traffic(300, 20_000);
  const generous = { ...SETTINGS, minReplicas: 3 };
  const before = await simulated(requests, generous);
  assert.ok(before.waits.p95Ms <= 1_000, 'they hold it');
  const { chosen } = await adviceFor(requests, goals({ p95Ms: 1_000 }), generous);
  assert.ok(chosen !== null);
  assert.ok(chosen.missRatio <= 1);
  assert.ok(chosen.figures.workerSeconds < before.workerSeconds / 2, 'one worker is enough');
  const again = await simulated(requests, chosen.settings);
  assert.equal(again.waits.p95Ms, chosen.figures.waits.p95Ms, 'the figures are those of a simulation');
  assert.equal(again.workerSeconds, chosen.figures.workerSeconds);
});

test('a goal that sleeping workers hold is held without a worker that is kept', async () => {
  const { chosen } = await adviceFor(traffic(40, 900_000), goals({ p95Ms: 60_000 }));
  assert.equal(chosen?.settings.minReplicas, 0);
  assert.ok(chosen.settings.idleTimeoutSeconds <= 3, 'and they leave soon');
});

test('of several goals all hold', async () => {
  const wanted = goals({ p50Ms: 500, p95Ms: 3_000, p99Ms: 9_000 });
  const { chosen } = await adviceFor(traffic(300, 5_000), wanted);
  assert.ok(chosen !== null);
  const { waits } = chosen.figures;
  assert.ok(waits.p50Ms <= 500 && waits.p95Ms <= 3_000 && waits.p99Ms <= 9_000, JSON.stringify(waits));
});

test('when nothing holds, the nearest is told and by how much it misses', async () => {
  // Eight requests at a time, for ever, and room for six.
  const requests = traffic(400, 125);
  const { chosen, nearest, frontier } = await adviceFor(requests, goals({ p95Ms: 100 }), {
    ...SETTINGS,
    maxReplicas: 3,
  });
  assert.equal(chosen, null);
  assert.ok(nearest.missRatio > 1);
  assert.equal(nearest.missRatio, nearest.figures.waits.p95Ms / 100);
  for (const one of frontier) assert.ok(one.missRatio >= nearest.missRatio);
});

test('no point of the frontier is beaten by another, and the cheapest comes first', async () => {
  const { frontier, tried, sampled } = await adviceFor(traffic(200, 10_000), goals({ p95Ms: 2_000 }));
  assert.ok(frontier.length >= 2 && frontier.length <= 12);
  assert.ok(tried >= 30 && tried <= 300, `${tried} tried`);
  assert.equal(sampled, false);
  for (const [index, one] of frontier.entries()) {
    const next = frontier[index + 1];
    if (next === undefined) continue;
    assert.ok(one.figures.workerSeconds <= next.figures.workerSeconds);
    assert.ok(one.missRatio > next.missRatio);
  }
});

test('max_replicas and request_timeout stay, and no worker is given more requests than it was measured with', async () => {
  const { frontier } = await adviceFor(traffic(100, 3_000), goals({ p95Ms: 500 }));
  for (const { settings } of frontier) {
    assert.equal(settings.maxReplicas, SETTINGS.maxReplicas);
    assert.equal(settings.requestTimeoutSeconds, SETTINGS.requestTimeoutSeconds);
    assert.ok(settings.maxConcurrentPerWorker <= SETTINGS.maxConcurrentPerWorker);
    assert.ok(settings.minReplicas <= SETTINGS.maxReplicas);
  }
});

test('the same question has the same answer', async () => {
  const requests = traffic(60, 10_000);
  const wanted = goals({ p99Ms: 5_000 });
  assert.deepEqual(await adviceFor(requests, wanted), await adviceFor(requests, wanted));
});

test('many requests are searched in part; what is answered was run on all of them', async () => {
  const requests = traffic(2_000, 2_000);
  const told: number[] = [];
  const advice = await advise({
    requests,
    base: { settings: SETTINGS, devices: 4, devicesPerWorker: 1 },
    goals: goals({ p95Ms: 4_000 }),
    startTimesMs: [START_MS],
    seed: 1,
    effort: { search: 40_000, confirm: 20_000, sample: 500 },
    onProgress: (done, of) => {
      assert.ok(done <= of, `${done} of ${of}`);
      told.push(done);
    },
  });
  assert.equal(advice.sampled, true);
  assert.equal(advice.nearest.figures.requests, 2_000);
  for (const { figures } of advice.frontier) assert.equal(figures.requests, 2_000);
  assert.deepEqual(
    told,
    told.toSorted((one, other) => one - other),
    'progress goes forward',
  );
});

test('a signal ends the search', async () => {
  const aborted = new AbortController();
  const search = advise({
    requests: traffic(5_000, 1_000),
    base: { settings: SETTINGS, devices: null, devicesPerWorker: 0 },
    goals: goals({ p95Ms: 1 }),
    startTimesMs: [START_MS],
    seed: 1,
    signal: aborted.signal,
    onProgress: () => aborted.abort(new Error('enough')),
  });
  await assert.rejects(search, /enough/);
});

test('a miss is the worst ratio of wait and goal', () => {
  const figures = { waits: { p50Ms: 10, p95Ms: 300, p99Ms: 0, maxMs: 400 } } as AdvisedSettings['figures'];
  assert.equal(missRatio(figures, goals({ p50Ms: 20 })), 0.5);
  assert.equal(missRatio(figures, goals({ p50Ms: 20, p95Ms: 100 })), 3);
  assert.equal(missRatio(figures, goals({ p99Ms: 100 })), 0);
});

test('the frontier leaves out what costs as much and waits longer', () => {
  const point = (workerSeconds: number, ratio: number): AdvisedSettings => ({
    settings: SETTINGS,
    figures: { workerSeconds, refused: 0 } as AdvisedSettings['figures'],
    missRatio: ratio,
  });
  const kept = frontierOf([point(3, 1), point(1, 5), point(2, 5), point(1, 6), point(4, 1), point(5, 0)]);
  assert.deepEqual(
    kept.map(({ figures, missRatio: ratio }) => [figures.workerSeconds, ratio]),
    [
      [1, 5],
      [3, 1],
      [5, 0],
    ],
  );
});

test('a worker that is kept costs something in the silence around the requests too', async () => {
  const requests = { ...traffic(20, 1_000), span: { beforeMs: 3_600_000, totalMs: 10 * 3_600_000 } };
  const kept = await simulateEndpoint(
    {
      settings: { ...SETTINGS, minReplicas: 2 },
      devices: null,
      devicesPerWorker: 0,
      startTimesMs: [START_MS],
      seed: 1,
    },
    requestsOf(requests),
    { span: requests.span },
  );
  assert.equal(kept.durationMs, requests.span.totalMs);
  assert.ok(kept.workerSeconds >= 2 * 36_000 - 1, `${kept.workerSeconds}`);
  const { chosen } = await adviceFor(requests, goals({ p95Ms: START_MS * 2 }));
  assert.equal(chosen?.settings.minReplicas, 0);
  assert.ok(chosen.figures.workerSeconds < 3_600, `${chosen.figures.workerSeconds}`);
});
