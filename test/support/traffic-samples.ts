import type { WorkerId } from '../../src/base/ids.ts';
import type { TrafficEndpoint, TrafficWorker } from '../../src/ports/traffic.ts';
import { ENDPOINT, OWNER } from './gateway-world.ts';

/** What a queue is told of an endpoint: workers of one slot, and a minute for a request. */
export function sampleEndpoint(change: Partial<TrafficEndpoint> = {}): TrafficEndpoint {
  return {
    endpointId: ENDPOINT,
    type: 'sync',
    appName: 'app',
    healthCheckPath: '',
    ownerId: OWNER,
    slotsPerWorker: 1,
    requestTimeoutMs: 60_000,
    refusal: null,
    ...change,
  };
}

/** A proven worker, at an address that nobody is asked at. */
export function sampleWorker(workerId: string, change: Partial<TrafficWorker> = {}): TrafficWorker {
  return {
    workerId: workerId as WorkerId,
    revision: 1,
    address: { host: '127.0.0.1', port: 1 },
    preference: 0,
    sampleLimit: null,
    startedAtMs: 0,
    ...change,
  };
}
