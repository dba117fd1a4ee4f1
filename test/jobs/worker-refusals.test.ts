import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointId, WorkerId } from '../../src/base/ids.ts';
import { WorkerTokens } from '../../src/jobs/worker-protocol/worker-token.ts';
import { OUTPUT_LIMIT, ProtocolWorld } from './protocol-world.ts';

const LIMIT = { timeout: 20_000 };
const DONE = '/v2/ep1/job-done/w1/job-1';

/** What is shown in Authorization, where the call goes, and what is said to it. */
const STRANGERS: readonly (readonly [
  what: string,
  authorization: (world: ProtocolWorld) => string,
  change: (target: string, world: ProtocolWorld) => string,
  status: number,
  reason: string,
])[] = [
  ['no token', () => '', (target) => target, 401, 'UNAUTHORIZED'],
  ['a word', () => 'secret', (target) => target, 401, 'UNAUTHORIZED'],
  [
    'a token of another server',
    () =>
      new WorkerTokens(Buffer.alloc(32, 8)).tokenOf({
        endpointId: 'ep1' as EndpointId,
        workerId: 'w1' as WorkerId,
      }),
    (target) => target,
    401,
    'UNAUTHORIZED',
  ],
  [
    'a token with a changed id',
    (world) => world.token('w2').replace('.w2.', '.w1.'),
    (target) => target,
    401,
    'UNAUTHORIZED',
  ],
  ['the token of another worker', (world) => world.token('w2'), (target) => target, 403, 'FORBIDDEN'],
  [
    'the token of another endpoint',
    (world) => world.token('w1', 'ep2' as EndpointId),
    (target) => target,
    403,
    'FORBIDDEN',
  ],
  [
    'a token for another endpoint’s address',
    (world) => world.token(),
    (target) => target.replace('/ep1/', '/ep2/'),
    403,
    'FORBIDDEN',
  ],
  [
    'another worker’s token in the address',
    (world) => world.token(),
    (target, world) => `${target}?token=${world.token('w2')}`,
    403,
    'FORBIDDEN',
  ],
  [
    'a bad token beside a good one',
    (world) => world.token(),
    (target) => `${target}?token=x`,
    401,
    'UNAUTHORIZED',
  ],
];

describe('who is not the worker changes nothing', LIMIT, () => {
  for (const [what, authorization, change, status, reason] of STRANGERS) {
    test(`${what}: ${status}`, async () => {
      await using world = await ProtocolWorld.open();
      world.jobs.hold('job-1');
      const headers = { authorization: authorization(world) };
      const answers = [
        await world.get(change('/v2/ep1/job-take/w1', world), headers),
        await world.get(change('/v2/ep1/job-take-batch/w1', world), headers),
        await world.get(change('/v2/ep1/job-stop/w1', world), headers),
        await world.get(change('/v2/ep1/ping/w1', world), headers),
        await world.post(change(DONE, world), '{"output":1}', headers),
        await world.post(change('/v2/ep1/job-stream/w1/job-1', world), '{"output":1}', headers),
      ];
      for (const answer of answers) {
        assert.equal(answer.status, status);
        assert.equal((JSON.parse(answer.body) as { reason: string }).reason, reason);
        assert.doesNotMatch(answer.body, /plw\./);
      }
      assert.deepEqual(world.jobs.called, []);
      assert.deepEqual(world.ready, []);
    });
  }

  test('a worker that has ended: 403', async () => {
    await using world = await ProtocolWorld.open();
    world.jobs.hold('job-1');
    world.live.delete('w1');
    for (const answer of [await world.get('/v2/ep1/job-take/w1'), await world.post(DONE, '{"output":1}')]) {
      assert.equal(answer.status, 403);
      assert.match(answer.body, /Worker w1 of endpoint ep1 has ended/);
    }
    assert.deepEqual(world.jobs.called, []);
  });
});

const BAD_BODIES: readonly (readonly [what: string, body: string, says: RegExp])[] = [
  ['nothing', '', /is no JSON/],
  ['half a JSON', '{"output":', /is no JSON/],
  ['a form', 'output=1', /is no JSON/],
  ['a list', '[1]', /is no JSON object/],
  ['other names', '{"success":true,"result":1}', /has success, result and neither "output" nor "error"/],
];

describe('bad input of a worker', LIMIT, () => {
  for (const [what, body, says] of BAD_BODIES) {
    test(`a result that is ${what}: 400, and the job goes on`, async () => {
      await using world = await ProtocolWorld.open();
      world.jobs.hold('job-1');
      const answer = await world.post(DONE, body);
      assert.equal(answer.status, 400);
      assert.match((JSON.parse(answer.body) as { message: string }).message, says);
      assert.deepEqual(world.jobs.called, []);
    });
  }

  test('an answer to a job that it does not hold: 409', async () => {
    await using world = await ProtocolWorld.open();
    for (const [target, body] of [
      [DONE, '{"output":1}'],
      [DONE, '{"status":"IN_PROGRESS","output":1}'],
      ['/v2/ep1/job-stream/w1/job-1', '{"output":1}'],
      [DONE, '{"output":1,"stopPod":true}'],
    ] as const) {
      const answer = await world.post(target, body);
      assert.equal(answer.status, 409);
      assert.match(answer.body, /JOB_NOT_YOURS/);
    }
    assert.deepEqual(world.jobs.called, []);
  });

  test('an output over the limit: 413, and the job fails with the bucket’s variables', async () => {
    await using world = await ProtocolWorld.open();
    world.jobs.hold('job-1', 'job-2');
    const body = JSON.stringify({ output: 'x'.repeat(OUTPUT_LIMIT + 70_000) });
    const answer = await world.post(DONE, body);
    assert.equal(answer.status, 413);
    const part = await world.post('/v2/ep1/job-stream/w1/job-2', body);
    assert.equal(part.status, 413);
    assert.match(answer.body, /The output is larger than 0\.0 MiB.*BUCKET_ENDPOINT_URL/);
    assert.deepEqual(world.jobs.called, [`answer w1 job-1 tooLarge ${body.length}`, 'part w1 job-2 null']);
  });

  test('the wrong method: 405 with the right one', async () => {
    await using world = await ProtocolWorld.open();
    const posted = await world.post('/v2/ep1/job-take/w1', '{}');
    assert.equal(posted.status, 405);
    assert.equal(posted.headers.get('allow'), 'GET');
    const got = await world.get(DONE);
    assert.equal(got.status, 405);
    assert.equal(got.headers.get('allow'), 'POST');
    assert.deepEqual(world.jobs.called, []);
  });

  test('a batch of no size: 400', async () => {
    await using world = await ProtocolWorld.open();
    for (const size of ['0', '-1', 'many', '']) {
      const answer = await world.get(`/v2/ep1/job-take-batch/w1?batch_size=${size}`);
      assert.equal(answer.status, 400, size);
      assert.match(answer.body, /batch_size is /);
    }
    assert.deepEqual(world.jobs.called, []);
  });

  test('more calls at a time than a worker can mean: 429', async () => {
    await using world = await ProtocolWorld.open();
    const calls = Array.from({ length: 101 }, () => world.get('/v2/ep1/job-take/w1'));
    // The others wait, so the one that is answered is the one too many.
    const answer = await Promise.race(calls);
    assert.equal(answer.status, 429);
    assert.equal(answer.headers.get('retry-after'), '5');
    world.requests.close();
    await Promise.all(calls);
  });

  test('what is no call of the protocol is not taken', async () => {
    await using world = await ProtocolWorld.open();
    for (const target of [
      '/v2/ep1/run',
      '/v2/ep1/status/job-1',
      '/v2/ep1/job-take/',
      '/v2/ep1/job-take/w1/more',
      '/v2/ep1/job-done/w1',
      '/v1/ep1/job-take/w1',
      '/v2//job-take/w1',
    ]) {
      assert.equal((await world.get(target)).status, 404, target);
    }
  });
});
