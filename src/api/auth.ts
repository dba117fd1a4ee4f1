import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../base/errors.ts';
import type { Caller } from '../ports/endpoint-service.ts';
import type { ApiKey } from '../ports/store.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null on routes that need no key. */
    caller: Caller | null;
  }
}

/** Finds a key by its SHA-256, so that a key itself is neither kept nor compared byte by byte. */
export type KeyLookup = (sha256Hex: string) => ApiKey | undefined;

/**
 * `unknown`: how a key that is not known is refused. The vendor's control API has a name of its own for
 * it, with 403; clients of the job API look for 401.
 */
export function authenticate(keys: KeyLookup, unknown: 'INVALID_API_KEY' | 'UNAUTHORIZED') {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const match = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '');
    if (match?.[1] === undefined) {
      void reply.header('www-authenticate', 'Bearer');
      throw new AppError(
        'UNAUTHORIZED',
        'No API key was given; send the header "Authorization: Bearer <API key>".',
      );
    }
    const key = keys(createHash('sha256').update(match[1]).digest('hex'));
    if (key === undefined) {
      throw new AppError(unknown, 'The API key is not known here; check the key after "Bearer".');
    }
    request.caller = { ownerId: key.ownerId, admin: key.admin };
  };
}

/** The caller of a request that passed `authenticate`. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Error('a route behind a key was reached without one');
  return request.caller;
}
