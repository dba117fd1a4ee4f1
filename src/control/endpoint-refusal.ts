import { AppError } from '../base/errors.ts';
import type { EndpointPlan } from '../decide/endpoint-plan.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { ControlPorts } from './control-options.ts';
import type { EndpointEntry } from './endpoint-entry.ts';

/** The gateway is told when it has to refuse, when it need not any more, and of changed settings. */
export function applyRefusal(
  { traffic, clock }: Pick<ControlPorts, 'traffic' | 'clock'>,
  entry: EndpointEntry,
  refusal: EndpointPlan['refusal'],
): void {
  const { endpoint } = entry;
  if (refusal === null && entry.openWith === endpoint.settings) return;
  entry.openWith = refusal === null ? endpoint.settings : null;
  const error = refusal === null ? null : refusalError(entry, refusal, clock.nowMs());
  putEndpoint(traffic, endpoint, error);
  if (error !== null) traffic.waitingRefuse(endpoint.id, error);
}

/** What the gateway has to know of an endpoint; with the error it answers while that takes no requests. */
export function putEndpoint(
  traffic: ControlPorts['traffic'],
  endpoint: Endpoint,
  refusal: AppError | null,
): void {
  traffic.endpointPut({
    endpointId: endpoint.id,
    type: endpoint.type,
    appName: endpoint.appName,
    healthCheckPath: endpoint.settings.healthCheck.path,
    ownerId: endpoint.ownerId,
    slotsPerWorker: endpoint.settings.maxConcurrentPerWorker,
    requestTimeoutMs: endpoint.settings.requestTimeoutSeconds * 1_000,
    refusal,
  });
}

/** What a client is told while an endpoint takes no requests. */
function refusalError(
  entry: EndpointEntry,
  refusal: NonNullable<EndpointPlan['refusal']>,
  nowMs: number,
): AppError {
  const { id } = entry.endpoint;
  switch (refusal.code) {
    case 'ENDPOINT_PAUSED':
      return new AppError(
        'ENDPOINT_PAUSED',
        `Endpoint ${id} is paused: its max_replicas is 0. Raise it to serve requests.`,
      );
    case 'SERVERLESS_ENDPOINT_NOT_FOUND':
      return new AppError('SERVERLESS_ENDPOINT_NOT_FOUND', `Endpoint ${id} was deleted.`);
    case 'ENDPOINT_FAILED': {
      const waitSeconds = Math.max(1, Math.ceil(((refusal.retryAtMs ?? nowMs) - nowMs) / 1_000));
      return new AppError(
        'ENDPOINT_FAILED',
        `Endpoint ${id} cannot serve: ${entry.startFailures} workers failed in a row. ${entry.endpoint.message}. The next start is tried in ${waitSeconds} s at the earliest; look at the worker's log and update the endpoint.`,
        { retryAfterSeconds: waitSeconds },
      );
    }
  }
}
