import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { SimulationThreads } from '../../src/main/simulation-threads.ts';
import { ArrivalChunkWriter } from '../../src/model/arrival-chunk.ts';
import type { SimulationJob, SimulationProgress } from '../../src/ports/what-if.ts';
import { stubView } from '../support/stub-endpoint-service.ts';

const LIMIT_MS = 1_000;
const { settings } = stubView().endpoint;
const NOW = { settings, devices: null, devicesPerWorker: 0 };

function traceJob(text: string, changes: Partial<SimulationJob> = {}): SimulationJob {
  return {
    requests: { kind: 'trace', base64: gzipSync(text).toString('base64') },
    now: NOW,
    proposed: null,
    goals: null,
    startTimesMs: [1_000],
    seed: 1,
    ...changes,
  };
}

/** It goes on for longer than any test: a search over many requests. */
function longJob(): SimulationJob {
  const rows = Array.from({ length: 200_000 }, (_, index) => `${index},30`);
  return traceJob(`arrival_s,service_s\n${rows.join('\n')}\n`, {
    goals: { p50Ms: 1, p95Ms: null, p99Ms: null },
  });
}

function world(atOnce = 1) {
  const clock = new ManualClock();
  const threads = new SimulationThreads(clock, { atOnce, limitMs: LIMIT_MS });
  const abort = new AbortController();
  const progress: SimulationProgress[] = [];
  const begun = Promise.withResolvers<void>();
  const options = {
    signal: abort.signal,
    onProgress: (one: SimulationProgress) => {
      progress.push(one);
      begun.resolve();
    },
  };
  return { clock, threads, abort, progress, begun: begun.promise, options };
}

test('a trace and recorded requests are simulated in a thread of their own', async () => {
  const { threads, options, progress, clock } = world();
  const trace = await threads.run(traceJob('arrival_s,service_s\n0,1\n5,1\n'), options);
  assert.deepEqual([trace.requests, trace.now.served, trace.recorded], [2, 2, null]);
  assert.equal(trace.now.waits.maxMs, 1_000);
  assert.deepEqual(progress[0], { stage: 'now', done: 2, of: 2 });

  const writer = new ArrivalChunkWriter();
  for (let index = 0; index < 3; index += 1) {
    writer.add({ endedAtMs: 10_000 + index, waitMs: 0, runMs: 9, sizeClass: 0, outcome: 'answered' });
  }
  const chunks = [writer.bytes()];
  const recorded = await threads.run(
    traceJob('', { requests: { kind: 'recorded', chunks, fromMs: 0, toMs: 20_000 }, proposed: NOW }),
    options,
  );
  assert.deepEqual([recorded.requests, recorded.recorded?.served], [3, 3]);
  assert.deepEqual(recorded.proposed, recorded.now, 'the same settings and seed come to the same');
  await threads.close();
  assert.equal(clock.timerCount, 0);
});

test('a trace that is not compressed is taken too; one that is cut or too large is refused', async () => {
  const { threads, options } = world();
  const text = 'arrival_s,service_s\n0,1\n';
  const plain = { kind: 'trace', base64: Buffer.from(text).toString('base64') } as const;
  assert.equal((await threads.run(traceJob('', { requests: plain }), options)).requests, 1);
  const cut = { kind: 'trace', base64: gzipSync(text).subarray(0, 20).toString('base64') } as const;
  await assert.rejects(threads.run(traceJob('', { requests: cut }), options), {
    code: 'TRACE_INVALID',
    message: /cannot be unpacked/,
  });
  // 70 MB of text in some 70 KB.
  await assert.rejects(threads.run(traceJob(' '.repeat(70_000_000)), options), {
    code: 'TRACE_INVALID',
    message: /more than 64 MiB of text/,
  });
  await assert.rejects(threads.run(traceJob('arrival_s,service_s\n0,x\n'), options), {
    code: 'TRACE_INVALID',
    metadata: { line: '2' },
  });
  await threads.close();
});

test('no more run at a time than may, and one that ends makes room', async () => {
  const { threads, options, begun, abort } = world();
  const long = threads.run(longJob(), options);
  await begun;
  const free = { ...options, signal: new AbortController().signal };
  const next = async () => await threads.run(traceJob('arrival_s,service_s\n0,1\n'), free);
  await assert.rejects(next(), { code: 'SIMULATION_BUSY', retryAfterSeconds: 5 });
  abort.abort(new Error('the client left'));
  await assert.rejects(long, /the client left/);
  assert.equal((await next()).requests, 1);
  await threads.close();
});

test('one that takes too long is ended', async () => {
  const { threads, options, begun, clock } = world();
  const long = threads.run(longJob(), options);
  await begun;
  clock.advance(LIMIT_MS);
  await assert.rejects(long, { code: 'SIMULATION_TOO_LONG', message: /within 1 s/ });
  await threads.close();
});

test('a close ends what runs and takes no more', async () => {
  const { threads, options, begun } = world();
  const long = threads.run(longJob(), options);
  await begun;
  const closed = threads.close();
  await assert.rejects(long, { code: 'SHUTTING_DOWN' });
  await closed;
  await assert.rejects(threads.run(longJob(), options), { code: 'SHUTTING_DOWN' });
});

test('one whose client has left already does not begin', async () => {
  const { threads, options, abort } = world();
  abort.abort(new Error('left'));
  await assert.rejects(threads.run(longJob(), options), /left/);
  await threads.close();
});

test('a thread that breaks is no silence', async () => {
  const { threads, options } = world();
  // No such settings can come from the API.
  const broken = traceJob('arrival_s,service_s\n0,1\n', { startTimesMs: [] });
  await assert.rejects(threads.run(broken, options));
  const chunks = [Uint8Array.from([9, 9, 9])];
  const damaged = traceJob('', { requests: { kind: 'recorded', chunks, fromMs: 0, toMs: 1 } });
  await assert.rejects(threads.run(damaged, options), /version 9/);
  await threads.close();
});
