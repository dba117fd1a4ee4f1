import type { IncomingMessage } from 'node:http';
import { AppError } from '../../base/errors.ts';
import type { EndpointQueue } from '../endpoint-queue.ts';
import { bodyTooLarge } from '../request-body.ts';

/** What is refused before it takes a place: by the server's state, the endpoint's, and the body's size. */
export function checkLimits(
  request: IncomingMessage,
  queue: EndpointQueue,
  bodyLimitBytes: number,
  draining: boolean,
): void {
  if (draining) {
    throw new AppError('SHUTTING_DOWN', 'The server is shutting down; send the request again.', {
      retryAfterSeconds: 1,
    });
  }
  if (queue.endpoint.refusal !== null) throw queue.endpoint.refusal;
  if (Number(request.headers['content-length'] ?? 0) > bodyLimitBytes) throw bodyTooLarge(bodyLimitBytes);
}
