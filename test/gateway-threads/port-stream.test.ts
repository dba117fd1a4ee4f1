import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { PortStream } from '../../src/main/gateways/port-stream.ts';

function pair(beforeWrite: (() => Promise<void>) | null = null): [PortStream, PortStream] {
  const { port1, port2 } = new MessageChannel();
  return [new PortStream(port1, beforeWrite), new PortStream(port2)];
}

async function readAll(stream: PortStream): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

test('what was written is read in order, and to its end when the other side is closed behind it', async () => {
  const [ours, theirs] = pair();
  for (let count = 0; count < 50; count += 1) ours.write(`${count} `);
  ours.destroySoon();
  const text = await readAll(theirs);
  assert.equal(text, Array.from({ length: 50 }, (_, count) => `${count} `).join(''));
  theirs.destroy();
});

test('a reader that stands still holds its writer back', async () => {
  const [ours, theirs] = pair();
  let taken = 0;
  const piece = Buffer.alloc(64_000);
  for (let count = 0; count < 10; count += 1) ours.write(piece, () => (taken += 1));
  for (let turns = 0; turns < 100; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(taken <= 1, `${taken} pieces went to nobody`);
  theirs.resume();
  ours.end();
  await once(theirs, 'end');
  assert.equal(taken, 10);
  theirs.destroy();
});

test('a side that breaks takes the other with it', async () => {
  const [ours, theirs] = pair();
  ours.write('half');
  ours.destroy();
  await once(theirs, 'close');
  assert.equal(theirs.readableEnded, false);
});

test('each piece waits for what it is to wait for', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const [ours, theirs] = pair(() => promise);
  ours.end('held');
  for (let turns = 0; turns < 50; turns += 1) await new Promise((next) => setImmediate(next));
  assert.equal(theirs.read(), null);
  resolve();
  assert.equal(await readAll(theirs), 'held');
  theirs.destroy();
  ours.destroy();
});
