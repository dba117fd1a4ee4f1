import type { EndpointId } from '../base/ids.ts';
import type { Traffic } from '../ports/traffic.ts';

/** One view of both data paths for control: requests of sync endpoints, jobs of async ones. */
export function trafficByType(requests: Traffic, jobs: Traffic): Traffic {
  const async = new Set<EndpointId>();
  const of = (endpointId: EndpointId): Traffic => (async.has(endpointId) ? jobs : requests);
  return {
    endpointPut(endpoint) {
      if (endpoint.type === 'async') async.add(endpoint.endpointId);
      of(endpoint.endpointId).endpointPut(endpoint);
    },
    endpointRemove(endpointId, reason) {
      of(endpointId).endpointRemove(endpointId, reason);
      async.delete(endpointId);
    },
    waitingRefuse: (endpointId, ...facts) => of(endpointId).waitingRefuse(endpointId, ...facts),
    workerPut: (endpointId, ...facts) => of(endpointId).workerPut(endpointId, ...facts),
    workerDrain: (endpointId, ...facts) => of(endpointId).workerDrain(endpointId, ...facts),
    workerRemove: (endpointId, ...facts) => of(endpointId).workerRemove(endpointId, ...facts),
    runningCut: (endpointId, ...facts) => of(endpointId).runningCut(endpointId, ...facts),
    load: (endpointId) => of(endpointId).load(endpointId),
    openRequests: (endpointId, ...facts) => of(endpointId).openRequests(endpointId, ...facts),
    endedRequests: (endpointId) => of(endpointId).endedRequests(endpointId),
    unansweredSince: (endpointId, ...facts) => of(endpointId).unansweredSince(endpointId, ...facts),
  };
}
