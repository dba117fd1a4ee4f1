import type { EndpointCreateBody } from '../../src/client/schema.ts';

/** One endpoint and the traffic it gets. */
export interface Scenario {
  readonly name: string;
  readonly endpoint: Omit<EndpointCreateBody, 'type' | 'name'>;
  /** Requests a second while it is calm, and while it bursts. */
  readonly calmRate: number;
  readonly burstRate: number;
  /** How long each of the two lasts on average, in seconds. */
  readonly calmSeconds: number;
  readonly burstSeconds: number;
  /** Median and spread (of its logarithm) of what a request takes, in milliseconds. */
  readonly serviceMs: number;
  readonly serviceSpread: number;
}

type WorkerConfig = EndpointCreateBody['worker_config'];

function simulated(startMs: number, latencyMs: number, policy: string, config: WorkerConfig) {
  return {
    product_id: 'gpu',
    image: 'any',
    envs: [
      { key: 'SIMULATED_START_MS', value: String(startMs) },
      { key: 'SIMULATED_LATENCY_MS', value: String(latencyMs) },
    ],
    policy: policyOf(policy),
    worker_config: config,
  };
}

function echo(startDelayMs: number, policy: string, config: WorkerConfig) {
  return {
    product_id: 'cpu',
    image: 'host:examples/echo',
    command: 'node server.ts',
    envs: [{ key: 'START_DELAY_MS', value: String(startDelayMs) }],
    health_check: { path: '/healthz' },
    policy: policyOf(policy),
    worker_config: config,
  };
}

function policyOf(text: string): { type: 'queue' | 'concurrency'; value: number } {
  const [type, value] = text.split(':');
  return { type: type === 'queue' ? 'queue' : 'concurrency', value: Number(value) };
}

/**
 * Twenty times as fast as life: a start of 30 s takes 1.5 s, an idle timeout of a minute 3 s. The
 * simulated driver answers after a fixed time, so nothing but the product itself is measured.
 */
export const ACCELERATED: readonly Scenario[] = [
  {
    name: 'from zero, one request a worker',
    endpoint: simulated(1_500, 400, 'queue:1', { max_replicas: 6, idle_timeout: 3 }),
    calmRate: 0.4,
    burstRate: 6,
    calmSeconds: 8,
    burstSeconds: 4,
    serviceMs: 400,
    serviceSpread: 0,
  },
  {
    name: 'from zero, four requests a worker',
    endpoint: simulated(1_500, 600, 'concurrency:4', {
      max_replicas: 5,
      idle_timeout: 3,
      max_concurrent_per_worker: 4,
    }),
    calmRate: 0.5,
    burstRate: 15,
    calmSeconds: 8,
    burstSeconds: 4,
    serviceMs: 600,
    serviceSpread: 0,
  },
  {
    name: 'one kept, too few at bursts',
    endpoint: simulated(3_000, 500, 'queue:2', {
      min_replicas: 1,
      max_replicas: 2,
      idle_timeout: 5,
      max_concurrent_per_worker: 2,
    }),
    calmRate: 1,
    burstRate: 9,
    calmSeconds: 8,
    burstSeconds: 5,
    serviceMs: 500,
    serviceSpread: 0,
  },
];

/** Real processes, in real time, with run times that vary. */
export const REAL_TIME: readonly Scenario[] = [
  {
    name: 'from zero, two requests a worker',
    endpoint: echo(1_000, 'queue:1', { max_replicas: 4, idle_timeout: 4, max_concurrent_per_worker: 2 }),
    calmRate: 0.4,
    burstRate: 7,
    calmSeconds: 10,
    burstSeconds: 5,
    serviceMs: 500,
    serviceSpread: 0.6,
  },
  {
    name: 'one kept, four requests a worker',
    endpoint: echo(1_000, 'concurrency:4', {
      min_replicas: 1,
      max_replicas: 3,
      idle_timeout: 4,
      max_concurrent_per_worker: 4,
    }),
    calmRate: 1,
    burstRate: 14,
    calmSeconds: 10,
    burstSeconds: 5,
    serviceMs: 700,
    serviceSpread: 0.6,
  },
];
