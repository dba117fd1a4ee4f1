import type { IncomingMessage } from 'node:http';
import type { WorkerAddress } from '../model/worker.ts';

/** Headers in the form of `rawHeaders`: name, value, name, value. Keeps order, case and duplicates. */
export type HeaderList = string[];

/** They speak about one connection only (RFC 9110 §7.6.1), so each side gets its own. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Set by the gateway itself; what the client sent under these names is not passed on as it came. */
const SET_ON_REQUEST = new Set([
  'host',
  'authorization',
  'expect',
  'content-length',
  'trailer',
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
]);

/** A `Connection` header may not take these away: the framing and our own facts stand on them. */
const NEVER_LISTED = new Set(['content-length', 'host', 'content-type', 'date']);

const REQUEST_ID = /^[A-Za-z0-9._~:@/+=-]{1,128}$/;
const OUR_PREFIX = 'x-pilotlight-';

/** The names a `Connection` header adds to the hop-by-hop ones; null for the usual values. */
function listedNames(connection: string | undefined): Set<string> | null {
  if (connection === undefined) return null;
  const plain = connection.toLowerCase();
  if (plain === 'keep-alive' || plain === 'close' || plain === 'upgrade') return null;
  const names = new Set<string>();
  for (const part of plain.split(',')) {
    const name = part.trim();
    if (!NEVER_LISTED.has(name)) names.add(name);
  }
  return names;
}

/** The client's request id when it is harmless, else undefined. */
export function givenRequestId(request: IncomingMessage): string | undefined {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : undefined;
}

export function workerAuthority(address: WorkerAddress): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/**
 * What the worker gets, without the framing headers: the forwarder adds those that fit how it sends.
 * `Host` is the worker's own address, which is what a server bound to it expects; the name the
 * client used is in X-Forwarded-Host.
 */
export function workerRequestHeaders(
  request: IncomingMessage,
  address: WorkerAddress,
  requestId: string,
): HeaderList {
  const { rawHeaders, headers } = request;
  const listed = listedNames(headers.connection);
  const kept: HeaderList = ['Host', workerAuthority(address)];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || SET_ON_REQUEST.has(lower) || listed?.has(lower)) continue;
    kept.push(name, rawHeaders[index + 1] as string);
  }
  const client = request.socket.remoteAddress ?? 'unknown';
  const before = headers['x-forwarded-for'];
  kept.push('X-Forwarded-For', typeof before === 'string' ? `${before}, ${client}` : client);
  // A proxy before us that ends TLS says so here; without one the connection itself tells.
  const given = headers['x-forwarded-proto'];
  const own = 'encrypted' in request.socket ? 'https' : 'http';
  kept.push('X-Forwarded-Proto', given === 'http' || given === 'https' ? given : own);
  const host = headers['x-forwarded-host'] ?? headers.host;
  if (typeof host === 'string') kept.push('X-Forwarded-Host', host);
  kept.push('X-Request-Id', requestId);
  return kept;
}

/** The worker's answer as the client gets it, followed by `own`; no X-Pilotlight header of the worker's. */
export function clientAnswerHeaders(raw: readonly string[], status: number, own: HeaderList): HeaderList {
  const kept: HeaderList = [];
  let connection: string | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if ((raw[index] as string).toLowerCase() !== 'connection') continue;
    const value = raw[index + 1] as string;
    connection = connection === undefined ? value : `${connection},${value}`;
  }
  const listed = listedNames(connection);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || listed?.has(lower)) continue;
    if (lower.startsWith(OUR_PREFIX) || lower === 'x-request-id') continue;
    if (status === 204 && lower === 'content-length') continue;
    kept.push(name, raw[index + 1] as string);
  }
  kept.push(...own);
  return kept;
}

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
