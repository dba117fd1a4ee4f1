import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventRing } from '../../src/gateway/threads/event-ring.ts';
import { onShared } from '../../src/main/gateways/shared-wait.ts';

/** More than it holds. */
const MANY = 40_000;

test('a turn that tells more than a ring holds has it read meanwhile', () => {
  const memory = EventRing.memory();
  const reader = new EventRing(memory);
  const told: number[] = [];
  const read = (): void => reader.read((records, at) => told.push(records[at + 1] as number));
  const writer = new EventRing(memory, read);
  for (let index = 0; index < MANY; index += 1) writer.write(1, index);
  read();
  assert.equal(told.length, MANY);
  assert.ok(told.every((index, place) => index === place));
});

test('a writer that goes on does not hold its reader', () => {
  const memory = EventRing.memory();
  const [reader, writer] = [new EventRing(memory), new EventRing(memory)];
  writer.write(1);
  let read = 0;
  reader.read(() => {
    read += 1;
    writer.write(1);
  });
  assert.equal(read, 1);
});

test('a record is handed over once, also to one that fails at it or reads on from there', () => {
  const memory = EventRing.memory();
  const [reader, writer] = [new EventRing(memory), new EventRing(memory)];
  const told: number[] = [];
  for (const kind of [1, 2, 3, 4]) writer.write(kind);
  assert.throws(() =>
    reader.read((records, at) => {
      told.push(records[at] as number);
      throw new Error('it cannot');
    }),
  );
  reader.read((records, at) => {
    told.push(records[at] as number);
    reader.read((others, other) => told.push(others[other] as number));
  });
  assert.deepEqual(told, [1, 2, 3, 4]);
});

test('a word that others set all the time leaves its thread time for all else', async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  Atomics.store(words, 0, 1);
  const ended = new AbortController();
  setImmediate(() => ended.abort());
  await onShared(words, 0, ended.signal, () => undefined);
  assert.ok(ended.signal.aborted);
});
