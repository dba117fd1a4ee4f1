import type { IncomingMessage } from 'node:http';
import { knownFields } from '../../http1/field-kind.ts';
import type { ParsedRequest } from '../../http1/request-head.ts';

/** True when a body follows the request's head. */
export function hasBody(request: IncomingMessage): boolean {
  if (request.headers['transfer-encoding'] !== undefined) return true;
  const length = request.headers['content-length'];
  return length !== undefined && Number(length) > 0;
}

/** The client sends its body only after a 100. */
export function expectsContinue(request: IncomingMessage): boolean {
  return request.httpVersionMinor >= 1 && /^100-continue$/i.test(request.headers.expect ?? '');
}

/** What Node read, in the form that the steps look at. Its framing is not checked yet. */
export function headOf(request: IncomingMessage): ParsedRequest {
  const { headers } = request;
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    versionMinor: request.httpVersionMinor === 0 ? 0 : 1,
    ...knownFields(request.rawHeaders),
    host: headers.host,
    bodyBytes: headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : null,
    keepAlive: request.httpVersionMinor > 0,
    upgrade: headers.upgrade ?? null,
    expectsContinue: expectsContinue(request),
  };
}
