import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ARRIVAL_OUTCOMES, sizeClassOf, type Arrival } from './arrival.ts';
import { ArrivalChunkWriter, readArrivalChunk } from './arrival-chunk.ts';

const START_MS = 1_700_000_000_000;

const arrivals = fc.array(
  fc.record({
    gapMs: fc.oneof(fc.nat(50), fc.nat(86_400_000)),
    waitMs: fc.oneof(fc.constant(0), fc.nat(1_800_000)),
    runMs: fc.nat(2 ** 31 - 1),
    sizeClass: fc.nat(31),
    outcome: fc.constantFrom(...ARRIVAL_OUTCOMES),
  }),
  { maxLength: 200 },
);

function written(list: readonly Arrival[]): ArrivalChunkWriter {
  const writer = new ArrivalChunkWriter();
  for (const arrival of list) writer.add(arrival);
  return writer;
}

test('what is written is read again, whatever it is', () => {
  fc.assert(
    fc.property(arrivals, (rows) => {
      let endedAtMs = START_MS;
      const list = rows.map(({ gapMs, ...rest }) => ({ ...rest, endedAtMs: (endedAtMs += gapMs) }));
      const writer = written(list);
      assert.equal(writer.count, list.length);
      assert.equal(writer.firstEndMs, list[0]?.endedAtMs ?? 0);
      assert.equal(writer.lastEndMs, list.at(-1)?.endedAtMs ?? 0);
      assert.equal(writer.bytes().length, writer.sizeBytes);
      if (list.length > 0) assert.deepEqual([...readArrivalChunk(writer.bytes())], list);
    }),
  );
});

test('what was given out does not change when more is added', () => {
  const arrival: Arrival = {
    endedAtMs: START_MS,
    waitMs: 3,
    runMs: 200,
    sizeClass: 7,
    outcome: 'answered',
  };
  const writer = written([arrival]);
  const before = writer.bytes();
  for (let index = 0; index < 100; index += 1) writer.add(arrival);
  assert.deepEqual([...readArrivalChunk(before)], [arrival]);
  assert.equal([...readArrivalChunk(writer.bytes())].length, 101);
});

test('a writer that was cleared writes as a new one, and what it gave out before stays', () => {
  const one: Arrival = { endedAtMs: START_MS, waitMs: 3, runMs: 200, sizeClass: 7, outcome: 'answered' };
  const other: Arrival = { ...one, endedAtMs: START_MS + 90_000, outcome: 'broke' };
  const writer = written([one, one]);
  const before = writer.bytes();
  writer.clear();
  assert.deepEqual([writer.count, writer.sizeBytes, writer.firstEndMs, writer.lastEndMs], [0, 0, 0, 0]);
  writer.add(other);
  assert.deepEqual(writer.bytes(), written([other]).bytes());
  assert.deepEqual([...readArrivalChunk(before)], [one, one]);
});

test('an end before the last one, a fraction and an endless run are kept as what can be kept', () => {
  const base = { waitMs: 0.4, runMs: 1.6, sizeClass: 0, outcome: 'broke' } as const;
  const writer = written([
    { ...base, endedAtMs: START_MS + 10 },
    { ...base, endedAtMs: START_MS, runMs: Infinity, waitMs: -5 },
  ]);
  assert.deepEqual(
    [...readArrivalChunk(writer.bytes())],
    [
      { ...base, endedAtMs: START_MS + 10, waitMs: 0, runMs: 2 },
      { ...base, endedAtMs: START_MS + 10, waitMs: 0, runMs: 2 ** 31 - 1 },
    ],
  );
});

test('a chunk that is cut, of another version or no chunk at all is refused', () => {
  const whole = written([
    { endedAtMs: START_MS, waitMs: 0, runMs: 500, sizeClass: 1, outcome: 'answered' },
  ]).bytes();
  for (const bytes of [
    new Uint8Array(0),
    whole.subarray(0, 4),
    whole.subarray(0, whole.length - 1),
    Uint8Array.from([2, ...whole.subarray(1)]),
    new Uint8Array(40).fill(255),
  ]) {
    assert.throws(() => [...readArrivalChunk(bytes)], RangeError);
  }
});

test('a request of a model server takes at most seven bytes', () => {
  const writer = new ArrivalChunkWriter();
  for (let index = 0; index < 1_000; index += 1) {
    writer.add({
      endedAtMs: START_MS + index * 400,
      waitMs: index % 10 === 0 ? 900 : 0,
      runMs: 2_500,
      sizeClass: 11,
      outcome: 'answered',
    });
  }
  assert.ok(writer.sizeBytes / 1_000 <= 7, `${writer.sizeBytes / 1_000} bytes a request`);
});

test('size classes are powers of two', () => {
  const cases = [
    [0, 0],
    [-1, 0],
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [1_023, 10],
    [1_024, 11],
    [2 ** 30, 31],
    [2 ** 40, 31],
  ] as const;
  for (const [bytes, expected] of cases) assert.equal(sizeClassOf(bytes), expected, String(bytes));
});
