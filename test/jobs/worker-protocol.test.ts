import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { HOLD_MS } from '../../src/jobs/worker-protocol/worker-requests.ts';
import { head, ProtocolWorld } from './protocol-world.ts';

const LIMIT = { timeout: 20_000 };

/** A request as RunPod's Python worker puts it on the wire. */
function python(world: ProtocolWorld, method: string, url: string, body = ''): string {
  const { host, pathname, search } = new URL(url);
  const lines = [
    `${method} ${pathname}${search} HTTP/1.1`,
    `Host: ${host}`,
    method === 'POST' ? 'Content-Type: application/x-www-form-urlencoded' : 'Content-Type: application/json',
    `Authorization: ${world.token()}`,
    'User-Agent: RunPod-Python-SDK/1.7.9 (Linux 6.1.0; x86_64) Language/Python 3.11.7',
    ...(method === 'POST' ? ['charset: utf-8', 'X-Request-ID: job-1'] : []),
    'Accept: */*',
    'Accept-Encoding: gzip, deflate',
    ...(method === 'POST' ? [`Content-Length: ${Buffer.byteLength(body)}`] : []),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

describe('a worker that speaks the protocol byte by byte', LIMIT, () => {
  test('takes a job, tells progress, streams, and answers', async () => {
    await using world = await ProtocolWorld.open();
    const {
      RUNPOD_WEBHOOK_GET_JOB: take = '',
      RUNPOD_WEBHOOK_POST_OUTPUT: output = '',
      RUNPOD_WEBHOOK_POST_STREAM: stream = '',
    } = world.variables();
    const filled = (url: string): string => url.replace('$RUNPOD_POD_ID', 'w1').replace('$ID', 'job-1');
    const taking = world.raw(python(world, 'GET', `${take.replace('$ID', 'w1')}&job_in_progress=0`));
    await world.jobs.calls(/^take/);
    world.jobs.give(['job-1', '{"seed":18446744073709551615,"text":"grüß"}']);
    const taken = await taking;
    assert.equal(taken.status, 200);
    assert.equal(taken.headers.get('content-type'), 'application/json');
    assert.equal(taken.body, '{"id":"job-1","input":{"seed":18446744073709551615,"text":"grüß"}}');
    for (const [url, body] of [
      [`${filled(output)}&isStream=false`, '{"status": "IN_PROGRESS", "output": {"percent": 50}}'],
      [`${filled(stream)}&isStream=false`, '{"output": "first"}'],
      [`${filled(output)}&isStream=true`, '{"output": {"seed": 18446744073709551615, "ü": 1.0}}'],
    ] as const) {
      assert.equal((await world.raw(python(world, 'POST', url, body))).status, 200);
    }
    assert.deepEqual(world.jobs.called, [
      'take ep1 w1 count=1 idle=true',
      'progress w1 job-1 {"percent": 50}',
      'part w1 job-1 "first"',
      'answer w1 job-1 output {"seed": 18446744073709551615, "ü": 1.0}',
    ]);
  });

  test('takes a batch', async () => {
    await using world = await ProtocolWorld.open();
    world.jobs.give(['a', '1'], ['b', '[2]'], ['c', '"3"']);
    const url = (world.variables()['RUNPOD_WEBHOOK_GET_JOB'] ?? '')
      .replace('$ID', 'w1')
      .replace('/job-take/', '/job-take-batch/');
    const batch = await world.raw(python(world, 'GET', `${url}&batch_size=2&job_in_progress=1`));
    assert.equal(batch.body, '[{"id":"a","input":1},{"id":"b","input":[2]}]');
    assert.deepEqual(world.jobs.called, ['take ep1 w1 count=2 idle=false']);
  });

  test('hears which of its jobs are to be stopped', async () => {
    await using world = await ProtocolWorld.open();
    const url = (world.variables()['RUNPOD_WEBHOOK_GET_JOB'] ?? '')
      .replace('$ID', 'w1')
      .replace('/job-take/', '/job-stop/');
    const stopping = world.raw(python(world, 'GET', `${url}&job_in_progress=1`));
    await world.jobs.calls(/^stops w1/);
    world.jobs.stop('job-1', 'job-2');
    const stopped = await stopping;
    assert.equal(stopped.headers.get('content-type'), 'application/json');
    assert.equal(stopped.body, '{"jobsToStop":["job-1","job-2"]}');
  });

  test('fails a job, and asks to be replaced', async () => {
    await using world = await ProtocolWorld.open();
    world.jobs.hold('a', 'b', 'c', 'd');
    const bodies = [
      ['a', '{"error": "{\\"error_type\\": \\"<class \'ValueError\'>\\"}"}'],
      ['b', '{"output": {"partial": 1}, "error": {"code": 7}, "stopPod": true}'],
      ['c', '{"output": "last", "stopPod": true}'],
      ['d', '{"stopPod": true}'],
    ] as const;
    for (const [id, body] of bodies) {
      const url = (world.variables()['RUNPOD_WEBHOOK_POST_OUTPUT'] ?? '')
        .replace('$RUNPOD_POD_ID', 'w1')
        .replace('$ID', id);
      assert.equal((await world.raw(python(world, 'POST', `${url}&isStream=false`, body))).status, 200);
    }
    assert.deepEqual(world.jobs.called, [
      'answer w1 a error {"error_type": "<class \'ValueError\'>"}',
      'answer w1 b error {"code": 7}',
      'recycle w1 it asked to be replaced',
      'answer w1 c output "last"',
      'recycle w1 it asked to be replaced',
      'answer w1 d output null',
      'recycle w1 it asked to be replaced',
    ]);
  });

  test('pings with what it runs', async () => {
    await using world = await ProtocolWorld.open();
    const url = (world.variables()['RUNPOD_WEBHOOK_PING'] ?? '').replace('$RUNPOD_POD_ID', 'w1');
    const ping = `${url}?job_id=a%2Cb&runpod_version=1.7.9`;
    assert.equal((await world.raw(python(world, 'GET', ping))).status, 200);
    assert.equal((await world.raw(python(world, 'GET', `${url}?runpod_version=1.7.9`))).status, 200);
    assert.deepEqual(world.jobs.called, ['ping w1 a,b', 'ping w1 ']);
  });

  test('that fills in no ids and sends no Authorization is known by its token', async () => {
    await using world = await ProtocolWorld.open();
    const { RUNPOD_WEBHOOK_GET_JOB: take = '', RUNPOD_WEBHOOK_POST_OUTPUT: output = '' } = world.variables();
    const path = (url: string): string => url.slice(world.url.length);
    world.jobs.give(['job-1', '{}']);
    assert.equal((await world.get(path(take), { authorization: '' })).body, '{"id":"job-1","input":{}}');
    const done = path(output).replace('$ID', 'job-1');
    assert.equal((await world.post(done, '{"output":1}', { authorization: '' })).status, 200);
    assert.deepEqual(world.jobs.called, ['take ep1 w1 count=1 idle=null', 'answer w1 job-1 output 1']);
  });
});

describe('a call that waits', LIMIT, () => {
  test('is answered 204 when nothing comes', async () => {
    await using world = await ProtocolWorld.open();
    const taking = world.get('/v2/ep1/job-take/w1?job_in_progress=0');
    const stopping = world.get('/v2/ep1/job-stop/w1');
    await world.jobs.calls(/^take/);
    await world.jobs.calls(/^stops/);
    world.clock.advance(HOLD_MS);
    assert.deepEqual([(await taking).status, (await stopping).status], [204, 204]);
    assert.equal((await taking).body, '');
  });

  test('makes its worker ready when it is the first', async () => {
    await using world = await ProtocolWorld.open();
    world.jobs.give(['a', '1'], ['b', '2']);
    await world.get('/v2/ep1/job-take/w1');
    await world.get('/v2/ep1/job-take/w1');
    assert.deepEqual(world.ready, ['w1 true']);
  });

  test('waits for the news of its own start', async () => {
    await using world = await ProtocolWorld.open();
    world.live.add('w3');
    world.jobs.give(['a', '1']);
    const taking = world.get('/v2/ep1/job-take/w3', { authorization: world.token('w3') });
    // Its connection, and so its call, is taken by then: it stands before one that came later.
    await world.get('/v2/ep1/ping/w1');
    assert.deepEqual(world.jobs.called, ['ping w1 ']);
    world.watch('w3');
    assert.equal((await taking).body, '{"id":"a","input":1}');
    assert.deepEqual(world.ready, ['w3 true']);
  });

  test('of a worker that drains is held, and looked at again each second', async () => {
    await using world = await ProtocolWorld.open();
    world.jobs.draining = true;
    const taking = world.get('/v2/ep1/job-take/w1');
    await world.jobs.calls(/^take/);
    await waitForTimer(world, 1_000);
    world.clock.advance(1_000);
    await world.jobs.calls(/^take/, 2);
    world.jobs.draining = false;
    await waitForTimer(world, 1_000);
    world.clock.advance(1_000);
    await world.jobs.calls(/^take/, 3);
    world.jobs.give(['a', '1']);
    assert.equal((await taking).body, '{"id":"a","input":1}');
  });

  test('does not drive out another of its worker: they are answered in turn', async () => {
    await using world = await ProtocolWorld.open();
    const first = world.get('/v2/ep1/job-take/w1');
    await world.jobs.calls(/^take/);
    const second = world.get('/v2/ep1/job-take/w1');
    const other = world.get('/v2/ep1/job-take/w2', { authorization: world.token('w2') });
    await world.jobs.calls(/^take ep1 w2/);
    assert.equal(world.jobs.called.filter((call) => call.startsWith('take ep1 w1')).length, 1);
    world.jobs.give(['a', '1'], ['b', '2']);
    assert.equal((await first).body, '{"id":"a","input":1}');
    assert.equal((await other).body, '{"id":"b","input":2}');
    world.jobs.give(['c', '3']);
    assert.equal((await second).body, '{"id":"c","input":3}');
  });

  test('that waits behind another says nothing of what that one is given', async () => {
    await using world = await ProtocolWorld.open();
    const path = '/v2/ep1/job-take/w1?job_in_progress=0';
    const first = world.get(path);
    await world.jobs.calls(/^take/);
    const second = world.get(path);
    await world.requested(2);
    world.jobs.give(['a', '1']);
    assert.equal((await first).body, '{"id":"a","input":1}');
    world.jobs.give(['b', '2']);
    assert.equal((await second).body, '{"id":"b","input":2}');
    assert.deepEqual(world.jobs.called, ['take ep1 w1 count=1 idle=true', 'take ep1 w1 count=1 idle=null']);
  });

  test('ends with its connection, and takes nothing', async () => {
    await using world = await ProtocolWorld.open();
    const socket = connect(world.port, '127.0.0.1');
    socket.write(head('GET', '/v2/ep1/job-take/w1', { authorization: world.token() }));
    await world.jobs.calls(/^take ep1 w1/);
    socket.destroy();
    await world.jobs.calls(/^take aborted/);
    world.jobs.give(['a', '1']);
    assert.equal((await world.get('/v2/ep1/job-take/w1')).body, '{"id":"a","input":1}');
    assert.deepEqual(
      world.jobs.called.filter((call) => call.startsWith('giveBack')),
      [],
    );
  });

  test('is answered at once when the server stops, and results are still taken', async () => {
    await using world = await ProtocolWorld.open();
    world.jobs.hold('job-1');
    const taking = world.get('/v2/ep1/job-take/w1');
    await world.jobs.calls(/^take/);
    world.requests.close();
    assert.equal((await taking).status, 204);
    const late = await world.get('/v2/ep1/job-take/w1');
    assert.equal(late.status, 503);
    assert.equal(late.headers.get('retry-after'), '1');
    assert.equal((await world.post('/v2/ep1/job-done/w1/job-1', '{"output":1}')).status, 200);
  });
});

/** Until the pause of the draining worker's call is set. */
async function waitForTimer(world: ProtocolWorld, delayMs: number): Promise<void> {
  const dueMs = world.clock.monotonicMs() + delayMs;
  while (world.clock.nextDueMs() !== dueMs) await new Promise((resolve) => setImmediate(resolve));
}
