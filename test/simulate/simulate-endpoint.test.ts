import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointSettings } from '../../src/model/endpoint.ts';
import {
  simulateEndpoint,
  type SimulatedEndpoint,
  type TraceRequest,
} from '../../src/simulate/simulate-endpoint.ts';

const SETTINGS: EndpointSettings = {
  name: 'simulated',
  minReplicas: 0,
  maxReplicas: 4,
  idleTimeoutSeconds: 30,
  maxConcurrentPerWorker: 1,
  requestTimeoutSeconds: 60,
  policy: { type: 'concurrency', value: 1 },
  healthCheck: { path: '', port: 0 },
};

function endpoint(settings: Partial<EndpointSettings> = {}): SimulatedEndpoint {
  return {
    settings: { ...SETTINGS, ...settings },
    devices: null,
    devicesPerWorker: 0,
    startTimesMs: [5_000],
    seed: 1,
  };
}

function* every(count: number, gapMs: number, serviceMs: number): Generator<TraceRequest> {
  for (let index = 0; index < count; index += 1) yield { arrivalMs: 1e12 + index * gapMs, serviceMs };
}

describe('a simulated endpoint', () => {
  it('starts a worker for the first request and keeps it for the others', async () => {
    const result = await simulateEndpoint(endpoint(), every(10, 10_000, 1_000));
    assert.equal(result.requests, 10);
    assert.equal(result.served, 10);
    assert.equal(result.workerStarts, 1);
    assert.equal(result.coldStarts, 1);
    assert.equal(result.waits.maxMs, 5_000);
    assert.equal(result.waits.p50Ms, 0);
    assert.equal(result.durationMs, 91_000);
    assert.equal(result.workerSeconds, 91);
  });

  it('with min_replicas has them from the beginning', async () => {
    const result = await simulateEndpoint(endpoint({ minReplicas: 2 }), every(10, 1_000, 500));
    assert.equal(result.waits.maxMs, 0);
    assert.equal(result.coldStarts, 0);
    assert.ok(Math.abs(result.workerSeconds - 2 * 9.5) < 1e-6, `${result.workerSeconds}`);
  });

  it('counts those that time out and those that are refused', async () => {
    const slow = await simulateEndpoint(endpoint({ requestTimeoutSeconds: 2 }), every(1, 0, 100));
    assert.deepEqual([slow.served, slow.timedOut, slow.refused], [0, 1, 0]);
    const paused = await simulateEndpoint(endpoint({ maxReplicas: 0 }), every(3, 0, 100));
    assert.deepEqual([paused.served, paused.timedOut, paused.refused], [0, 0, 3]);
  });

  it('is held to its devices', async () => {
    const result = await simulateEndpoint(
      { ...endpoint(), devices: 2, devicesPerWorker: 2 },
      every(4, 0, 1_000),
    );
    assert.equal(result.workerStarts, 1);
    assert.equal(result.served, 4);
    assert.equal(result.waits.maxMs, 8_000);
  });

  it('gives the same result for the same seed, from an asynchronous source too', async () => {
    const varied = { ...endpoint(), startTimesMs: [1_000, 3_000, 9_000] };
    const source = async function* (): AsyncGenerator<TraceRequest> {
      yield* every(200, 700, 1_500);
    };
    const first = await simulateEndpoint(varied, every(200, 700, 1_500));
    assert.deepEqual(await simulateEndpoint(varied, source()), first);
    assert.notDeepEqual(await simulateEndpoint({ ...varied, seed: 2 }, source()), first);
  });

  it('shows what happened over time in buckets that cover all of it', async () => {
    const result = await simulateEndpoint(endpoint(), every(5_000, 1_000, 300));
    assert.ok(result.timeline.length > 30 && result.timeline.length <= 60, `${result.timeline.length}`);
    assert.equal(result.timeline[0]?.fromMs, 0);
    assert.equal(result.timeline.at(-1)?.toMs, result.durationMs);
    const arrivals = result.timeline.reduce((sum, bucket) => sum + bucket.arrivals, 0);
    assert.equal(arrivals, 5_000);
    const workerMs = result.timeline.reduce(
      (sum, bucket) => sum + bucket.workers * (bucket.toMs - bucket.fromMs),
      0,
    );
    assert.ok(Math.abs(workerMs / 1_000 - result.workerSeconds) < 1e-3 * result.workerSeconds);
    assert.ok((result.timeline[0]?.p95WaitMs ?? 0) > 0);
  });

  it('of no request is empty', async () => {
    const result = await simulateEndpoint(endpoint(), []);
    assert.equal(result.requests, 0);
    assert.deepEqual(result.timeline, []);
    assert.equal(result.workerSeconds, 0);
  });

  it('tells its progress and can be ended', async () => {
    const seen: number[] = [];
    const controller = new AbortController();
    const run = simulateEndpoint(endpoint(), every(1_000_000, 100, 50), {
      signal: controller.signal,
      onProgress(done) {
        seen.push(done);
        if (seen.length === 3) controller.abort(new Error('enough'));
      },
    });
    await assert.rejects(run, /enough/);
    assert.equal(seen.length, 3);
    assert.ok((seen[0] ?? 0) > 0 && (seen[2] ?? 0) < 1_000_000);
  });

  it('refuses a trace that is out of order or no numbers, and says where', async () => {
    const trace = (second: TraceRequest): TraceRequest[] => [{ arrivalMs: 1_000, serviceMs: 1 }, second];
    await assert.rejects(
      simulateEndpoint(endpoint(), trace({ arrivalMs: 999, serviceMs: 1 })),
      /Request 1 .*earlier/,
    );
    for (const bad of [Number.NaN, Infinity]) {
      await assert.rejects(
        simulateEndpoint(endpoint(), trace({ arrivalMs: bad, serviceMs: 1 })),
        /Request 1 /,
      );
    }
    await assert.rejects(
      simulateEndpoint(endpoint(), trace({ arrivalMs: 2_000, serviceMs: -1 })),
      /Request 1 /,
    );
    await assert.rejects(simulateEndpoint({ ...endpoint(), startTimesMs: [] }, []), /startTimesMs/);
  });
});
