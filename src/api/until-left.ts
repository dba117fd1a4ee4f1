import type { FastifyReply } from 'fastify';
import { AppError } from '../base/errors.ts';

/** Aborts when the client is gone before its answer is complete. */
export function untilLeft(reply: FastifyReply): AbortSignal {
  const left = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) left.abort(new AppError('REQUEST', 'The client left.'));
  });
  return left.signal;
}
