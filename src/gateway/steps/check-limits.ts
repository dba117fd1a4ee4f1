import { AppError } from '../../base/errors.ts';
import type { EndpointQueue } from '../endpoint-queue.ts';
import { bodyTooLarge } from '../forwarder.ts';

/** What is refused before it takes a place: by the server's state, the endpoint's, and the body's size. */
export function checkLimits(
  bodyBytes: number | null,
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
  if (bodyBytes !== null && bodyBytes > bodyLimitBytes) throw bodyTooLarge(bodyLimitBytes);
}
