import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { headEnd } from './head-end.ts';
import { FIELD } from './field-kind.ts';
import { ProtocolError } from './protocol-error.ts';
import { checkOpening, parseRequest, type ParsedRequest } from './request-head.ts';
import { headText } from './writer.ts';

const LIMIT = 32_768;

function read(text: string): ParsedRequest {
  const bytes = Buffer.from(text, 'latin1');
  const end = headEnd(bytes, 0, 0, LIMIT);
  assert.notEqual(end, -1, 'the head is not complete');
  return parseRequest(bytes, 0, end);
}

const get = (...lines: string[]): string => headOf('GET / HTTP/1.1', 'Host: h', ...lines);
const post = (...lines: string[]): string => headOf('POST / HTTP/1.1', 'Host: h', ...lines);
const headOf = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

describe('a request head is read', () => {
  it('with everything in its place', () => {
    const text =
      'POST /a/../b?c=%00 HTTP/1.1\r\nHost: h:1\r\nX-A:1\r\nx-a: \t 2 \r\nContent-Length: 12\r\n\r\n';
    assert.deepEqual(read(text), {
      method: 'POST',
      target: '/a/../b?c=%00',
      versionMinor: 1,
      fields: ['Host', 'h:1', 'X-A', '1', 'x-a', '2', 'Content-Length', '12'],
      kinds: [FIELD.host, FIELD.other, FIELD.other, FIELD.contentLength],
      text: text.slice(0, -2),
      fieldsAt: text.indexOf('Host'),
      host: 'h:1',
      bodyBytes: 12,
      keepAlive: true,
      upgrade: null,
      expectsContinue: false,
    });
  });

  it('with the body as its framing says', () => {
    assert.equal(read(get()).bodyBytes, 0);
    assert.equal(read(post('content-LENGTH: 007')).bodyBytes, 7);
    assert.equal(read(post('Transfer-Encoding: CHUNKED')).bodyBytes, null);
  });

  it('with what it says of its connection', () => {
    assert.equal(read(get()).keepAlive, true);
    assert.equal(read(get('Connection: x, Close')).keepAlive, false);
    assert.equal(read(get('Connection: x', 'Connection: close')).keepAlive, false);
    assert.equal(read(headOf('GET / HTTP/1.0')).keepAlive, false);
    assert.equal(read(headOf('GET / HTTP/1.0', 'Connection: keep-alive')).keepAlive, false);
  });

  it('with the protocol it wants to change to, where that is possible', () => {
    assert.equal(read(get('Connection: keep-alive, Upgrade', 'Upgrade: websocket')).upgrade, 'websocket');
    assert.equal(read(get('Upgrade: websocket')).upgrade, null);
    assert.equal(read(get('Connection: upgrade')).upgrade, null);
    assert.equal(read(get('Connection: upgrade', 'Upgrade: h2c')).upgrade, null);
    assert.equal(read(post('Connection: upgrade', 'Upgrade: a', 'Content-Length: 1')).upgrade, null);
    assert.equal(read(headOf('GET / HTTP/1.0', 'Connection: upgrade', 'Upgrade: a')).upgrade, null);
  });

  it('with what it expects', () => {
    assert.equal(read(post('Expect: 100-Continue', 'Content-Length: 1')).expectsContinue, true);
    assert.equal(read(post('Expect: a-miracle', 'Content-Length: 1')).expectsContinue, false);
    assert.equal(read(headOf('POST / HTTP/1.0', 'Expect: 100-continue')).expectsContinue, false);
  });

  it('in each form that a target may have', () => {
    for (const target of ['/', '//x', '/%', '*', 'http://h/x', 'HTTPS://h:1', 'http://[::1]:80?x']) {
      assert.equal(read(headOf(`OPTIONS ${target} HTTP/1.1`, 'Host: h')).target, target);
    }
  });

  it('at any place of its connection, up to its own end', () => {
    const bytes = Buffer.from(`left over${get()}GET /next`, 'latin1');
    const end = headEnd(bytes, 9, 0, LIMIT);
    assert.equal(bytes.toString('latin1', end), 'GET /next');
    assert.deepEqual(parseRequest(bytes, 9, end).fields, ['Host', 'h']);
  });
});

/** Beside what is here, test/gateway/smuggling.test.ts sends each of its requests over a socket. */
const REFUSED: readonly (readonly [what: string, text: string])[] = [
  ['nothing before the empty line', '\r\n\r\n'],
  ['an empty line first', `\r\n${get()}`],
  ['no method', headOf(' / HTTP/1.1', 'Host: h')],
  ['a method in lower case', headOf('get / HTTP/1.1', 'Host: h')],
  ['a method that is too long', headOf(`${'A'.repeat(33)} / HTTP/1.1`, 'Host: h')],
  ['no target', headOf('GET  HTTP/1.1', 'Host: h')],
  ['no target and no version', headOf('GET /', 'Host: h')],
  ['a tab before the target', headOf('GET\t/ HTTP/1.1', 'Host: h')],
  ['two spaces before the version', headOf('GET /  HTTP/1.1', 'Host: h')],
  ['a space behind the version', headOf('GET / HTTP/1.1 ', 'Host: h')],
  ['a target that is neither path nor address', headOf('GET x HTTP/1.1', 'Host: h')],
  ['an address of another kind', headOf('GET ftp://h/ HTTP/1.1', 'Host: h')],
  ['an address without a host', headOf('GET http:///x HTTP/1.1', 'Host: h')],
  ['an address whose host is none', headOf('GET http://|/x HTTP/1.1', 'Host: h')],
  ['an address with a user', headOf('GET http://u@h/x HTTP/1.1', 'Host: h')],
  ['an authority without CONNECT', headOf('GET h:80 HTTP/1.1', 'Host: h')],
  ['a target beyond ASCII', headOf('GET /é HTTP/1.1', 'Host: h')],
  ['the preface of HTTP/2', headOf('PRI * HTTP/2.0') + 'SM\r\n\r\n'],
  ['a version in lower case', headOf('GET / http/1.1', 'Host: h')],
  ['HTTP/1.2', headOf('GET / HTTP/1.2', 'Host: h')],
  ['HTTP/1.10', headOf('GET / HTTP/1.10', 'Host: h')],
  ['HTTP/0.9', headOf('GET / HTTP/0.9', 'Host: h')],
  ['a name with a colon only', get(':')],
  ['a name with a bracket', get('a(b: c')],
  ['a name beyond ASCII', get('é: c')],
  ['a DEL in a value', get('a: b\x7fc')],
  ['a value that ends with CR', get('a: b\r')],
  ['three Connection fields of which one has a NUL', get('Connection: a', 'Connection: \0')],
  ['a tab behind an encoding', post('Transfer-Encoding: chunked \t')],
  ['a length with a tab inside', post('Content-Length: 1\t1')],
  ['a length of 16 digits', post('Content-Length: 1000000000000000')],
  ['a length in full-width digits', post('Content-Length: \xb2')],
];

describe('a request head is refused', () => {
  for (const [what, text] of REFUSED) {
    it(what, () => {
      assert.throws(
        () => read(text),
        (error) => error instanceof ProtocolError && error.fault === 'malformed',
      );
    });
  }

  it('as soon as a line ends with CR or LF alone, or it grows too large', () => {
    const unfinished = (text: string): number => headEnd(Buffer.from(text), 0, 0, 64);
    assert.equal(unfinished('GET / HTTP/1.1\r\nHost: h\r'), -1);
    assert.throws(() => unfinished('GET / HTTP/1.1\nHo'), { fault: 'malformed' });
    assert.throws(() => unfinished('\n'), { fault: 'malformed' });
    assert.throws(() => unfinished('GET / HTTP/1.1\rHo'), { fault: 'malformed' });
    assert.throws(() => unfinished('x'.repeat(65)), { fault: 'headTooLarge' });
    assert.throws(() => unfinished(`GET / HTTP/1.1\r\nX: ${'x'.repeat(65)}\r\n\r\n`), {
      fault: 'headTooLarge',
    });
  });
});

it('what is no request is known by its first bytes', () => {
  const open = (text: string): void => checkOpening(Buffer.from(text, 'latin1'), 0);
  for (const text of ['', 'G', 'GET', 'GET ', 'GET /', 'M-SEARCH *', 'A'.repeat(32)]) open(text);
  for (const text of ['\x16\x03\x01', ' GET', 'get', 'G@T', 'GET\t', '\r\nGET', 'A'.repeat(33)]) {
    assert.throws(() => {
      open(text);
    }, /does not begin with a method/);
  }
});

describe('in whatever pieces its bytes come', () => {
  it('the end of a head is where it is in one piece', () => {
    const text = fc.string({
      unit: fc.constantFrom('\r', '\n', 'a', ':', '\r\n', '\r\n\r\n'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(text, fc.array(fc.nat(14)), (text, cuts) => {
        const bytes = Buffer.from(`GET / HTTP/1.1\r\n${text}`);
        assert.deepEqual(endInPieces(bytes, [...cuts, bytes.length]), endInPieces(bytes, [bytes.length]));
      }),
    );
  });
});

/** The end that is found, or that it is refused; a refusal may come before all bytes are there. */
function endInPieces(bytes: Buffer, cuts: readonly number[]): number | 'refused' {
  let scanned = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    try {
      const end = headEnd(bytes.subarray(0, cut), 0, scanned, LIMIT);
      if (end !== -1) {
        parseRequest(bytes, 0, end);
        return end;
      }
    } catch (error) {
      assert.ok(error instanceof ProtocolError);
      return 'refused';
    }
    scanned = cut;
  }
  return -1;
}

it('what is written is what was read', () => {
  const token = fc.string({
    unit: fc.constantFrom(...Array.from("abcXYZ019!#$%&'*+-.^_`|~")),
    minLength: 1,
    maxLength: 20,
  });
  const value = fc
    .string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 40,
    })
    .map((text) =>
      text
        .replaceAll('\x7f', ' ')
        .trim()
        .replaceAll(/^\s+|\s+$/g, ''),
    )
    .filter((text) => !/[\x7f-\xa0]/.test(text));
  fc.assert(
    fc.property(fc.array(fc.tuple(token, value), { maxLength: 10 }), (pairs) => {
      const fields = pairs.flatMap(([name, text]) => [`x-${name}`, text]);
      const head = read(headText('GET / HTTP/1.1', ['Host', 'h', ...fields]));
      assert.deepEqual(head.fields, ['Host', 'h', ...fields]);
    }),
  );
});
