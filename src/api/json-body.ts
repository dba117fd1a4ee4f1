import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../base/errors.ts';
import { MIB } from '../base/units.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** SHA-256 of the body as it came, where the request has an idempotency key. */
    bodyDigest: string | null;
  }
}

export const BODY_BYTES_MAX = MIB;

/** JSON is the only body there is. Anything else is refused before it is read. */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.decorateRequest('bodyDigest', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    async (request: FastifyRequest, body: Buffer) => {
      if (request.headers['idempotency-key'] !== undefined) request.bodyDigest = sha256(body);
      return parseJson(body);
    },
  );
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Undefined for an empty body: clients send the content type with DELETE too. */
function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  const text = decode(body);
  try {
    // The reviver visits every value, so it runs only where it could find something.
    return /__proto__|\\u/.test(text) ? JSON.parse(text, refuseProto) : JSON.parse(text);
  } catch (error) {
    if (error instanceof AppError) throw error;
    // A SyntaxError, or a RangeError of the reviver on absurdly deep nesting.
    const reason = error instanceof Error ? error.message : String(error);
    // Without the piece of the body that it may quote, which can be one of a password.
    const told = reason.replace(/, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/su, '');
    throw new AppError('REQUEST', `The body is not valid JSON: ${told}.`);
  }
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw new AppError('REQUEST', 'The body is not valid UTF-8; send JSON in UTF-8.', { cause: error });
  }
}

/** Such a key means nothing in the API, and code that copies objects could take it for the prototype. */
function refuseProto(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new AppError('REQUEST', 'The body has a key "__proto__"; remove it.');
  return value;
}

/** The body of a request that must have one. */
export function bodyOf(request: FastifyRequest): unknown {
  if (request.body !== undefined) return request.body;
  throw new AppError('REQUEST', 'The request has no body; send a JSON object.');
}
