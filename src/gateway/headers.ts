import { impossible } from '../base/errors.ts';
import { LF, SPACE } from '../http1/characters.ts';
import { FIELD, fieldKind, valueOf, type FieldKind, type KnownFields } from '../http1/field-kind.ts';
import type { WorkerAddress } from '../model/worker.ts';
import type { ClientSide } from './client-side.ts';
import type { ForwardCall } from './forwarder.ts';

/** Headers in the form of `rawHeaders`: name, value, name, value. Keeps order, case and duplicates. */
export type HeaderList = string[];

/** Takes the fields of a head one by one: each forwarder writes them in its own form. */
export interface FieldSink {
  field(name: string, value: string): void;
  /** Whole lines, as `field` would write them. */
  lines(text: string): void;
}

/** Takes fields down as a list. */
export class ListedFields implements FieldSink {
  readonly list: HeaderList = [];

  field(name: string, value: string): void {
    this.list.push(name, value);
  }

  lines(): void {
    impossible('headers-5b0e', 'what Node has read comes in fields');
  }
}

/** They speak about one connection only (RFC 9110 §7.6.1), so each side gets its own. */
const HOP_BY_HOP = kindSet(
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.proxyAuthenticate,
  FIELD.proxyAuthorization,
  FIELD.te,
  FIELD.transferEncoding,
  FIELD.upgrade,
  FIELD.http2Settings,
);

/** Set by the gateway itself; what the client sent under these names is not passed on as it came. */
const SET_ON_REQUEST = kindSet(
  FIELD.host,
  FIELD.authorization,
  FIELD.expect,
  FIELD.contentLength,
  FIELD.trailer,
  FIELD.requestId,
  FIELD.forwardedFor,
  FIELD.forwardedProto,
  FIELD.forwardedHost,
);

const KEPT_FROM_WORKER = HOP_BY_HOP | SET_ON_REQUEST;
const KEPT_FROM_CLIENT = HOP_BY_HOP | kindSet(FIELD.requestId);

/** A `Connection` header may not take these away: the framing and our own facts stand on them. */
const NEVER_LISTED = new Set(['content-length', 'host', 'content-type', 'date']);

const REQUEST_ID = /^[A-Za-z0-9._~:@/+=-]{1,128}$/;
const OUR_PREFIX = 'x-pilotlight-';
/** Colon, space, CR and LF. */
const LINE_SIGNS = 4;

/** Kinds as the bits of one number. */
function kindSet(...kinds: readonly FieldKind[]): number {
  return kinds.reduce((set: number, kind) => set | (1 << kind), 0);
}

function has(set: number, kind: number): boolean {
  return (set & (1 << kind)) !== 0;
}

/** The names a `Connection` header adds to the hop-by-hop ones; null for the usual values. */
function listedNames(head: KnownFields): Set<string> | null {
  const plain = valueOf(head, FIELD.connection)?.toLowerCase();
  if (plain === undefined || plain === 'keep-alive' || plain === 'close' || plain === 'upgrade') return null;
  const names = new Set<string>();
  for (const part of plain.split(',')) {
    const name = part.trim();
    if (!NEVER_LISTED.has(name)) names.add(name);
  }
  return names;
}

function isOurs(name: string): boolean {
  return name.length > OUR_PREFIX.length && name.slice(0, OUR_PREFIX.length).toLowerCase() === OUR_PREFIX;
}

/** The client's request id when it is harmless, else undefined. */
export function givenRequestId(head: KnownFields): string | undefined {
  const given = valueOf(head, FIELD.requestId);
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
  to: FieldSink,
  client: Pick<ClientSide, 'head' | 'address' | 'encrypted' | 'requestId'>,
  authority: string,
): void {
  const { head } = client;
  const listed = listedNames(head);
  to.field('Host', authority);
  passFields(to, head, (kind, name) => !has(KEPT_FROM_WORKER, kind) && !isListed(listed, name));
  const before = valueOf(head, FIELD.forwardedFor);
  to.field('X-Forwarded-For', before === undefined ? client.address : `${before}, ${client.address}`);
  // A proxy before us that ends TLS says so here; without one the connection itself tells.
  const given = valueOf(head, FIELD.forwardedProto);
  const own = client.encrypted ? 'https' : 'http';
  to.field('X-Forwarded-Proto', given === 'http' || given === 'https' ? given : own);
  const forwardedHost = valueOf(head, FIELD.forwardedHost) ?? head.host;
  if (forwardedHost !== undefined) to.field('X-Forwarded-Host', forwardedHost);
  to.field('X-Request-Id', client.requestId);
}

/** The worker's answer as the client gets it; no X-Pilotlight header of the worker's. */
export function clientAnswerHeaders(to: FieldSink, answer: KnownFields, status: number): void {
  const listed = listedNames(answer);
  passFields(to, answer, (kind, name) => {
    if (has(KEPT_FROM_CLIENT, kind) || (status === 204 && kind === FIELD.contentLength)) return false;
    return !isListed(listed, name) && !(kind === FIELD.other && isOurs(name));
  });
}

/**
 * Passes on the fields that `passes` says, each as `name: value`. Lines that were read in just that form, as
 * nearly all are, go on as one text where they follow each other: the same to the byte, without putting
 * each one together again.
 */
function passFields(
  to: FieldSink,
  { fields, kinds, text, fieldsAt }: KnownFields,
  passes: (kind: FieldKind, name: string) => boolean,
): void {
  let at = fieldsAt;
  let runAt = -1;
  for (let index = 0; index < kinds.length; index += 1) {
    const name = fields[2 * index] as string;
    const value = fields[2 * index + 1] as string;
    const end = at + name.length + value.length + LINE_SIGNS;
    // A line has one LF, so one that ends here has no room for any sign but the space.
    const plain = text.charCodeAt(end - 1) === LF && text.charCodeAt(at + name.length + 1) === SPACE;
    const passed = passes(kinds[index] as FieldKind, name);
    if (passed && plain) {
      if (runAt === -1) runAt = at;
    } else {
      if (runAt !== -1) to.lines(text.substring(runAt, at));
      runAt = -1;
      if (passed) to.field(name, value);
    }
    at = plain ? end : text.indexOf('\n', at) + 1;
  }
  if (runAt !== -1) to.lines(text.substring(runAt, at));
}

function isListed(listed: Set<string> | null, name: string): boolean {
  return listed !== null && listed.has(name.toLowerCase());
}

/** What the gateway itself tells the client of its request, behind the worker's own headers. */
export function ownAnswerHeaders(to: FieldSink, call: ForwardCall, requestId: string): void {
  const { worker } = call;
  to.field('X-Request-Id', requestId);
  to.field('X-Pilotlight-Revision', String(worker.revision));
  to.field('X-Pilotlight-Worker', worker.workerId);
  to.field('X-Pilotlight-Wait-Ms', String(Math.round(call.waitedMs)));
  to.field('X-Pilotlight-Cold-Start', call.coldStart ? 'true' : 'false');
}

/** Trailers that may be passed on: none that would change how a message is framed, routed or trusted (RFC 9110 §6.5.1). */
export function passableTrailers(trailers: readonly string[]): readonly string[] {
  if (trailers.length === 0) return trailers;
  const kept: string[] = [];
  for (let index = 0; index + 1 < trailers.length; index += 2) {
    const name = trailers[index] as string;
    if (has(KEPT_FROM_WORKER, fieldKind(name)) || NEVER_LISTED.has(name.toLowerCase()) || isOurs(name))
      continue;
    kept.push(name, trailers[index + 1] as string);
  }
  return kept;
}

/** Without what speaks about one connection, and without `also`, for a request or an answer of our own server. */
export function innerHeaders(to: FieldSink, head: KnownFields, ...also: readonly FieldKind[]): void {
  const left = HOP_BY_HOP | kindSet(...also);
  passFields(to, head, (kind) => !has(left, kind));
}
