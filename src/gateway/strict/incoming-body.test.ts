import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IncomingBody } from './incoming-body.ts';

test('a body in the smallest chunks is held in few pieces, and none of it is lost', () => {
  const body = new IncomingBody(null);
  const chunks = Buffer.from('1\r\na\r\n1\r\nb\r\n'.repeat(5_000));
  // Read in pieces that begin and end anywhere.
  for (let at = 0; at < chunks.length; at += 1_001) body.take(chunks.subarray(at, at + 1_001), 0);
  body.take(Buffer.from('0\r\n\r\n'), 0);
  let text = '';
  let pieces = 0;
  let ended = 0;
  body.attach({
    piece: (bytes) => {
      text += bytes.toString();
      pieces += 1;
    },
    end: () => (ended += 1),
    flush: () => undefined,
  });
  assert.equal(text, 'ab'.repeat(5_000));
  assert.equal(ended, 1);
  assert.ok(pieces <= 16, `${pieces} pieces`);
});
