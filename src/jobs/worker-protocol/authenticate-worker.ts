import type { IncomingMessage } from 'node:http';
import { AppError } from '../../base/errors.ts';
import type { WorkerRoute } from './worker-route.ts';
import type { TokenHolder, WorkerTokens } from './worker-token.ts';

/**
 * Who calls: told by the token in `Authorization` (as it is, or behind "Bearer"), in the address, or
 * both; each that is given must be good, and be of the worker and endpoint that the address names.
 * Throws UNAUTHORIZED for no token or one that was not made here, FORBIDDEN for another worker's.
 */
export function authenticateWorker(
  request: IncomingMessage,
  route: WorkerRoute,
  tokens: WorkerTokens,
): TokenHolder {
  const given = [request.headers.authorization?.replace(/^Bearer +/i, ''), route.query.get('token')];
  const shown = given.filter((token) => token !== undefined && token !== null && token !== '');
  if (shown.length === 0) {
    throw new AppError(
      'UNAUTHORIZED',
      'The call has no worker token; send that of RUNPOD_AI_API_KEY in Authorization.',
    );
  }
  const holders = shown.map((token) => tokens.holderOf(token as string));
  const [holder] = holders;
  if (holder === undefined || holder === null || holders.includes(null)) {
    throw new AppError(
      'UNAUTHORIZED',
      'The worker token is not of this server; send that of RUNPOD_AI_API_KEY as it was given.',
    );
  }
  const { endpointId, workerId } = holder;
  const same = holders.every((other) => other?.workerId === workerId && other.endpointId === endpointId);
  if (!same || endpointId !== route.endpointId || (route.workerId ?? workerId) !== workerId) {
    throw new AppError(
      'FORBIDDEN',
      `The worker token is not of worker ${route.workerId ?? workerId} of endpoint ${route.endpointId}: a worker takes and answers jobs of its own endpoint under its own id.`,
    );
  }
  return holder;
}
