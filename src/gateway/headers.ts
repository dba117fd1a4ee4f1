import { fieldValue } from '../http1/fields.ts';
import type { WorkerAddress } from '../model/worker.ts';
import type { ClientSide } from './client-side.ts';
import type { ForwardCall } from './forwarder.ts';

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
export function givenRequestId(fields: readonly string[]): string | undefined {
  const given = fieldValue(fields, 'x-request-id');
  return given !== undefined && REQUEST_ID.test(given) ? given : undefined;
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
  client: Pick<ClientSide, 'head' | 'address' | 'encrypted' | 'requestId'>,
  worker: WorkerAddress,
): HeaderList {
  const { fields, host } = client.head;
  const listed = listedNames(fieldValue(fields, 'connection'));
  const kept: HeaderList = ['Host', workerAuthority(worker)];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] as string;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || SET_ON_REQUEST.has(lower) || listed?.has(lower)) continue;
    kept.push(name, fields[index + 1] as string);
  }
  const before = fieldValue(fields, 'x-forwarded-for');
  kept.push('X-Forwarded-For', before === undefined ? client.address : `${before}, ${client.address}`);
  // A proxy before us that ends TLS says so here; without one the connection itself tells.
  const given = fieldValue(fields, 'x-forwarded-proto');
  const own = client.encrypted ? 'https' : 'http';
  kept.push('X-Forwarded-Proto', given === 'http' || given === 'https' ? given : own);
  const forwardedHost = fieldValue(fields, 'x-forwarded-host') ?? host;
  if (forwardedHost !== undefined) kept.push('X-Forwarded-Host', forwardedHost);
  kept.push('X-Request-Id', client.requestId);
  return kept;
}

/** What the gateway itself tells the client of its request, behind the worker's own headers. */
export function ownAnswerHeaders(
  { worker, waitedMs, coldStart }: ForwardCall,
  requestId: string,
): HeaderList {
  return [
    'X-Request-Id',
    requestId,
    'X-Pilotlight-Revision',
    String(worker.revision),
    'X-Pilotlight-Worker',
    worker.workerId,
    'X-Pilotlight-Wait-Ms',
    String(Math.round(waitedMs)),
    'X-Pilotlight-Cold-Start',
    String(coldStart),
  ];
}

/** The worker's answer as the client gets it, followed by `own`; no X-Pilotlight header of the worker's. */
export function clientAnswerHeaders(raw: readonly string[], status: number, own: HeaderList): HeaderList {
  const kept: HeaderList = [];
  const listed = listedNames(fieldValue(raw, 'connection'));
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

/** Trailers that may be passed on: none that would change how a message is framed, routed or trusted (RFC 9110 §6.5.1). */
export function passableTrailers(trailers: readonly string[]): readonly string[] {
  if (trailers.length === 0) return trailers;
  const kept: string[] = [];
  for (let index = 0; index + 1 < trailers.length; index += 2) {
    const lower = (trailers[index] as string).toLowerCase();
    if (HOP_BY_HOP.has(lower) || SET_ON_REQUEST.has(lower) || NEVER_LISTED.has(lower)) continue;
    if (!lower.startsWith(OUR_PREFIX)) kept.push(trailers[index] as string, trailers[index + 1] as string);
  }
  return kept;
}

/** Without what speaks about one connection, for a request or an answer of our own server. */
export function withoutHopByHop(fields: readonly string[]): HeaderList {
  const kept: HeaderList = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const lower = (fields[index] as string).toLowerCase();
    if (!HOP_BY_HOP.has(lower)) kept.push(fields[index] as string, fields[index + 1] as string);
  }
  return kept;
}
