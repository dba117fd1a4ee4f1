import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ParsedAnswer } from './answer-head.ts';
import { AnswerReader } from './answer-reader.ts';
import { FIELD } from './field-kind.ts';

interface Read {
  readonly heads: readonly Omit<ParsedAnswer, 'body'>[];
  readonly body: string;
  readonly trailers: readonly string[] | null;
  readonly ended: boolean;
  readonly rest: string;
}

/** Reads the pieces; `closed` tells the reader that the connection ended behind them. */
function readPieces(pieces: readonly string[], method = 'GET', closed = false): Read {
  const heads: Omit<ParsedAnswer, 'body'>[] = [];
  let body = '';
  let trailers: readonly string[] | null = null;
  const reader = new AnswerReader(method, 200, {
    onHead: ({ body: _body, ...head }) => {
      heads.push(head);
    },
    onPiece: (piece) => {
      body += piece.toString('latin1');
    },
    onComplete: (given) => {
      assert.equal(trailers, null, 'an answer ends once');
      trailers = given;
    },
  });
  let rest = '';
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, 'latin1');
    rest += bytes.toString('latin1', reader.read(bytes));
  }
  if (closed) assert.equal(reader.endOfConnection(), reader.ended);
  return { heads, body, trailers, ended: reader.ended, rest };
}

const ok = (...lines: string[]): string => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`;
const status = (code: number, ...lines: string[]): string => ok(...lines).replace('200', String(code));

describe('an answer is read', () => {
  const cases: readonly (readonly [
    what: string,
    text: string,
    body: string,
    ended: boolean,
    rest: string,
  ])[] = [
    ['with a length', `${ok('Content-Length: 3')}abcnext`, 'abc', true, 'next'],
    ['with a length of nothing', `${ok('Content-Length: 0')}next`, '', true, 'next'],
    ['in chunks', `${ok('Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\nnext`, 'abc', true, 'next'],
    ['up to the close', `${ok()}abcnext`, 'abcnext', false, ''],
    [
      'behind interim ones',
      `${status(103, 'Link: x')}${status(100)}${ok('Content-Length: 1')}a`,
      'a',
      true,
      '',
    ],
    ['204 without a body, whatever it says', `${status(204, 'Content-Length: 3')}abc`, '', true, 'abc'],
    ['304 without a body', status(304, 'Content-Length: 3'), '', true, ''],
    ['101, and what follows is no HTTP', `${status(101, 'Upgrade: x')}hello`, '', true, 'hello'],
    ['without a reason', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', '', true, ''],
    ['with an empty reason', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', '', true, ''],
  ];
  for (const [what, text, body, ended, rest] of cases) {
    it(what, () => {
      for (const pieces of [[text], text.split('')]) {
        const read = readPieces(pieces);
        assert.deepEqual([read.body, read.ended, read.rest], [body, ended, rest]);
        assert.equal(read.heads.length, 1);
      }
    });
  }

  it('to HEAD without a body, whatever it says', () => {
    for (const line of ['Content-Length: 3', 'Transfer-Encoding: chunked', 'X: y']) {
      assert.equal(readPieces([ok(line)], 'HEAD').ended, true);
    }
  });

  it('with its status, reason, fields and trailers', () => {
    const text = `HTTP/1.0 404 Not  Here\r\nX-A: 1\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n`;
    assert.deepEqual(readPieces([text]).heads, [
      {
        status: 404,
        reason: 'Not  Here',
        fields: ['X-A', '1', 'Connection', 'keep-alive', 'Content-Length', '0'],
        kinds: [FIELD.other, FIELD.connection, FIELD.contentLength],
        text: text.slice(0, -2),
        fieldsAt: text.indexOf('X-A'),
        keepAlive: true,
      },
    ]);
    const chunked = `${ok('Transfer-Encoding: chunked')}0\r\nx-sum: 42\r\n\r\n`;
    assert.deepEqual(readPieces([chunked]).trailers, ['x-sum', '42']);
  });

  it('with what it says of its connection', () => {
    const keepAlive = (text: string): boolean | undefined => readPieces([text]).heads[0]?.keepAlive;
    assert.equal(keepAlive(ok('Content-Length: 0')), true);
    assert.equal(keepAlive(ok('Content-Length: 0', 'Connection: Close')), false);
    assert.equal(keepAlive(ok()), false, 'its end is the close');
    assert.equal(keepAlive('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'), false);
  });
});

describe('the end of the connection', () => {
  it('completes an answer that says nothing of its length', () => {
    assert.equal(readPieces([`${ok()}abc`], 'GET', true).ended, true);
  });
  for (const [what, text] of [
    ['a length', `${ok('Content-Length: 3')}ab`],
    ['chunks', `${ok('Transfer-Encoding: chunked')}3\r\nabc\r\n`],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['an interim answer', status(100)],
    ['nothing', ''],
  ] as const) {
    it(`breaks ${what} off`, () => {
      assert.equal(readPieces([text], 'GET', true).ended, false);
    });
  }
});

describe('an answer is refused', () => {
  const refused: readonly (readonly [what: string, text: string, fault?: string])[] = [
    ['of another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['of another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['without a version', 'ICY 200 OK\r\n\r\n'],
    ['with two digits of a status', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['with four digits of a status', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['with a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['with two spaces before the status', 'HTTP/1.1  200 OK\r\n\r\n'],
    ['with a control character in its reason', 'HTTP/1.1 200 O\x01K\r\n\r\n'],
    ['with both lengths', ok('Content-Length: 3', 'Transfer-Encoding: chunked')],
    ['with two lengths', ok('Content-Length: 3', 'Content-Length: 3')],
    ['with a list of lengths', ok('Content-Length: 3, 3')],
    ['with another encoding', ok('Transfer-Encoding: gzip, chunked')],
    ['with two encodings', ok('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
    ['in chunks, of HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['with an interim one that ends the connection', status(100, 'Connection: close') + ok()],
    ['with a folded line', ok('X: a', ' b')],
    ['with a bare line feed', 'HTTP/1.1 200 OK\nX'],
    ['with a NUL', ok('X: a\0')],
    ['with a bad chunk', `${ok('Transfer-Encoding: chunked')}x`],
    ['with a head that is too large', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(200)}`, 'headTooLarge'],
    ['with interim ones without end', status(100).repeat(40), 'headTooLarge'],
  ];
  for (const [what, text, fault = 'malformed'] of refused) {
    it(what, () => {
      assert.throws(() => readPieces([text]), { name: 'ProtocolError', fault });
    });
  }
});

it('the pieces in which the bytes come change nothing', () => {
  const part = fc.constantFrom(
    status(100),
    ok('Content-Length: 4'),
    ok('Transfer-Encoding: chunked'),
    '2\r\nab\r\n',
    '0\r\n\r\n',
    'abcd',
    '\r\n',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), fc.array(fc.nat(150)), (parts, cuts) => {
      const text = parts.join('');
      const places = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
      const pieces = places.slice(1).map((end, index) => text.slice(places[index], end));
      const attempt = (given: readonly string[]): Read | 'refused' => {
        try {
          return readPieces(given, 'GET', true);
        } catch {
          return 'refused';
        }
      };
      assert.deepEqual(attempt(pieces), attempt([text]));
    }),
  );
});
