/**
 * How fast a simulated world runs: requests through the real control loops and queues, on one core.
 * `npm run bench:simulate [-- --requests 1000000 --load 1]` prints requests a second and the peak of the heap
 * for one endpoint and for ten that share devices.
 */
import { parseArgs } from 'node:util';
import type { EndpointId } from '../../src/base/ids.ts';
import { seededRandom } from '../../src/base/random.ts';
import { replay } from '../../src/simulate/replay.ts';
import { CALLER, SimulatedWorld } from '../../src/simulate/world.ts';

interface Load {
  readonly name: string;
  readonly endpoints: number;
  readonly devices: number;
  /** Of each endpoint. */
  readonly requestsPerSecond: number;
  readonly serviceMs: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface EndpointRequest {
  readonly endpoint: number;
  readonly arrivalMs: number;
  readonly serviceMs: number;
}

const SHARING = {
  product_id: 'gpu',
  worker_config: { max_replicas: 2, max_concurrent_per_worker: 4, request_timeout: 120 },
};

const LOADS: readonly Load[] = [
  {
    name: 'one endpoint, 10 requests/s, about 3 workers of 4 slots',
    endpoints: 1,
    devices: 0,
    requestsPerSecond: 10,
    serviceMs: 800,
    body: {
      product_id: 'cpu',
      worker_config: { max_replicas: 8, max_concurrent_per_worker: 4, request_timeout: 60 },
    },
  },
  {
    name: 'ten endpoints on 8 devices, 4 requests/s each',
    endpoints: 10,
    devices: 8,
    requestsPerSecond: 4,
    serviceMs: 400,
    body: SHARING,
  },
  {
    name: 'the same at 1 request/s each, where a worker serves about 8 requests before it gives way',
    endpoints: 10,
    devices: 8,
    requestsPerSecond: 1,
    serviceMs: 400,
    body: SHARING,
  },
];

/** Poisson arrivals, exponential service times. */
function* requestsOf(load: Load, count: number): Generator<EndpointRequest> {
  const random = seededRandom(1);
  const gapMs = 1_000 / (load.requestsPerSecond * load.endpoints);
  let arrivalMs = 0;
  for (let index = 0; index < count; index += 1) {
    arrivalMs += -Math.log(1 - random.next()) * gapMs;
    yield {
      endpoint: Math.floor(random.next() * load.endpoints),
      arrivalMs,
      serviceMs: -Math.log(1 - random.next()) * load.serviceMs,
    };
  }
}

async function run(load: Load, count: number): Promise<void> {
  const world = await SimulatedWorld.open({ devices: load.devices });
  const ids: EndpointId[] = [];
  for (let index = 0; index < load.endpoints; index += 1) {
    const body = { type: 'sync', name: 'bench', image: 'host', command: 'start=3000', ...load.body };
    const { id } = await world.answerOf(world.control.service.create(body, CALLER));
    ids.push(id);
  }
  let peakBytes = 0;
  const look = (): void => {
    peakBytes = Math.max(peakBytes, process.memoryUsage().heapUsed);
  };
  const beganMs = performance.now();
  const cpuBefore = process.cpuUsage();
  const done = await replay(world, requestsOf(load, count), ({ endpoint }) => ids[endpoint] as EndpointId, {
    onProgress: look,
  });
  const tookMs = performance.now() - beganMs;
  const cpu = process.cpuUsage(cpuBefore);
  const cpuUs = cpu.user + cpu.system;
  const { ends } = world.traffic;
  console.log(load.name);
  console.log(
    `  ${done} requests in ${(tookMs / 1_000).toFixed(1)} s: ${Math.round((done / tookMs) * 1_000)} requests/s,` +
      ` ${(cpuUs / done).toFixed(1)} µs of processor time each; peak heap ${Math.round(peakBytes / 1_048_576)} MiB`,
  );
  console.log(
    `  served ${ends.served}, timed out ${ends.timedOut}, refused ${ends.refused}; ${world.machine.starts} worker starts`,
  );
  if (world.errors.length > 0) throw new Error('the world logged an error', { cause: world.errors[0] });
}

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '1000000' }, load: { type: 'string' } },
});
const chosen = LOADS.filter((_, index) => values.load === undefined || index + 1 === Number(values.load));
for (const load of chosen) await run(load, Number(values.requests));
