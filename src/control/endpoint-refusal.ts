import { AppError } from '../base/errors.ts';
import type { EndpointPlan } from '../decide/endpoint-plan.ts';
import type { EndpointEntry } from './endpoint-entry.ts';

/** What a client is told while an endpoint takes no requests. */
export function refusalError(
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
