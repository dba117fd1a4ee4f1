import { hash } from 'node:crypto';
import { AppError } from '../../base/errors.ts';
import { fieldValue } from '../../http1/fields.ts';
import type { ApiKey } from '../../ports/store.ts';

const BEARER = /^Bearer +([^\s]+) *$/i;

/** Looks up the caller by the hash of its key; the key itself is kept nowhere. */
export function authenticate(
  fields: readonly string[],
  keys: { apiKeys(sha256Hex: string): ApiKey | undefined },
): ApiKey {
  const given = fieldValue(fields, 'authorization');
  if (given === undefined) {
    throw new AppError('UNAUTHORIZED', 'The request has no API key; send "Authorization: Bearer <key>".');
  }
  const token = BEARER.exec(given)?.[1];
  const key = token === undefined ? undefined : keys.apiKeys(hash('sha256', token, 'hex'));
  if (key !== undefined) return key;
  throw new AppError(
    'UNAUTHORIZED',
    'The API key is not known here; send "Authorization: Bearer <key>" with a key of this server.',
  );
}
