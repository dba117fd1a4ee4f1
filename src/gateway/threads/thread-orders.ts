import type { TrafficWorker } from '../../ports/traffic.ts';
import type { SharedEndpoint, SharedWorker } from './shared-endpoint.ts';
import { errorMessage, type ThreadOrder } from './thread-message.ts';

export function endpointOrder({ endpoint, row }: SharedEndpoint): ThreadOrder {
  const { refusal, ...rest } = endpoint;
  return {
    kind: 'endpointPut',
    endpoint: rest,
    refusal: refusal === null ? null : errorMessage(refusal),
    row,
  };
}

/** All but how requests go to it. */
export function sameFacts(one: TrafficWorker, other: TrafficWorker): boolean {
  return (
    one.revision === other.revision &&
    one.startedAtMs === other.startedAtMs &&
    one.address.host === other.address.host &&
    one.address.port === other.address.port
  );
}

export function workerOrder({ endpoint }: SharedEndpoint, { worker, row }: SharedWorker): ThreadOrder {
  return { kind: 'workerPut', endpointId: endpoint.endpointId, worker, row };
}
