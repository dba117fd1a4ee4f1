/** The fields that whoever passes messages on must know. All others are passed on as they are. */
export const FIELD = {
  other: 0,
  connection: 1,
  contentLength: 2,
  transferEncoding: 3,
  host: 4,
  upgrade: 5,
  expect: 6,
  te: 7,
  trailer: 8,
  keepAlive: 9,
  proxyConnection: 10,
  proxyAuthenticate: 11,
  proxyAuthorization: 12,
  http2Settings: 13,
  authorization: 14,
  requestId: 15,
  forwardedFor: 16,
  forwardedProto: 17,
  forwardedHost: 18,
} as const;
export type FieldKind = (typeof FIELD)[keyof typeof FIELD];

/**
 * What a name stands for, in any case of its letters. By its length and its first letter first: nearly
 * every name is told from these by two comparisons, and each is looked at once in the life of its message.
 */
export function fieldKind(name: string): FieldKind {
  // The bit that makes a capital letter a small one, and leaves digits and hyphens as they are.
  const first = name.charCodeAt(0) | 0x20;
  switch (name.length) {
    case 2:
      return first === T && is(name, 'te', 'TE') ? FIELD.te : FIELD.other;
    case 4:
      return first === H && is(name, 'host', 'Host') ? FIELD.host : FIELD.other;
    case 6:
      return first === E && is(name, 'expect', 'Expect') ? FIELD.expect : FIELD.other;
    case 7:
      if (first === U && is(name, 'upgrade', 'Upgrade')) return FIELD.upgrade;
      return first === T && is(name, 'trailer', 'Trailer') ? FIELD.trailer : FIELD.other;
    case 10:
      if (first === C && is(name, 'connection', 'Connection')) return FIELD.connection;
      return first === K && is(name, 'keep-alive', 'Keep-Alive') ? FIELD.keepAlive : FIELD.other;
    case 12:
      return first === X && is(name, 'x-request-id', 'X-Request-Id') ? FIELD.requestId : FIELD.other;
    case 13:
      return first === A && is(name, 'authorization', 'Authorization') ? FIELD.authorization : FIELD.other;
    case 14:
      if (first === C && is(name, 'content-length', 'Content-Length')) return FIELD.contentLength;
      return first === H && is(name, 'http2-settings', 'HTTP2-Settings') ? FIELD.http2Settings : FIELD.other;
    case 15:
      return first === X && is(name, 'x-forwarded-for', 'X-Forwarded-For') ? FIELD.forwardedFor : FIELD.other;
    case 16:
      if (first === X && is(name, 'x-forwarded-host', 'X-Forwarded-Host')) return FIELD.forwardedHost;
      return first === P && is(name, 'proxy-connection', 'Proxy-Connection')
        ? FIELD.proxyConnection
        : FIELD.other;
    case 17:
      if (first === T && is(name, 'transfer-encoding', 'Transfer-Encoding')) return FIELD.transferEncoding;
      return first === X && is(name, 'x-forwarded-proto', 'X-Forwarded-Proto')
        ? FIELD.forwardedProto
        : FIELD.other;
    case 18:
      return first === P && is(name, 'proxy-authenticate', 'Proxy-Authenticate')
        ? FIELD.proxyAuthenticate
        : FIELD.other;
    case 19:
      return first === P && is(name, 'proxy-authorization', 'Proxy-Authorization')
        ? FIELD.proxyAuthorization
        : FIELD.other;
    default:
      return FIELD.other;
  }
}

/** The kinds of all fields, in their order. */
export function fieldKinds(fields: readonly string[]): FieldKind[] {
  const kinds: FieldKind[] = [];
  for (let index = 0; index < fields.length; index += 2) kinds.push(fieldKind(fields[index] as string));
  return kinds;
}

/** A head's fields with what they stand for. */
export interface KnownFields {
  /** Name, value, name, value. */
  readonly fields: readonly string[];
  /** One for each field. */
  readonly kinds: readonly FieldKind[];
  /** What they were read from, with the place of the first one's line; empty where that is not at hand. */
  readonly text: string;
  readonly fieldsAt: number;
}

/** Of fields whose text is not at hand. */
export function knownFields(fields: readonly string[]): KnownFields {
  return { fields, kinds: fieldKinds(fields), text: '', fieldsAt: 0 };
}

/** The values of all fields of that kind, joined as RFC 9110 §5.3 allows; undefined when there is none. */
export function valueOf(
  { fields, kinds }: Pick<KnownFields, 'fields' | 'kinds'>,
  kind: FieldKind,
): string | undefined {
  let found: string | undefined;
  for (let index = kinds.indexOf(kind); index !== -1; index = kinds.indexOf(kind, index + 1)) {
    const value = fields[2 * index + 1] as string;
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}

const A = 0x61;
const C = 0x63;
const E = 0x65;
const H = 0x68;
const K = 0x6b;
const P = 0x70;
const T = 0x74;
const U = 0x75;
const X = 0x78;

/** `usual`: as nearly all write it. `name` is as long and begins with the same letter. */
function is(name: string, lowerCase: string, usual: string): boolean {
  return name === usual || name === lowerCase || name.toLowerCase() === lowerCase;
}
