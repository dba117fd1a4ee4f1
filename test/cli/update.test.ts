import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, UpdateAnswer } from '../../src/client/schema.ts';
import { refusalOf, StubApi, STUB_ENDPOINT, stubWorker } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

const MOVING: UpdateAnswer = {
  revision: 2,
  changed: { command: 'revision', 'worker_config.max_replicas': 'settings' },
  rollout: { id: 'ro1', state: 'waiting' },
  etag: '"2-2"',
};
const NEW_COMMAND = 'node new.ts';

type Rollout = NonNullable<Endpoint['rollout']>;

/** The endpoint at one moment of the rollout to revision 2. */
function moment(
  status: string,
  state: Rollout['state'],
  workers: Endpoint['workers'],
  { message = '', rollout = {} }: { message?: string; rollout?: Partial<Rollout> } = {},
): Endpoint {
  return {
    ...STUB_ENDPOINT,
    command: NEW_COMMAND,
    status: { status, error: '', message },
    workers,
    rollout: {
      id: 'ro1',
      state,
      from_revision: 1,
      to_revision: 2,
      mode: 'surge',
      message,
      started_at: 1_700_000_100,
      ended_at: null,
      ...rollout,
    },
  };
}

/** The first GET gives the endpoint as it was, each later one the next moment; the last one stays. */
function startStub(moments: readonly Endpoint[], answer: UpdateAnswer = MOVING): Promise<StubApi> {
  let reads = 0;
  return StubApi.start({
    'GET /gpus/v2/endpoints/ep1': () => {
      const shown =
        reads === 0 ? STUB_ENDPOINT : (moments[Math.min(reads, moments.length) - 1] ?? STUB_ENDPOINT);
      reads += 1;
      return { body: shown };
    },
    'PUT /gpus/v2/endpoints/ep1': { body: answer },
  });
}

const WATCH = ['endpoints', 'update', 'ep1', '--command', NEW_COMMAND, '--watch'];

async function bodySent(argv: readonly string[], stdin = ''): Promise<unknown> {
  await using stub = await startStub([]);
  const run = await runCli(['endpoints', 'update', 'ep1', ...argv], { url: stub.url, stdin });
  assert.equal(run.stderr, '');
  return stub.requests.find(({ method }) => method === 'PUT')?.body;
}

test('update sends what is asked for and keeps what the API would replace with it', async () => {
  assert.deepEqual(await bodySent(['--name', 'New']), { name: 'New' });
  assert.deepEqual(await bodySent(['--min', '0']), { worker_config: { max_replicas: 3, min_replicas: 0 } });
  assert.deepEqual(await bodySent(['--max', '0']), { worker_config: { max_replicas: 0 } });
  assert.deepEqual(await bodySent(['--health-path', '/up']), { health_check: { path: '/up', port: 8000 } });
  assert.deepEqual(await bodySent(['--command=', '--entrypoint=']), { command: '', entrypoint: '' });
  assert.deepEqual(await bodySent(['--port', '9000']), { ports: [9000] });
  assert.deepEqual(await bodySent(['--no-port', '--no-env', '--no-volume']), {
    ports: [],
    envs: [],
    volumes: [],
  });
});

test('update changes, adds and removes single variables', async () => {
  assert.deepEqual(await bodySent(['--env', 'LEVEL=debug', '--env', 'NEW=1']), {
    envs: [
      { key: 'MODEL', value: 'toy-1' },
      { key: 'LEVEL', value: 'debug' },
      { key: 'NEW', value: '1' },
    ],
  });
  assert.deepEqual(await bodySent(['--unset-env', 'MODEL']), { envs: [{ key: 'LEVEL', value: 'info' }] });
  assert.deepEqual(await bodySent(['--no-env', '--env', 'ONLY=1']), { envs: [{ key: 'ONLY', value: '1' }] });
});

test('update takes a body from the standard input and completes it', async () => {
  const stdin = JSON.stringify({ image: 'host:new', worker_config: { max_replicas: 9 } });
  assert.deepEqual(await bodySent(['--file', '-', '--min', '2'], stdin), {
    image: 'host:new',
    worker_config: { max_replicas: 9, min_replicas: 2 },
  });
});

test('update is made for the endpoint that was read, or for the one that is named', async () => {
  await using stub = await startStub([]);
  const headersOf = async (...argv: string[]): Promise<(string | undefined)[]> => {
    const run = await runCli(['endpoints', 'update', 'ep1', '--name', 'New', ...argv], stub);
    assert.deepEqual([run.code, run.stderr], [0, '']);
    const { headers } = stub.requests.findLast(({ method }) => method === 'PUT') ?? assert.fail('no PUT');
    return [headers['if-match'], headers['idempotency-key'] as string | undefined];
  };
  assert.deepEqual(await headersOf(), ['"1-1"', undefined]);
  assert.deepEqual(await headersOf('--if-match', '*', '--idempotency-key', 'k'), ['*', 'k']);
});

test('update tells what others changed meanwhile', async () => {
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1': { body: STUB_ENDPOINT },
    'PUT /gpus/v2/endpoints/ep1': refusalOf(412, 'PRECONDITION_FAILED', 'Nothing was changed.', {
      etag: '"1-2"',
      name: 'was "Chat", is now "Talk"',
    }),
  });
  const run = await runCli(['endpoints', 'update', 'ep1', '--name', 'New'], stub);
  assert.deepEqual(
    [run.code, run.stderr],
    [
      1,
      lines(
        'error: Nothing was changed.',
        '  etag: "1-2"',
        '  name (--name): was "Chat", is now "Talk"',
        '(PRECONDITION_FAILED, status 412)',
      ),
    ],
  );
});

test('update refuses to send nothing, and to remove what is not there', async () => {
  await using stub = await startStub([]);
  const nothing = await runCli(['endpoints', 'update', 'ep1'], stub);
  assert.deepEqual(
    [nothing.code, nothing.stderr.split('\n')[0]],
    [2, 'error: say what to change, by options or by --file'],
  );
  const unknown = await runCli(['endpoints', 'update', 'ep1', '--unset-env', 'NONE'], stub);
  assert.match(unknown.stderr, /--unset-env: the endpoint has no variable "NONE"/);
  assert.deepEqual(new Set(stub.calls), new Set(['GET /gpus/v2/endpoints/ep1']));
});

test('update tells what is in force, what needs new workers, and how to see it', async () => {
  await using stub = await startStub([]);
  const run = await runCli(['endpoints', 'update', 'ep1', '--command', NEW_COMMAND], stub);
  assert.deepEqual([run.code, run.stderr], [0, '']);
  assert.equal(
    run.stdout,
    lines(
      'In force now: worker_config.max_replicas.',
      'Needs new workers, revision 2: command.',
      'The rollout runs; see it with: pilotlight rollout get ep1',
    ),
  );
  const json = await runCli(['endpoints', 'update', 'ep1', '--command', NEW_COMMAND, '--json'], stub);
  assert.deepEqual(JSON.parse(json.stdout), MOVING);
});

test('update that changes nothing says so, and there is nothing to watch', async () => {
  await using stub = await startStub([], { revision: 1, changed: {}, rollout: null, etag: '"1-1"' });
  const run = await runCli([...WATCH], stub);
  assert.deepEqual([run.code, run.stdout], [0, 'Nothing changed.\n']);
});

const OLD = stubWorker('w1', 1, 'ready');
const OLD_DRAINS = stubWorker('w1', 1, 'draining');
const NEW_STARTS = stubWorker('w2', 2, 'starting');
const NEW = stubWorker('w2', 2, 'ready');
const STARTING = moment('updating', 'starting', [OLD, NEW_STARTS]);
const ROLLING = moment('updating', 'rolling', [OLD_DRAINS, NEW]);
const DONE = moment('running', 'done', [NEW]);

test('--watch: a line for each change, exit 0 when the rollout is done', async () => {
  await using stub = await startStub([
    STARTING,
    STARTING,
    moment('updating', 'baking', [OLD, NEW], { message: 'the first worker is being proven' }),
    ROLLING,
    // The worker is new and the endpoint runs, but the server does not say that it is over.
    moment('updating', 'rolling', [NEW]),
    DONE,
  ]);
  const run = await runCli(WATCH, stub);
  assert.deepEqual([run.code, run.stderr], [0, '']);
  assert.equal(
    run.stdout,
    lines(
      'In force now: worker_config.max_replicas.',
      'Needs new workers, revision 2: command.',
      'revision 2: 0 of 1 workers ready; 1 old serving',
      'revision 2: 1 of 1 workers ready; 1 old serving; the first worker is being proven',
      'revision 2: 1 of 1 workers ready; 1 draining',
      'revision 2: 1 of 1 workers ready',
      'Revision 2 serves: 1 worker after 1.3 s.',
    ),
  );
});

test('--watch on a terminal: a bar and the workers, drawn in place', async () => {
  await using stub = await startStub([STARTING, ROLLING, DONE]);
  const run = await runCli(WATCH, { url: stub.url, isTty: true, columns: 60 });
  assert.equal(run.code, 0);
  const drawn = run.stdout.split('revision 2: command.\n')[1];
  const up = '\u001B[3A\u001B[J';
  assert.equal(
    drawn,
    '[------------------------] 0s  revision 2: 0 of 1 workers r\n' +
      '  w1  revision 1  ready\n  w2  revision 2  starting\n' +
      `${up}[########################] 0s  revision 2: 1 of 1 workers r\n` +
      '  w1  revision 1  draining\n  w2  revision 2  ready\n' +
      `${up}Revision 2 serves: 1 worker after 0.5 s.\n`,
  );
});

test('--watch: exit 1 with the reason and what serves now when the rollout failed', async () => {
  const reason = '2 of its workers failed: exited with code 1';
  const message = `The update to revision 2 failed and revision 1 serves: ${reason}; it wrote: no model`;
  // The new revision's worker is still there: only the rollout's own state tells the end.
  const failed = moment('running', 'failed', [OLD, NEW], { message, rollout: { message: reason } });
  await using stub = await startStub([STARTING, failed]);
  const run = await runCli(WATCH, stub);
  assert.deepEqual([run.code, run.stderr], [1, `error: ${message}\n`]);

  await using again = await startStub([failed]);
  const json = await runCli([...WATCH, '--json'], again);
  assert.equal(json.code, 1);
  assert.deepEqual(JSON.parse(json.stdout), { ...MOVING, outcome: 'failed', message });

  const elsewhere = moment('degraded', 'failed', [OLD], {
    message: 'Worker w1: exited with code 9',
    rollout: { message: reason },
  });
  await using other = await startStub([elsewhere]);
  assert.equal((await runCli(WATCH, other)).stderr, `error: revision 2 failed: ${reason}\n`);
});

test('--watch: exit 1 when a newer update took over, or took it back', async () => {
  const newer = { id: 'ro2', to_revision: 3 };
  await using stub = await startStub([
    STARTING,
    moment('updating', 'starting', [OLD, NEW_STARTS], { rollout: newer, message: 'starts' }),
  ]);
  const run = await runCli(WATCH, stub);
  assert.deepEqual([run.code, run.stderr], [1, 'error: revision 2 was superseded by a newer update\n']);

  const message = 'taken back: revision 1 is wanted again';
  await using back = await startStub([
    moment('running', 'superseded', [OLD], { rollout: { message }, message: '' }),
  ]);
  const taken = await runCli(WATCH, back);
  assert.deepEqual([taken.code, taken.stderr], [1, `error: revision 2 was superseded: ${message}\n`]);
});

test('--watch: exit 0 when a newer update started from the revision this one led to', async () => {
  const newer = { id: 'ro2', from_revision: 2, to_revision: 3 };
  await using stub = await startStub([
    STARTING,
    moment('updating', 'starting', [NEW, stubWorker('w3', 3, 'starting')], { rollout: newer }),
  ]);
  const run = await runCli(WATCH, stub);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /Revision 2 serves: 1 worker after/);
});

test('--watch: exit 0 at once when nothing runs that could move', async () => {
  const message = 'starts with the next request';
  await using stub = await startStub([
    moment('running', 'waiting', [], { message, rollout: { mode: null } }),
  ]);
  const run = await runCli(WATCH, stub);
  assert.equal(run.code, 0);
  assert.match(run.stdout, /No worker runs now; the next one to start has revision 2\.\n$/);

  await using idle = await startStub([ROLLING, moment('running', 'done', [])]);
  const left = await runCli([...WATCH, '--json'], idle);
  assert.equal(left.code, 0);
  assert.equal((JSON.parse(left.stdout) as { outcome: string }).outcome, 'done');
});

test('--watch: an endpoint that had failed before is followed until the update has cured it', async () => {
  await using stub = await startStub([
    moment('failed', 'waiting', [stubWorker('w1', 1, 'stopping')]),
    moment('failed', 'starting', [NEW_STARTS]),
    moment('updating', 'baking', [NEW]),
    DONE,
  ]);
  const run = await runCli(WATCH, stub);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /Revision 2 serves/);
});

test('--watch: a lost first worker is waited out, but not for a request that never comes', async () => {
  const lost = moment('updating', 'waiting', [], { message: 'Worker w2: exited with code 1' });
  await using cured = await startStub([STARTING, ...Array.from({ length: 20 }, () => lost), ROLLING, DONE]);
  const run = await runCli(WATCH, cured);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /Worker w2: exited with code 1\n.*\nRevision 2 serves/);

  await using stub = await startStub([STARTING, lost]);
  const quiet = await runCli(WATCH, stub);
  assert.equal(quiet.code, 0);
  assert.match(quiet.stdout, /No worker runs now/);
  // Before the update, while it started, and four reads in each of the 30 s of the run's own clock.
  assert.equal(stub.calls.filter((call) => call.startsWith('GET')).length, 122);
});

test('--watch: waits for a server that restarts, but not for ever', async () => {
  let reads = 0;
  const away = {
    status: 503,
    body: { code: 503, reason: 'SHUTTING_DOWN', message: 'stopping', metadata: {} },
  };
  await using stub = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1': () => {
      reads += 1;
      if (reads === 1) return { body: STUB_ENDPOINT };
      return reads < 5 ? away : { body: DONE };
    },
    'PUT /gpus/v2/endpoints/ep1': { body: MOVING },
  });
  assert.equal((await runCli(WATCH, stub)).code, 0);

  reads = 0;
  await using gone = await StubApi.start({
    'GET /gpus/v2/endpoints/ep1': () => {
      reads += 1;
      return reads === 1 ? { body: STUB_ENDPOINT } : away;
    },
    'PUT /gpus/v2/endpoints/ep1': { body: MOVING },
  });
  const run = await runCli(WATCH, gone);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /error: stopping/);
});
