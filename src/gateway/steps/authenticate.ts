import { hash } from 'node:crypto';
import { AppError } from '../../base/errors.ts';
import { FIELD, valueOf, type KnownFields } from '../../http1/field-kind.ts';
import type { ApiKey } from '../../ports/store.ts';

const BEARER = /^Bearer +([^\s]+) *$/i;

/** Looks up the caller by the hash of its key; the key itself is kept nowhere. */
export function authenticate(
  head: KnownFields,
  keys: { apiKeys(sha256Hex: string): ApiKey | undefined },
): ApiKey {
  const given = valueOf(head, FIELD.authorization);
  if (given === undefined) {
    throw new AppError('UNAUTHORIZED', 'The request has no API key; send "Authorization: Bearer <key>".');
  }
  // The form that nearly all send needs no expression.
  const plain = given.startsWith('Bearer ') && !given.includes(' ', 7);
  const token = plain ? given.slice(7) : BEARER.exec(given)?.[1];
  const key = token === undefined ? undefined : keys.apiKeys(hash('sha256', token, 'hex'));
  if (key !== undefined) return key;
  throw new AppError(
    'UNAUTHORIZED',
    'The API key is not known here; send "Authorization: Bearer <key>" with a key of this server.',
  );
}
