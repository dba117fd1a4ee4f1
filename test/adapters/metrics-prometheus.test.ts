import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrometheusMetrics, type PrometheusMetrics } from '../../src/adapters/metrics-prometheus.ts';
import type { EndpointId } from '../../src/base/ids.ts';
import type { EndpointGauges } from '../../src/ports/metrics.ts';

const ONE = 'endpoint1' as EndpointId;
const TWO = 'endpoint2' as EndpointId;

/** Our own samples: series → value. */
async function samples(metrics: PrometheusMetrics): Promise<Map<string, number>> {
  const { text } = await metrics.read();
  const lines = text.split('\n').filter((line) => line.startsWith('pilotlight_'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

function gauges(endpointId: EndpointId, change: Partial<EndpointGauges> = {}): EndpointGauges {
  return {
    endpointId,
    waiting: 0,
    oldestWaitSeconds: 0,
    slotsUsed: 0,
    slotsTotal: 0,
    workers: {},
    ...change,
  };
}

test('requests are counted by endpoint and outcome, with their waits and durations in seconds', async () => {
  const metrics = createPrometheusMetrics();
  metrics.requestEnded(ONE, '2xx', 0, 30);
  metrics.requestEnded(ONE, '2xx', 1_500, 4_000);
  metrics.requestEnded(ONE, 'queue_full', 0, 0);
  metrics.requestEnded(TWO, '5xx', 0, 700_000);
  const seen = await samples(metrics);
  assert.equal(seen.get('pilotlight_requests_total{endpoint="endpoint1",outcome="2xx"}'), 2);
  assert.equal(seen.get('pilotlight_requests_total{endpoint="endpoint1",outcome="queue_full"}'), 1);
  assert.equal(seen.get('pilotlight_requests_total{endpoint="endpoint2",outcome="5xx"}'), 1);
  assert.equal(seen.get('pilotlight_request_wait_seconds_count'), 4);
  assert.equal(seen.get('pilotlight_request_wait_seconds_sum'), 1.5);
  assert.equal(seen.get('pilotlight_request_wait_seconds_bucket{le="1"}'), 3);
  assert.equal(seen.get('pilotlight_request_wait_seconds_bucket{le="2"}'), 4);
  assert.equal(seen.get('pilotlight_request_duration_seconds_bucket{le="0.05"}'), 2);
  assert.equal(seen.get('pilotlight_request_duration_seconds_bucket{le="600"}'), 3);
  assert.equal(seen.get('pilotlight_request_duration_seconds_bucket{le="+Inf"}'), 4);
});

test('starts, failures, decisions, cold starts and overhead are counted', async () => {
  const metrics = createPrometheusMetrics();
  metrics.workerStarted(ONE);
  metrics.workerStarted(ONE);
  metrics.workerFailed(ONE);
  metrics.scaleDecision(ONE, 'wake');
  metrics.scaleDecision(ONE, 'wake');
  metrics.scaleDecision(ONE, 'idle');
  metrics.coldStart(ONE, 340);
  metrics.forwardOverhead(0.4);
  const seen = await samples(metrics);
  assert.equal(seen.get('pilotlight_worker_starts_total{endpoint="endpoint1"}'), 2);
  assert.equal(seen.get('pilotlight_worker_failures_total{endpoint="endpoint1"}'), 1);
  assert.equal(seen.get('pilotlight_scale_decisions_total{endpoint="endpoint1",reason="wake"}'), 2);
  assert.equal(seen.get('pilotlight_scale_decisions_total{endpoint="endpoint1",reason="idle"}'), 1);
  assert.equal(seen.get('pilotlight_cold_start_seconds_sum'), 0.34);
  assert.equal(seen.get('pilotlight_forward_overhead_seconds_bucket{le="0.0002"}'), 0);
  assert.equal(seen.get('pilotlight_forward_overhead_seconds_bucket{le="0.0005"}'), 1);
});

test('gauges are asked for at each scrape and show what is there then', async () => {
  const metrics = createPrometheusMetrics();
  let now: readonly EndpointGauges[] = [
    gauges(ONE, {
      waiting: 3,
      oldestWaitSeconds: 1.25,
      slotsUsed: 4,
      slotsTotal: 4,
      workers: { ready: 2, starting: 1 },
    }),
    gauges(TWO),
  ];
  metrics.onScrape(() => now);
  const first = await samples(metrics);
  assert.equal(first.get('pilotlight_queue_length{endpoint="endpoint1"}'), 3);
  assert.equal(first.get('pilotlight_queue_oldest_wait_seconds{endpoint="endpoint1"}'), 1.25);
  assert.equal(first.get('pilotlight_slots_used{endpoint="endpoint1"}'), 4);
  assert.equal(first.get('pilotlight_slots_total{endpoint="endpoint1"}'), 4);
  assert.equal(first.get('pilotlight_workers{endpoint="endpoint1",state="ready"}'), 2);
  assert.equal(first.get('pilotlight_workers{endpoint="endpoint1",state="starting"}'), 1);
  assert.equal(first.get('pilotlight_workers{endpoint="endpoint1",state="draining"}'), 0);
  assert.equal(first.get('pilotlight_queue_length{endpoint="endpoint2"}'), 0);
  now = [gauges(ONE, { workers: { draining: 1 } })];
  const second = await samples(metrics);
  assert.equal(second.get('pilotlight_queue_length{endpoint="endpoint1"}'), 0);
  assert.equal(second.get('pilotlight_workers{endpoint="endpoint1",state="ready"}'), 0);
  assert.equal(second.get('pilotlight_workers{endpoint="endpoint1",state="draining"}'), 1);
  assert.deepEqual(endpointsIn(second), [ONE]);
});

test('an endpoint that was forgotten leaves no series, also when its last request ends later', async () => {
  const metrics = createPrometheusMetrics();
  metrics.onScrape(() => [gauges(TWO)]);
  const useAll = (endpointId: EndpointId): void => {
    metrics.requestEnded(endpointId, '2xx', 0, 1);
    metrics.scaleDecision(endpointId, 'wake');
    metrics.workerStarted(endpointId);
    metrics.workerFailed(endpointId);
  };
  useAll(ONE);
  useAll(TWO);
  metrics.endpointForgotten(ONE);
  assert.deepEqual(endpointsIn(await samples(metrics)), [TWO]);
  metrics.requestEnded(ONE, '5xx', 0, 1);
  assert.deepEqual(endpointsIn(await samples(metrics)), [TWO]);
  // An endpoint of that name starts from nothing.
  metrics.onScrape(() => [gauges(ONE), gauges(TWO)]);
  metrics.requestEnded(ONE, '2xx', 0, 1);
  const seen = await samples(metrics);
  assert.equal(seen.get('pilotlight_requests_total{endpoint="endpoint1",outcome="2xx"}'), 1);
  assert.equal(seen.get('pilotlight_requests_total{endpoint="endpoint1",outcome="5xx"}'), undefined);
});

test('outcomes without end do not make series without end', async () => {
  const metrics = createPrometheusMetrics();
  for (let count = 0; count < 1_000; count += 1) metrics.requestEnded(ONE, `strange_${count}`, 0, 1);
  const counted = [...(await samples(metrics))].filter(([series]) => series.includes('requests_total'));
  assert.ok(counted.length <= 65, `${counted.length} series`);
  assert.equal(
    counted.reduce((sum, [, value]) => sum + value, 0),
    1_000,
  );
  assert.ok((counted.find(([series]) => series.includes('"other"'))?.[1] ?? 0) >= 900);
});

test('the text is what Prometheus reads, with the metrics of the process, and two sets stay apart', async () => {
  const metrics = createPrometheusMetrics();
  const other = createPrometheusMetrics();
  metrics.requestEnded(ONE, '2xx', 0, 1);
  const { contentType, text } = await metrics.read();
  assert.match(contentType, /^text\/plain; version=0\.0\.4/);
  assert.match(text, /^# TYPE pilotlight_requests_total counter$/m);
  assert.match(text, /^process_cpu_seconds_total /m);
  assert.match(text, /^nodejs_eventloop_lag_seconds /m);
  assert.deepEqual(endpointsIn(await samples(other)), []);
});

function endpointsIn(seen: ReadonlyMap<string, number>): string[] {
  const names = [...seen.keys()].flatMap((series) => /endpoint="([^"]*)"/.exec(series)?.[1] ?? []);
  return [...new Set(names)].toSorted();
}
