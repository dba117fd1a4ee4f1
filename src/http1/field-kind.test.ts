import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIELD, fieldKind, fieldKinds, valueOf } from './field-kind.ts';

const NAMES: Readonly<Record<Exclude<keyof typeof FIELD, 'other'>, string>> = {
  connection: 'Connection',
  contentLength: 'Content-Length',
  transferEncoding: 'Transfer-Encoding',
  host: 'Host',
  upgrade: 'Upgrade',
  expect: 'Expect',
  te: 'TE',
  trailer: 'Trailer',
  keepAlive: 'Keep-Alive',
  proxyConnection: 'Proxy-Connection',
  proxyAuthenticate: 'Proxy-Authenticate',
  proxyAuthorization: 'Proxy-Authorization',
  http2Settings: 'HTTP2-Settings',
  authorization: 'Authorization',
  requestId: 'X-Request-Id',
  forwardedFor: 'X-Forwarded-For',
  forwardedProto: 'X-Forwarded-Proto',
  forwardedHost: 'X-Forwarded-Host',
};

test('each name is known in any case of its letters, and nothing but it', () => {
  for (const [key, name] of Object.entries(NAMES)) {
    const kind = FIELD[key as keyof typeof FIELD];
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) {
      assert.equal(fieldKind(written), kind, written);
    }
    // One letter less, one more, another last one, and what only looks like it.
    for (const other of [
      name.slice(0, -1),
      `${name}s`,
      `${name.slice(0, -1)}_`,
      name.replace(/[ei]/i, 'ı'),
    ]) {
      if (other !== name) assert.equal(fieldKind(other), FIELD.other, other);
    }
  }
  for (const other of ['', 'Accept', 'Content-Type', 'User-Agent', 'Cookie', 'X-Pilotlight-Worker']) {
    assert.equal(fieldKind(other), FIELD.other, other);
  }
});

test('the values of one kind are joined, in their order', () => {
  const fields = ['X-Forwarded-For', 'a', 'Host', 'h', 'x-forwarded-for', 'b'];
  const head = { fields, kinds: fieldKinds(fields) };
  assert.equal(valueOf(head, FIELD.forwardedFor), 'a, b');
  assert.equal(valueOf(head, FIELD.host), 'h');
  assert.equal(valueOf(head, FIELD.connection), undefined);
});
