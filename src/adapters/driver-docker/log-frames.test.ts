import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LOG_START, LogFrames, nanoseconds, UnreadFrames, type LogFrame } from './log-frames.ts';

function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

test('times are read to the last digit, in any zone', () => {
  assert.equal(nanoseconds('1970-01-01T00:00:01.000000002Z'), 1_000_000_002n);
  assert.equal(nanoseconds('1970-01-01T01:00:01.5+01:00'), 1_500_000_000n);
  assert.equal(nanoseconds('1970-01-01T00:00:01Z'), 1_000_000_000n);
  for (const wrong of ['', 'now', '1970-01-01 00:00:01Z', '1970-13-01T00:00:01Z'])
    assert.equal(nanoseconds(wrong), null);
});

test('frames are the same however the stream is cut', () => {
  const lines = ['1970-01-01T00:00:01Z a\n', '1970-01-01T00:00:01.1Z \n', '1970-01-01T00:00:02Z é b\n'];
  const bytes = Buffer.concat(lines.map(frame));
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const frames = new LogFrames();
      const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
      const found = ends.flatMap((end, index) => frames.take(bytes.subarray(ends[index - 1] ?? 0, end)));
      assert.deepEqual(
        found.map(({ payload }) => payload.toString()),
        ['a\n', '\n', 'é b\n'],
      );
    }),
  );
});

test('what is no log stream is refused', () => {
  assert.throws(() => new LogFrames().take(Buffer.from('HTTP/1.1 400 Bad Request\r\n')), /is none/);
  assert.throws(() => new LogFrames().take(frame('without a time\n')), /without its time/);
});

/** A log of lines whose times are nearly in order, and where it is looked at. */
const LOG = fc.array(fc.record({ stepMs: fc.nat(1_500), early: fc.boolean() }), { maxLength: 60 });

test('copied piece by piece each line is there once, also of those that share a time or come late', () => {
  fc.assert(
    fc.property(LOG, fc.array(fc.nat(60), { maxLength: 6 }), (steps, looks) => {
      let atMs = 10_000;
      const log: LogFrame[] = steps.map(({ stepMs, early }, index) => {
        atMs += stepMs;
        // Two streams take their times before they wait for each other: one is a moment late.
        return { atNs: BigInt(atMs - (early ? 3 : 0)) * 1_000_000n, payload: Buffer.from([index]) };
      });
      let position = LOG_START;
      const copied: number[] = [];
      for (const end of [...looks.toSorted((a, b) => a - b), log.length]) {
        const unread = new UnreadFrames(position);
        for (const each of log.slice(0, end)) {
          if (each.atNs / 1_000_000_000n < position.sinceSecond) continue;
          if (unread.isUnread(each)) copied.push(each.payload[0] ?? -1);
        }
        position = unread.position;
      }
      assert.deepEqual(
        copied,
        log.map((_, index) => index),
      );
    }),
  );
});
