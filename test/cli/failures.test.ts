import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf, StubApi } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

test('no server there: exit 3, the URL and how to start one', async () => {
  const stub = await StubApi.start({});
  const { url } = stub;
  await stub[Symbol.asyncDispose]();

  const run = await runCli(['endpoints', 'list', '--url', url]);
  assert.equal(run.code, 3);
  assert.equal(
    run.stderr,
    lines(
      `error: cannot reach ${url}: connect ECONNREFUSED ${url.replace('http://', '')}`,
      'Start a server with: pilotlight serve',
      'or name another with --url URL or PILOTLIGHT_URL.',
    ),
  );
});

test('no key and a wrong key: exit 4 and how to give one', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints': ({ headers }) =>
      headers.authorization === undefined
        ? refusalOf(401, 'UNAUTHORIZED', 'No API key was given.')
        : refusalOf(403, 'INVALID_API_KEY', 'The API key is not known.'),
  });
  const advice = [
    'Give the key with --api-key KEY or PILOTLIGHT_API_KEY.',
    'A server without PILOTLIGHT_API_KEY of its own made one at its first start and printed it then.',
  ];
  const without = await runCli(['endpoints', 'list'], stub);
  assert.deepEqual([without.code, without.stderr], [4, lines('error: No API key was given.', ...advice)]);

  const wrong = await runCli(['--api-key', 'wrong', 'endpoints', 'list'], stub);
  assert.deepEqual([wrong.code, wrong.stderr], [4, lines('error: The API key is not known.', ...advice)]);
  assert.equal(stub.requests[1]?.headers.authorization, 'Bearer wrong');
});

test('the key and the URL come from the environment; an option goes before', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints': { body: { data: [], next_cursor: '', has_more: false } },
  });
  const world = { url: stub.url, environment: { PILOTLIGHT_API_KEY: 'from-environment' } };
  await runCli(['endpoints', 'list'], world);
  await runCli(['endpoints', 'list', '--api-key', 'from-option'], world);
  const keys = stub.requests.map((request) => request.headers.authorization);
  assert.deepEqual(keys, ['Bearer from-environment', 'Bearer from-option']);
});

test('a refused body: every fault on a line of its own, with its option', async () => {
  await using stub = await StubApi.start({
    'POST /gpus/v2/endpoints': refusalOf(400, 'VALIDATOR_PARAM', '3 fields are not valid: …', {
      product_id: 'is missing; it is required',
      'worker_config.max_replicas': 'is 2000; allowed: an integer from 0 to 1000',
      'envs[2].key': 'is ""; allowed: 1 to 511 characters',
      surprise: 'is not known',
    }),
  });
  const run = await runCli(['endpoints', 'create', '--max', '2000'], stub);
  assert.equal(run.code, 1);
  assert.equal(
    run.stderr,
    lines(
      'error: the server refused 4 fields:',
      '  product_id (--product): is missing; it is required',
      '  worker_config.max_replicas (--max): is 2000; allowed: an integer from 0 to 1000',
      '  envs[2].key (--env): is ""; allowed: 1 to 511 characters',
      '  surprise: is not known',
      '(VALIDATOR_PARAM, status 400)',
    ),
  );
});

test('any other refusal: exit 1, its message, its reason and when to try again', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/gone': refusalOf(
      404,
      'SERVERLESS_ENDPOINT_NOT_FOUND',
      'There is no endpoint gone.',
    ),
    'DELETE /gpus/v2/endpoints/gone': {
      ...refusalOf(503, 'SHUTTING_DOWN', 'The server is shutting down.'),
      headers: { 'retry-after': '2' },
    },
  });
  const get = await runCli(['endpoints', 'get', 'gone'], stub);
  assert.equal(get.code, 1);
  assert.equal(
    get.stderr,
    lines('error: There is no endpoint gone.', '(SERVERLESS_ENDPOINT_NOT_FOUND, status 404)'),
  );
  const remove = await runCli(['endpoints', 'delete', 'gone'], stub);
  assert.match(remove.stderr, /\(SHUTTING_DOWN, status 503; try again in 2 s\)/);
});

test('another kind of server: exit 1 and the question whether it is Pilotlight', async () => {
  await using stub = await StubApi.start({ 'GET /gpus/v2/endpoints': { body: '<html>hello</html>' } });
  const run = await runCli(['endpoints', 'list'], stub);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /\(status 200\) is not JSON\nIs this a Pilotlight server\?/);
});

test('an id that can be no id: exit 2, nothing sent', async () => {
  await using stub = await StubApi.start({});
  const run = await runCli(['endpoints', 'delete', '..'], stub);
  assert.deepEqual([run.code, run.stderr], [2, 'error: endpoint_id is "..", which can be no id\n']);
  assert.deepEqual(stub.calls, []);
});

test('what a server says cannot steer the terminal', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/x': refusalOf(400, 'REQUEST', 'bad\u001B[2Jthing\nsecond line'),
  });
  const run = await runCli(['endpoints', 'get', 'x'], stub);
  assert.equal(run.stderr.split('\n')[0], 'error: bad?[2Jthing second line');
});
