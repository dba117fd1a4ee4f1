import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointEvent, RequestTimeline, RolloutDetails } from '../../src/client/schema.ts';
import { refusalOf, StubApi, STUB_ENDPOINT, stubWorker } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

const PATH = '/gpus/v2/endpoints/ep1';
const REQUEST: RequestTimeline = {
  id: 'req1',
  method: 'POST',
  path: '/v1/chat',
  arrived_at: 1_700_000_090,
  wait_reason: 'noWorker',
  started_at: 1_700_000_091.5,
  worker_id: 'w1',
  revision: 1,
  first_byte_at: 1_700_000_091.75,
  ended_at: null,
  status: 200,
  outcome: null,
};
const FIGURES = { answered: 30, ended: 20, failed: 1, unanswered: 2, deaths: 0, first_byte_ms: 120.5 };
const ROLLOUT: RolloutDetails = {
  id: 'ro1',
  state: 'rolling',
  from_revision: 1,
  to_revision: 2,
  mode: 'surge',
  message: 'proven',
  started_at: 1_700_000_000,
  ended_at: null,
  order: 'pause',
  options: {
    max_surge: '25%',
    first_step: '1',
    bake_seconds: 10,
    bake_requests: 20,
    watch_seconds: 60,
    drain_seconds: 1_800,
    guard: 'on',
    guard_slowdown: 1.5,
    guard_failures: 3,
  },
  waits_for: 'somebody to resume it',
  looks_again_at: null,
  guard: {
    new_revision: FIGURES,
    old_revision: { ...FIGURES, failed: 0, unanswered: 0, first_byte_ms: null },
    failure_evidence: 4.5,
    slowness_evidence: 1,
    doubtful: true,
    verdict: null,
  },
  workers: [stubWorker('w1', 1, 'draining')],
  drain_holders: [{ request: REQUEST, closed_at: 1_700_000_900 }],
};

test('rollout get: what it waits for, what the guard sees, what holds a drain', async () => {
  await using stub = await StubApi.start({ [`GET ${PATH}/rollout`]: { body: ROLLOUT } });
  const run = await runCli(['rollout', 'get', 'ep1'], stub);
  assert.equal(
    run.stdout,
    lines(
      'rollout    ro1, revision 1 to 2',
      'state      rolling, pause asked',
      'message    proven',
      'waits for  somebody to resume it',
      'surge      25%, first step 1',
      'proof      20 answers or 10 s, then watched for 60 s',
      'drain      closed after 1800 s',
      'guard      doubtful; evidence 4.5 for failures, 1 for slowness, of 333',
      '',
      'GUARD       ANSWERED  ENDED  FAILED  HANG  DIED  FIRST BYTE',
      'revision 2  30        20     1       2     0     120.5 ms',
      'revision 1  30        20     0       0     0     -',
      '',
      'WORKER  REVISION  STATE     REASON',
      'w1      1         draining',
      '',
      'HOLDS A DRAIN  WORKER  CLOSED AT                 REQUEST',
      'req1           w1      2023-11-14T22:28:20.000Z  POST /v1/chat',
    ),
  );
  const json = await runCli(['rollout', 'get', 'ep1', '--json'], stub);
  assert.deepEqual(JSON.parse(json.stdout), ROLLOUT);
});

for (const [verb, text] of [
  ['pause', 'The rollout to revision 2 is paused; its state is rolling.'],
  ['resume', 'The rollout to revision 2 goes on; its state is rolling.'],
  ['promote', 'The rollout to revision 2 goes on without proof; its state is rolling.'],
  ['abort', 'The rollout to revision 2 was told to go back; its state is rolling.'],
] as const) {
  test(`rollout ${verb}: says what it did, or why it was refused`, async () => {
    await using stub = await StubApi.start({ [`POST ${PATH}/rollout/${verb}`]: { body: ROLLOUT } });
    assert.equal((await runCli(['rollout', verb, 'ep1'], stub)).stdout, lines(text));
    await using over = await StubApi.start({
      [`POST ${PATH}/rollout/${verb}`]: refusalOf(409, 'ROLLOUT_OVER', 'it is over'),
    });
    const refused = await runCli(['rollout', verb, 'ep1'], over);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /it is over/);
  });
}

test('the options of an update are sent in its query', async () => {
  const answer = { revision: 2, changed: { command: 'revision' }, rollout: null, etag: '"2-1"' };
  await using stub = await StubApi.start({
    [`GET ${PATH}`]: { body: STUB_ENDPOINT },
    [`PUT ${PATH}`]: { body: answer },
  });
  const options = '--max-surge 25% --first-step 2 --bake-seconds 5 --bake-requests 6 --watch-seconds 0';
  const guard = '--drain-seconds 90 --guard off --guard-slowdown 2.5 --guard-failures 9';
  await runCli(
    ['endpoints', 'update', 'ep1', '--command', 'x', ...options.split(' '), ...guard.split(' ')],
    stub,
  );
  assert.equal(
    stub.calls[1],
    `PUT ${PATH}?max_surge=25%25&first_step=2&bake_seconds=5&bake_requests=6&watch_seconds=0&drain_seconds=90&guard=off&guard_slowdown=2.5&guard_failures=9`,
  );
});

const EVENT: EndpointEvent = {
  id: 7,
  at: 1_700_000_001.5,
  kind: 'guard',
  code: 'tripped',
  message: '5 of 5 requests failed on it',
  revision: 2,
  worker_id: null,
  facts: { targetFailed: 5 },
};

test('events: one a line, page after page, of the wanted kinds', async () => {
  const pages = [
    { data: [EVENT], last_id: 7, has_more: true },
    {
      data: [{ ...EVENT, id: 8, kind: 'worker', code: 'ready', worker_id: 'w1' }],
      last_id: 8,
      has_more: false,
    },
  ];
  let asked = 0;
  await using stub = await StubApi.start({
    [`GET ${PATH}/events`]: () => ({ body: pages[asked++ % 2] }),
  });
  const all = await runCli(['events', 'ep1'], stub);
  assert.equal(
    all.stdout,
    lines(
      '2023-11-14 22:13:21.500  guard tripped               revision 2: 5 of 5 requests failed on it',
      '2023-11-14 22:13:21.500  worker ready                revision 2, w1: 5 of 5 requests failed on it',
    ),
  );
  assert.equal(stub.calls[1], `GET ${PATH}/events?limit=500&after=7`);
  const some = await runCli(['events', 'list', 'ep1', '--kind', 'guard', '--json'], stub);
  assert.deepEqual(JSON.parse(some.stdout), [EVENT]);
});

test('events --follow goes on until the server is gone', async () => {
  let asked = 0;
  await using stub = await StubApi.start({
    [`GET ${PATH}/events`]: () => {
      asked += 1;
      if (asked > 3) return refusalOf(404, 'SERVERLESS_ENDPOINT_NOT_FOUND', 'it was deleted');
      return { body: { data: [{ ...EVENT, id: asked }], last_id: asked, has_more: false } };
    },
  });
  const run = await runCli(['events', 'ep1', '--follow', '--json'], stub);
  assert.equal(run.code, 1);
  assert.deepEqual(
    run.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: number }).id),
    [1, 2, 3],
  );
});

test('requests: those that go on and those that ended, and why some wait', async () => {
  const waiting = {
    ...REQUEST,
    id: 'req2',
    started_at: null,
    worker_id: null,
    revision: null,
    first_byte_at: null,
    status: null,
  };
  const ended = {
    ...REQUEST,
    id: 'req3',
    wait_reason: null,
    started_at: 1_700_000_090,
    ended_at: 1_700_000_092,
    outcome: 'broke' as const,
  };
  await using stub = await StubApi.start({
    [`GET ${PATH}/requests`]: { body: { data: [REQUEST, waiting, ended], wait_for: 'no worker is ready' } },
  });
  const run = await runCli(['requests', 'ep1', '--limit', '3'], stub);
  assert.equal(
    run.stdout,
    lines(
      'ID    AGE    WAITED          FIRST BYTE  TOTAL  REVISION  WORKER  END        REQUEST',
      'req1  10.0s  1.5s noWorker   250ms       10.0s  1         w1      runs       POST /v1/chat',
      'req2  10.0s  10.0s noWorker  -           10.0s  -         -       waits      POST /v1/chat',
      'req3  10.0s  0ms             1.8s        2.0s   1         w1      broke 200  POST /v1/chat',
    ),
  );
  assert.equal(run.stderr, lines('Those that wait: no worker is ready.'));
  assert.equal(stub.calls[0], `GET ${PATH}/requests?limit=3`);
  await using quiet = await StubApi.start({ [`GET ${PATH}/requests`]: { body: { data: [], wait_for: '' } } });
  assert.equal(
    (await runCli(['requests', 'list', 'ep1'], quiet)).stdout,
    lines('No request since the server was started.'),
  );
});
