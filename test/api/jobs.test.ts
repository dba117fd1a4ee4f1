import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { ENDPOINT, asyncEndpoint, jobWorker, jobsWorld } from '../support/jobs-world.ts';
import { ask, startApi, type Answer } from '../support/api-server.ts';

async function jobsApi(context: TestContext) {
  const world = await jobsWorld({ limits: { inputBytes: 1_000 } });
  world.jobs.endpointPut(asyncEndpoint());
  world.jobs.workerPut(ENDPOINT, jobWorker('w1'));
  const { url } = await startApi(context, { jobs: world.commands, jobLimits: world.jobs.limits });
  const v1 = `${url}/v1/${ENDPOINT}-app`;
  const v2 = `${url}/v2/${ENDPOINT}`;
  return { ...world, url, v1, v2 };
}

function field(answer: Answer, name: string): unknown {
  return (answer.json as Record<string, unknown>)[name];
}

describe('the job API', () => {
  test('speaks the words of each surface: PENDING at /v1, IN_QUEUE at /v2', async (context) => {
    const { v1, v2 } = await jobsApi(context);
    const first = await ask(`${v1}/run`, 'POST', '{"input":{"prompt":"x"}}');
    assert.equal(first.status, 200);
    assert.equal(field(first, 'status'), 'PENDING');
    const listed = await ask(`${v1}/requests?status=PENDING`);
    assert.equal((field(listed, 'requests') as unknown[]).length, 1);
    const id = String(field(first, 'id'));
    for (const method of ['GET', 'POST']) {
      assert.equal(field(await ask(`${v1}/status/${id}`, method), 'status'), 'PENDING');
      assert.equal(field(await ask(`${v2}/status/${id}`, method), 'status'), 'IN_QUEUE');
    }
  });

  test('passes input and output on as they were written', async (context) => {
    const { v2, take, answer } = await jobsApi(context);
    const ran = await ask(
      `${v2}/run`,
      'POST',
      ' {"policy":{"ttl":5000}, "input" : {"seed":18446744073709551615} }',
    );
    const id = String(field(ran, 'id'));
    const [taken] = await take('w1');
    assert.equal(taken?.input, '{"seed":18446744073709551615}');
    await answer('w1', id, '{"n":1.50}');
    const status = await ask(`${v2}/status/${id}`);
    assert.ok(status.text.endsWith(',"output":{"n":1.50}}'), status.text);
    for (const name of ['delayTime', 'executionTime', 'workerId', 'createdAt']) {
      assert.ok(field(status, name) !== undefined, name);
    }
  });

  test('runsync waits for the end and answers the output', async (context) => {
    const { v2, take, answer } = await jobsApi(context);
    const waiting = ask(`${v2}/runsync?wait=60000`, 'POST', '{"input":1}');
    const [taken] = await take('w1');
    await answer('w1', taken?.handedId ?? '', '"done"');
    const ended = await waiting;
    assert.deepEqual([field(ended, 'status'), field(ended, 'output')], ['COMPLETED', 'done']);
    const late = await ask(`${v2}/runsync?wait=0`, 'POST', '{"input":1}');
    assert.equal(field(late, 'status'), 'IN_QUEUE');
  });

  test('cancels, purges, counts, lists page by page and retries', async (context) => {
    const { v1, v2, take, jobs } = await jobsApi(context);
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      ids.push(String(field(await ask(`${v2}/run`, 'POST', '{"input":1}'), 'id')));
    }
    assert.equal(field(await ask(`${v1}/cancel/${ids[0]}`, 'GET'), 'status'), 'CANCELLED');
    const [taken] = await take('w1');
    assert.equal(taken?.handedId, ids[1]);
    await jobs.answer(ENDPOINT, 'w1' as never, ids[1] ?? '', { kind: 'error', error: 'broken' });
    assert.equal(field(await ask(`${v2}/status/${ids[1]}`), 'error'), 'broken');
    assert.equal(field(await ask(`${v2}/retry/${ids[1]}`, 'POST'), 'status'), 'IN_QUEUE');
    assert.deepEqual((await ask(`${v2}/purge-queue`, 'POST')).json, { removed: 4, status: 'completed' });
    assert.deepEqual((await ask(`${v2}/health`)).json, {
      jobs: { completed: 0, failed: 0, retried: 1, inProgress: 0, inQueue: 0 },
      workers: { idle: 0, initializing: 0, ready: 0, running: 0, throttled: 0, unhealthy: 0 },
    });
    assert.deepEqual((await ask(`${v1}/stats`)).json, {
      busy_workers: 0,
      endpoint: `${ENDPOINT}-app`,
      in_progress: 0,
      pending: 0,
      total_workers: 0,
    });
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await ask(`${v2}/requests?limit=2&cursor=${cursor}`);
      seen.push(...(field(page, 'requests') as { id: string }[]).map(({ id }) => id));
      cursor = String(field(page, 'next_cursor'));
    } while (cursor !== '');
    // The one that was asked for again came last.
    assert.deepEqual(seen, [ids[1], ids[4], ids[3], ids[2], ids[0]]);
    const running = await ask(`${v2}/requests?status=IN_PROGRESS`);
    assert.deepEqual(field(running, 'requests'), []);
  });

  test('streams the parts of an output', async (context) => {
    const { v2, take, answer, jobs } = await jobsApi(context);
    const id = String(field(await ask(`${v2}/run`, 'POST', '{"input":1}'), 'id'));
    await take('w1');
    await jobs.streamPart(ENDPOINT, 'w1' as never, id, '{"token":"a"}');
    const first = await ask(`${v2}/stream/${id}`);
    assert.equal(first.text, '{"status":"IN_PROGRESS","stream":[{"output":{"token":"a"}}],"next":1}');
    await answer('w1', id, '[]');
    assert.deepEqual((await ask(`${v2}/stream/${id}`)).json, { status: 'COMPLETED', stream: [], next: 1 });
    assert.equal((field(await ask(`${v2}/stream/${id}?from=0`), 'stream') as unknown[]).length, 1);
  });

  test('runs the same order with the same Idempotency-Key once', async (context) => {
    const { v2, jobs } = await jobsApi(context);
    const key = { 'idempotency-key': 'order-1' };
    const first = await ask(`${v2}/run`, 'POST', '{"input":1}', key);
    const again = await ask(`${v2}/run`, 'POST', '{"input":1}', key);
    assert.equal(field(again, 'id'), field(first, 'id'));
    const other = await ask(`${v2}/run`, 'POST', '{"input":2}', key);
    assert.deepEqual([other.status, field(other, 'reason')], [422, 'IDEMPOTENCY_KEY_REUSED']);
    assert.equal(jobs.load(ENDPOINT).waiting, 1);
  });
});

/** What is asked, and the refusal it must get. */
const REFUSED: readonly (readonly [
  what: string,
  method: string,
  path: string,
  body: string | undefined,
  status: number,
  reason: string,
  field?: string,
])[] = [
  ['no body', 'POST', 'run', undefined, 400, 'REQUEST'],
  ['no JSON', 'POST', 'run', '{"input":', 400, 'REQUEST'],
  ['no object', 'POST', 'run', '[1]', 400, 'REQUEST'],
  ['no input', 'POST', 'run', '{"inputs":1}', 400, 'VALIDATOR_PARAM', 'input'],
  ['an input of nothing', 'POST', 'run', '{"input": null }', 400, 'VALIDATOR_PARAM', 'input'],
  ['an unknown field', 'POST', 'run', '{"input":1,"webhok":"x"}', 400, 'VALIDATOR_PARAM', 'webhok'],
  [
    'a webhook that is no address',
    'POST',
    'run',
    '{"input":1,"webhook":"ftp://a"}',
    400,
    'VALIDATOR_PARAM',
    'webhook',
  ],
  ...['http://[', 'http://a b/', 'https://a:99999/', 'https:///x'].map(
    (url) =>
      [
        `a webhook to ${url}`,
        'POST',
        'run',
        `{"input":1,"webhook":"${url}"}`,
        400,
        'VALIDATOR_PARAM',
        'webhook',
      ] as const,
  ),
  [
    'a webhook with a user',
    'POST',
    'run',
    '{"input":1,"webhook":"http://a@b/"}',
    400,
    'VALIDATOR_PARAM',
    'webhook',
  ],
  ['a ttl of nothing', 'POST', 'run', '{"input":1,"policy":{"ttl":0}}', 400, 'VALIDATOR_PARAM', 'policy.ttl'],
  [
    'a timeout in words',
    'POST',
    'run',
    '{"input":1,"policy":{"executionTimeout":"5"}}',
    400,
    'VALIDATOR_PARAM',
    'policy.executionTimeout',
  ],
  ['an input over the limit', 'POST', 'run', `{"input":"${'x'.repeat(1_000)}"}`, 413, 'BODY_TOO_LARGE'],
  ['a body over the limit', 'POST', 'runsync', `{"input":"${'x'.repeat(70_000)}"}`, 413, 'BODY_TOO_LARGE'],
  ['an unknown job', 'GET', 'status/none', undefined, 404, 'JOB_NOT_FOUND'],
  ['a stream of an unknown job', 'GET', 'stream/none', undefined, 404, 'JOB_NOT_FOUND'],
  ['cancelling an unknown job', 'POST', 'cancel/none', undefined, 404, 'JOB_NOT_FOUND'],
  ['retrying an unknown job', 'POST', 'retry/none', undefined, 404, 'JOB_NOT_FOUND'],
  ['a wait beyond the bound', 'GET', 'status/none?wait=300001', undefined, 400, 'VALIDATOR_PARAM', 'wait'],
  ['a part before the first', 'GET', 'stream/none?from=-1', undefined, 400, 'VALIDATOR_PARAM', 'from'],
  ['a cursor of nobody', 'GET', 'requests?cursor=x', undefined, 400, 'VALIDATOR_PARAM', 'cursor'],
  ['a state of nobody', 'GET', 'requests?status=DONE', undefined, 400, 'VALIDATOR_PARAM', 'status'],
  ['a wrong method', 'DELETE', 'run', undefined, 405, 'METHOD_NOT_ALLOWED'],
];

test('refused, and nothing changed', async (context) => {
  const { url, v2, jobs } = await jobsApi(context);
  for (const [what, method, path, body, status, reason, name] of REFUSED) {
    await context.test(what, async () => {
      const answer = await ask(`${v2}/${path}`, method, body);
      assert.deepEqual([answer.status, field(answer, 'reason')], [status, reason], answer.text);
      if (name !== undefined) assert.ok(name in (field(answer, 'metadata') as object), answer.text);
      assert.equal(jobs.load(ENDPOINT).waiting, 0);
    });
  }

  await context.test('without a key, and for an endpoint that is not there', async () => {
    assert.equal((await ask(`${v2}/run`, 'POST', '{"input":1}', { authorization: '' })).status, 401);
    const nowhere = await ask(`${url}/v2/nowhere/run`, 'POST', '{"input":1}');
    assert.deepEqual([nowhere.status, field(nowhere, 'reason')], [404, 'SERVERLESS_ENDPOINT_NOT_FOUND']);
    const misnamed = await ask(`${url}/v1/${ENDPOINT}-other/run`, 'POST', '{"input":1}');
    assert.equal(misnamed.status, 404);
  });

  await context.test('bytes that are no UTF-8', async () => {
    const answer = await ask(`${v2}/run`, 'POST', new Uint8Array([0x7b, 0xff, 0x7d]));
    assert.deepEqual([answer.status, field(answer, 'reason')], [400, 'REQUEST']);
  });
});
