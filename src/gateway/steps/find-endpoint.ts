import { AppError } from '../../base/errors.ts';
import type { ApiKey } from '../../ports/store.ts';
import type { EndpointQueue } from '../endpoint-queue.ts';
import type { Routed } from './route.ts';

/** The endpoint, if it exists under that name and the caller may use it. */
export function findEndpoint(
  queues: ReadonlyMap<string, EndpointQueue>,
  { endpointId, appName }: Routed,
  key: ApiKey,
): EndpointQueue {
  const queue = queues.get(endpointId);
  const known = queue !== undefined && !queue.removed;
  if (!known || (appName !== null && appName !== queue.endpoint.appName.toLowerCase())) {
    throw new AppError(
      'SERVERLESS_ENDPOINT_NOT_FOUND',
      `There is no endpoint "${endpointId.slice(0, 64)}" here.`,
    );
  }
  if (!key.admin && key.ownerId !== queue.endpoint.ownerId) {
    throw new AppError('FORBIDDEN', 'This endpoint belongs to another owner; use a key of its owner.');
  }
  return queue;
}
