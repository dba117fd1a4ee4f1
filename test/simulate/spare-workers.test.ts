import assert from 'node:assert/strict';
import { it } from 'node:test';
import { simulateEndpoint, type TraceRequest } from '../../src/simulate/simulate-endpoint.ts';

/** Long requests at once, then six short ones at any time: one worker of eight slots is enough. */
function* peakAndRest(): Generator<TraceRequest> {
  const beginMs = 1e12;
  for (let index = 0; index < 24; index += 1) yield { arrivalMs: beginMs, serviceMs: 30_000 };
  for (let index = 0; index < 4_000; index += 1) {
    yield { arrivalMs: beginMs + 60_000 + index * 166, serviceMs: 1_000 };
  }
}

it('workers that share a load which fewer could carry are emptied and let go', async () => {
  const { timeline, served, waits } = await simulateEndpoint(
    {
      settings: {
        name: 'simulated',
        minReplicas: 0,
        maxReplicas: 4,
        idleTimeoutSeconds: 120,
        maxConcurrentPerWorker: 8,
        requestTimeoutSeconds: 600,
        policy: { type: 'concurrency', value: 8 },
        healthCheck: { path: '', port: 0 },
      },
      devices: null,
      devicesPerWorker: 0,
      startTimesMs: [5_000],
      seed: 1,
    },
    peakAndRest(),
  );
  assert.equal(served, 4_024);
  const workersAt = (atMs: number): number =>
    timeline.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)?.workers ?? NaN;
  assert.ok(workersAt(10_000) > 2, `${workersAt(10_000)} at the peak`);
  const last = timeline.at(-3)?.workers ?? NaN;
  assert.ok(last > 0.9 && last < 1.1, `${last} workers at the end`);
  assert.ok(waits.p95Ms < 1_000, `${waits.p95Ms}`);
});
