import { SECOND_MS } from '../base/units.ts';
import type { EndpointEvent } from '../model/endpoint-event.ts';
import type { EventObject } from '../model/event-schema.ts';
import type { RequestObject } from '../model/request-schema.ts';
import type { RequestTimeline } from '../model/request-timeline.ts';

export function requestObject(request: RequestTimeline): RequestObject {
  return {
    id: request.requestId,
    method: request.method,
    path: request.path,
    arrived_at: request.arrivedAtMs / SECOND_MS,
    wait_reason: request.waitReason,
    started_at: fractionalSeconds(request.startedAtMs),
    worker_id: request.workerId,
    revision: request.revision,
    first_byte_at: fractionalSeconds(request.firstByteAtMs),
    ended_at: fractionalSeconds(request.endedAtMs),
    status: request.status,
    outcome: request.outcome,
  };
}

export function eventObject(event: EndpointEvent): EventObject {
  const { id, atMs, kind, code, message, revision, workerId, facts } = event;
  return { id, at: atMs / SECOND_MS, kind, code, message, revision, worker_id: workerId, facts };
}

/** Unix time with the fractions that tell events of one second apart. */
export function fractionalSeconds(timeMs: number | null): number | null {
  return timeMs === null ? null : Math.round(timeMs) / SECOND_MS;
}
