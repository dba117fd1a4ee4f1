import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { SimulationOptions } from '../../src/ports/what-if.ts';
import { ask, KEY, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID } from '../support/stub-endpoint-service.ts';
import { stubWhatIf, stubWhatIfAnswer } from '../support/stub-what-if.ts';

const PATH = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}/simulate`;
const EVENTS = { accept: 'text/event-stream' };

const FIGURES = {
  requests: 100,
  served: 97,
  timed_out: 2,
  refused: 1,
  cold_starts: 10,
  worker_starts: 4,
  worker_hours: 1.5,
  wait_seconds: { p50: 0, p95: 2.5, p99: 9, max: 12.345 },
  cost: null,
};
const SHOWN = {
  product_id: 'gpu',
  worker_config: {
    min_replicas: 0,
    max_replicas: 2,
    idle_timeout: 60,
    max_concurrent_per_worker: 4,
    gpu_num: 1,
    request_timeout: 300,
  },
  policy: { type: 'queue', value: 4 },
};
const PROPOSED = { ...SHOWN, worker_config: { ...SHOWN.worker_config, min_replicas: 1 } };
const TIMELINE = [
  { from_seconds: 0, to_seconds: 30, requests: 60, p95_wait_seconds: 2, workers: 1.235 },
  { from_seconds: 30, to_seconds: 60, requests: 40, p95_wait_seconds: 0, workers: 2 },
];
const CHOSEN = { ...PROPOSED, ...FIGURES, refused: 0, holds: true, miss_ratio: 0.8 };
const ANSWER = {
  requests: {
    source: 'recorded',
    count: 100,
    began_at: 1_699_999_990,
    span_seconds: 80,
    first_at: 1_700_000_000.25,
    last_at: 1_700_000_060,
    assumed_runs: 3,
  },
  recorded: { served: 96, timed_out: 3, refused: 1, wait_seconds: { p50: 0, p95: 2.7, p99: 9.5, max: 13 } },
  start_seconds: { source: 'workers', samples: 3, median: 2, max: 3 },
  changed: ['worker_config.min_replicas'],
  now: { ...SHOWN, ...FIGURES, timeline: TIMELINE },
  proposed: { ...PROPOSED, ...FIGURES, worker_hours: 2, timeline: TIMELINE },
  advice: {
    holds: true,
    chosen: CHOSEN,
    nearest: CHOSEN,
    frontier: [{ ...SHOWN, ...FIGURES, refused: 0, holds: false, miss_ratio: 1.25 }, CHOSEN],
    tried: 42,
    sampled: true,
  },
  notes: ['a note'],
};

test('a simulation is answered whole', async (context) => {
  const whatIf = stubWhatIf();
  const { url } = await startApi(context, { whatIf });
  const answer = await ask(url + PATH, 'POST', '{"window":"24h"}');
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json, ANSWER);
  const [endpointId, body, caller] = whatIf.calls[0] ?? [];
  assert.deepEqual([endpointId, body], [STUB_ENDPOINT_ID, { window: '24h' }]);
  assert.equal(caller?.ownerId, 'owner-1');
});

test('with a price the cost is worker time at it', async (context) => {
  const whatIf = stubWhatIf(async () => {
    return await Promise.resolve(stubWhatIfAnswer({ workerPrices: { now: 2.5, proposed: 3 } }));
  });
  const { url } = await startApi(context, { whatIf });
  const { now, proposed, advice } = (await ask(url + PATH, 'POST', '{}')).json as {
    now: { cost: number };
    proposed: { cost: number };
    advice: { chosen: { cost: number } };
  };
  assert.deepEqual([now.cost, proposed.cost, advice.chosen.cost], [3.75, 6, 4.5]);
});

test('without a body, a proposal, advice or a record the answer says so', async (context) => {
  const { outcome } = stubWhatIfAnswer();
  const whatIf = stubWhatIf(async () =>
    stubWhatIfAnswer({
      proposed: null,
      changed: [],
      goals: null,
      outcome: { ...outcome, recorded: null, proposed: null, advice: null },
    }),
  );
  const { url } = await startApi(context, { whatIf });
  const { json } = await ask(url + PATH, 'POST');
  const { proposed, advice, recorded, requests } = json as typeof ANSWER;
  assert.deepEqual([proposed, advice, recorded, requests.source], [null, null, null, 'trace']);
  assert.deepEqual(whatIf.calls[0]?.[1], {});
});

test('progress comes as events, and the result is the last', async (context) => {
  const whatIf = stubWhatIf(async (_id, _body, _caller, { onProgress }) => {
    onProgress({ stage: 'now', done: 10, of: 100 });
    onProgress({ stage: 'proposed', done: 100, of: 100 });
    return await Promise.resolve(stubWhatIfAnswer());
  });
  const { url } = await startApi(context, { whatIf });
  const answer = await ask(url + PATH, 'POST', '{}', EVENTS);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(
    answer.text,
    [
      'event: progress\ndata: {"stage":"now","done":10,"of":100}\n\n',
      'event: progress\ndata: {"stage":"proposed","done":100,"of":100}\n\n',
      `event: result\ndata: ${JSON.stringify(ANSWER)}\n\n`,
    ].join(''),
  );
});

const REFUSALS = [
  ['NO_ARRIVALS', 400],
  ['TRACE_INVALID', 400],
  ['SIMULATION_TOO_LARGE', 400],
  ['SIMULATION_TOO_LONG', 400],
  ['SIMULATION_BUSY', 429],
  ['VALIDATOR_PARAM', 400],
  ['SHUTTING_DOWN', 503],
] as const;

for (const [code, status] of REFUSALS) {
  test(`${code}, asked either way, keeps its status where nothing was said before`, async (context) => {
    const whatIf = stubWhatIf(async () => {
      await Promise.resolve();
      throw new AppError(code, 'not now', { retryAfterSeconds: 5, metadata: { a: 'b' } });
    });
    const { url } = await startApi(context, { whatIf });
    for (const headers of [{}, EVENTS]) {
      const answer = await ask(url + PATH, 'POST', '{}', headers);
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('retry-after'), '5');
      assert.deepEqual(answer.json, { code: status, reason: code, message: 'not now', metadata: { a: 'b' } });
    }
  });
}

test('what fails after the first progress is an event', async (context) => {
  const failures = [new AppError('SIMULATION_TOO_LONG', 'too long'), new Error('a defect')];
  const whatIf = stubWhatIf(async (_id, _body, _caller, { onProgress }) => {
    onProgress({ stage: 'now', done: 1, of: 2 });
    await Promise.resolve();
    throw failures.shift() ?? assert.fail();
  });
  const { url, logLines } = await startApi(context, { whatIf });
  const expected = await ask(url + PATH, 'POST', '{}', EVENTS);
  assert.match(
    expected.text,
    /\nevent: error\ndata: \{"code":400,"reason":"SIMULATION_TOO_LONG","message":"too long"/,
  );
  assert.deepEqual(
    logLines.filter(({ level }) => level === 'error'),
    [],
  );
  const defect = await ask(url + PATH, 'POST', '{}', EVENTS);
  assert.match(defect.text, /\nevent: error\ndata: \{"code":500,"reason":"UNKNOWN"/);
  assert.doesNotMatch(defect.text, /a defect/);
  assert.deepEqual(
    logLines.filter(({ level }) => level === 'error').map(({ message }) => message),
    ['a simulation failed'],
  );
});

for (const headers of [{}, EVENTS]) {
  test(`a client that leaves ends the simulation (${JSON.stringify(headers)})`, async (context) => {
    const asked = Promise.withResolvers<SimulationOptions>();
    const whatIf = stubWhatIf(async (_id, _body, _caller, options) => {
      asked.resolve(options);
      return await new Promise((_resolve, reject) => {
        options.signal.addEventListener('abort', () => reject(options.signal.reason as Error));
      });
    });
    const { port, logLines } = await startApi(context, { whatIf });
    const authorization = `Bearer ${KEY}`;
    const client = httpRequest({ port, method: 'POST', path: PATH, headers: { authorization, ...headers } });
    client.on('error', () => undefined);
    client.end();
    const { signal } = await asked.promise;
    const aborted = once(signal, 'abort');
    client.destroy();
    await aborted;
    assert.deepEqual(
      logLines.filter(({ level }) => level === 'error'),
      [],
    );
  });
}

test('an answer that is through ends nothing', async (context) => {
  const whatIf = stubWhatIf();
  const { url } = await startApi(context, { whatIf });
  await ask(url + PATH, 'POST', '{}');
  await ask(url + PATH, 'POST', '{}');
  assert.equal(whatIf.calls[0]?.[3].signal.aborted, false);
});

test('a body may hold a trace, and has a bound of its own', async (context) => {
  const whatIf = stubWhatIf();
  const { url } = await startApi(context, { whatIf });
  const trace = 'A'.repeat(3_000_000);
  assert.equal((await ask(url + PATH, 'POST', JSON.stringify({ trace }))).status, 200);
  const tooLarge = await ask(url + PATH, 'POST', JSON.stringify({ trace: 'A'.repeat(4_300_000) }));
  assert.equal(tooLarge.status, 413);
  assert.match(tooLarge.text, /over 4259840 bytes/);
  const elsewhere = await ask(`${url}/gpus/v2/endpoints`, 'POST', JSON.stringify({ name: trace }));
  assert.equal(elsewhere.status, 413);
  assert.match(elsewhere.text, /over 1048576 bytes/);
});
