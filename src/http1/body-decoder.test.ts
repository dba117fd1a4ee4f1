import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BodyDecoder } from './body-decoder.ts';
import { CHUNK_END, chunkStart, lastChunk } from './writer.ts';

const LIMITS = { lineBytes: 32, extensionBytes: 40, trailerBytes: 64 };

interface Read {
  readonly body: string;
  readonly done: boolean;
  readonly trailers: readonly string[];
  /** What was left behind the body. */
  readonly rest: string;
}

/** Reads `pieces` one after the other. */
function readPieces(bytes: number | null, pieces: readonly string[]): Read {
  const decoder = new BodyDecoder(bytes, LIMITS);
  let body = '';
  let rest = '';
  for (const piece of pieces) {
    const buffer = Buffer.from(piece, 'latin1');
    const end = decoder.decode(buffer, 0, (part) => {
      assert.ok(part.length > 0, 'no empty pieces: they would end a body in chunks');
      body += part.toString('latin1');
    });
    rest += buffer.toString('latin1', end);
  }
  return { body, done: decoder.done, trailers: decoder.trailers, rest };
}

const whole = (bytes: number | null, text: string): Read => readPieces(bytes, [text]);
/** Byte by byte: every state is left and entered again between two bytes. */
const drip = (bytes: number | null, text: string): Read => readPieces(bytes, text.split(''));

const READ: readonly (readonly [what: string, bytes: number | null, text: string, read: Partial<Read>])[] = [
  ['nothing', 0, 'next', { body: '', done: true, rest: 'next' }],
  ['a length', 3, 'abcnext', { body: 'abc', done: true, rest: 'next' }],
  ['a part of a length', 3, 'ab', { body: 'ab', done: false, rest: '' }],
  ['all there is', Infinity, 'abc\r\n0\r\n\r\n', { body: 'abc\r\n0\r\n\r\n', done: false, rest: '' }],
  ['chunks', null, '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nnext', { body: 'abcde', done: true, rest: 'next' }],
  ['no chunk but the last', null, '0\r\n\r\nnext', { body: '', done: true, rest: 'next' }],
  [
    'sizes in both cases, with zeros before',
    null,
    '00a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n',
    { done: true },
  ],
  ['extensions', null, '3;a;b="c d"\r\nabc\r\n0;z\r\n\r\n', { body: 'abc', done: true }],
  [
    'trailers',
    null,
    '0\r\nX-A: 1\r\nx-b:\t2 \r\n\r\nnext',
    { done: true, trailers: ['X-A', '1', 'x-b', '2'], rest: 'next' },
  ],
  ['chunks without an end', null, '3\r\nabc\r\n', { body: 'abc', done: false }],
  ['a last chunk without its empty line', null, '0\r\n', { done: false }],
];

describe('a body is read', () => {
  for (const [what, bytes, text, expected] of READ) {
    it(what, () => {
      for (const read of [whole(bytes, text), drip(bytes, text)])
        assert.deepEqual({ ...read, ...expected }, read);
    });
  }

  it('up to the end of its connection, when that is how it ends', () => {
    const decoder = new BodyDecoder(Infinity);
    decoder.decode(Buffer.from('abc'), 0, () => undefined);
    assert.equal(decoder.endOfConnection(), true);
    assert.equal(decoder.done, true);
    for (const bytes of [3, null]) assert.equal(new BodyDecoder(bytes).endOfConnection(), false);
  });
});

const REFUSED: readonly (readonly [what: string, text: string, fault?: string])[] = [
  ['no size', '\r\nabc\r\n'],
  ['an extension without a size', ';a\r\nabc\r\n'],
  ['a size that is no number', 'zz\r\n'],
  ['a sign', '+3\r\nabc\r\n'],
  ['a prefix', '0x3\r\nabc\r\n'],
  ['a space before the size', ' 3\r\nabc\r\n'],
  ['a space behind the size', '3 \r\nabc\r\n'],
  ['a space before the extension', '3 ;a\r\nabc\r\n'],
  ['a size line that ends with LF', '3\nabc\r\n'],
  ['a size line that ends with CR', '3\rabc\r\n'],
  ['an extension without a name', '3;=b\r\nabc\r\n'],
  ['an extension with a space', '3; a\r\nabc\r\n'],
  ['an extension with an open quote', '3;a="b\r\nabc\r\n'],
  ['an extension with CR', '3;a\rb\r\nabc\r\n'],
  ['an extension with LF', '3;a\nb\r\nabc\r\n'],
  ['an extension with NUL', '3;a\0\r\nabc\r\n'],
  ['a size that cannot be counted', 'ffffffffffffff\r\n'],
  ['a size that is beyond all numbers', `${'f'.repeat(30)}\r\n`],
  ['a size line without an end', '0'.repeat(40)],
  ['an extension without an end', `1;${'a'.repeat(40)}`],
  ['a chunk that is longer than its size', '2\r\nabc\r\n'],
  ['a chunk without a line end', '3\r\nabc0\r\n'],
  ['a chunk that ends with LF', '3\r\nabc\n0\r\n'],
  ['a chunk that ends with CR twice', '3\r\nabc\r\r0\r\n'],
  ['a last chunk that goes on with LF', '0\r\n\n'],
  ['a last chunk that goes on with CR', '0\r\n\rx'],
  ['a trailer that ends with LF', '0\r\na: b\n\r\n'],
  ['a folded trailer', '0\r\na: b\r\n c\r\n\r\n'],
  ['a trailer without a colon', '0\r\nabc\r\n\r\n'],
  ['a length among the trailers', '0\r\ncontent-Length: 3\r\n\r\n'],
  ['an encoding among the trailers', '0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['many extensions', '1;aaaaaaaaaaaaaaaaaaaa\r\na\r\n'.repeat(2), 'bodyTooLarge'],
  ['many trailers', `0\r\n${'a: b\r\n'.repeat(20)}\r\n`, 'bodyTooLarge'],
  ['trailers without an end', `0\r\n${'a: b\r\n'.repeat(20)}`, 'bodyTooLarge'],
];

describe('a body is refused, in one piece and byte by byte', () => {
  for (const [what, text, fault = 'malformed'] of REFUSED) {
    it(what, () => {
      assert.throws(() => whole(null, text), { name: 'ProtocolError', fault });
      assert.throws(() => drip(null, text), { name: 'ProtocolError', fault });
    });
  }
});

it('chunks that were written are read as they were, wherever they are cut', () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(200)), fc.boolean(), (pieces, cuts, withTrailer) => {
      const trailers = withTrailer ? ['x-sum', '1'] : [];
      const texts = pieces.map((piece) => Buffer.from(piece).toString('latin1'));
      const sent =
        texts.map((text) => `${chunkStart(text.length)}${text}${CHUNK_END}`).join('') + lastChunk(trailers);
      const all = `${sent}next`;
      const places = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
      const parts = places.slice(1).map((end, index) => all.slice(places[index], end));
      assert.deepEqual(readPieces(null, parts), { body: texts.join(''), done: true, trailers, rest: 'next' });
    }),
  );
});

it('nothing is kept of a body but an unfinished line', () => {
  const decoder = new BodyDecoder(null);
  const large = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1_048_576), Buffer.from('\r\n0')]);
  const pieces: Buffer[] = [];
  assert.equal(
    decoder.decode(large, 0, (piece) => pieces.push(piece)),
    large.length,
  );
  assert.equal(pieces.length, 1);
  assert.equal(pieces[0]?.buffer, large.buffer, 'a slice, no copy');
});
