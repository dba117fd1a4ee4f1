import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import { ask, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID, stubService, stubWorker } from '../support/stub-endpoint-service.ts';

const CALLER = { ownerId: 'owner-1', admin: true };
const PATH = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}/workers`;

test('the list of workers has their history; moments that have not come are absent', async (context) => {
  const ended = stubWorker({
    state: 'stopped',
    devices: [],
    readyAtMs: null,
    startedAtMs: null,
    endedAtMs: 1_700_000_009_500,
    reason: 'idle',
  });
  const service = stubService({ workerList: () => [stubWorker(), ended], drainHolders: async () => [] });
  const { url } = await startApi(context, { service });
  const log = `${PATH}/worker123456/log`;
  assert.deepEqual((await ask(url + PATH)).json, {
    data: [
      {
        id: 'worker123456',
        status: { status: 'ready', error: '', message: 'a request waited' },
        log,
        health: true,
        drain: false,
        revision: 1,
        devices: ['GPU-0'],
        created_at: 1_700_000_001,
        started_at: 1_700_000_002,
        ready_at: 1_700_000_003,
      },
      {
        id: 'worker123456',
        status: { status: 'stopped', error: '', message: 'idle' },
        log,
        health: false,
        drain: false,
        revision: 1,
        devices: [],
        created_at: 1_700_000_001,
        ended_at: 1_700_000_009,
      },
    ],
    drain_holders: [],
  });
});

test('a log is plain text, of as many bytes as asked for', async (context) => {
  const { url, calls } = await startApi(context);
  const plain = await ask(`${url}${PATH}/w1/log`);
  assert.equal(plain.status, 200);
  assert.equal(plain.text, 'hello\nworld\n');
  assert.equal(plain.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(plain.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(plain.headers.get('x-pilotlight-dropped-bytes'), '7');
  assert.equal((await ask(`${url}${PATH}/w1/log?tail_bytes=1`)).status, 200);
  assert.equal((await ask(`${url}${PATH}/w1/log?tail_bytes=1048576`)).status, 200);
  assert.deepEqual(
    calls.map((call) => call.args),
    [65_536, 1, 1_048_576].map((bytes) => [STUB_ENDPOINT_ID, 'w1', bytes, CALLER]),
  );
  for (const bytes of ['0', '1048577', '-1', 'x']) {
    const answer = await ask(`${url}${PATH}/w1/log?tail_bytes=${bytes}`);
    assert.equal(answer.status, 400, bytes);
    assert.deepEqual(Object.keys((answer.json as { metadata: object }).metadata), ['tail_bytes']);
  }
  assert.equal(calls.length, 3);
});

test('an unknown worker is 404', async (context) => {
  const service = stubService({
    workerLog: async () => {
      throw new AppError('SERVERLESS_WORKER_NOT_FOUND', 'There is no worker w1.');
    },
  });
  const { url } = await startApi(context, { service });
  const answer = await ask(`${url}${PATH}/w1/log`);
  assert.equal(answer.status, 404);
  assert.equal((answer.json as { reason: string }).reason, 'SERVERLESS_WORKER_NOT_FOUND');
});

test('an ended worker shows how it ended, what it wrote and served last', async (context) => {
  const ended = stubWorker({
    state: 'failed',
    devices: [],
    endedAtMs: 1_700_000_009_500,
    reason: 'ran out of memory, 3 s after its start',
    exit: { code: null, signal: 'SIGKILL', outOfMemory: true, peakMemoryMib: 512 },
    lastOutput: 'loading\nkilled',
    lastRequests: [
      {
        requestId: 'r1',
        method: 'POST',
        path: '/v1/generate',
        startedAtMs: 1_700_000_009_000,
        endedAtMs: 1_700_000_009_250,
        status: null,
        outcome: 'broke',
      },
    ],
  });
  const service = stubService({ worker: () => ended });
  const { url } = await startApi(context, { service });
  const answer = await ask(`${url}${PATH}/worker123456`);
  assert.equal(answer.status, 200, answer.text);
  const shown = answer.json as Record<string, unknown>;
  assert.deepEqual(shown['status'], {
    status: 'failed',
    error: 'out of memory',
    message: 'ran out of memory, 3 s after its start',
  });
  assert.deepEqual(shown['exit'], {
    code: null,
    signal: 'SIGKILL',
    out_of_memory: true,
    peak_memory_mib: 512,
  });
  assert.equal(shown['last_output'], 'loading\nkilled');
  assert.deepEqual(shown['last_requests'], [
    {
      id: 'r1',
      method: 'POST',
      path: '/v1/generate',
      started_at: 1_700_000_009,
      ended_at: 1_700_000_009.25,
      status: null,
      outcome: 'broke',
    },
  ]);
});
