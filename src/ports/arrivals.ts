import type { EndpointId } from '../base/ids.ts';
import type { Arrival } from '../model/arrival.ts';

/** Takes down each request that ended. Called for every one of them: cheap, in memory, and never fails. */
export interface ArrivalRecorder {
  arrivalRecord(endpointId: EndpointId, arrival: Arrival): void;
}
