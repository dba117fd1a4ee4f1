import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrivalChunkWriter } from '../../src/model/arrival-chunk.ts';
import type { Arrival } from '../../src/model/arrival.ts';
import { recordedRequests } from '../../src/simulate/what-if/recorded-requests.ts';

const START_MS = 1_700_000_000_000;

function chunk(...arrivals: readonly Partial<Arrival>[]): Uint8Array {
  const writer = new ArrivalChunkWriter();
  for (const arrival of arrivals) {
    writer.add({
      endedAtMs: START_MS,
      waitMs: 0,
      runMs: 0,
      sizeClass: 0,
      outcome: 'answered',
      ...arrival,
    });
  }
  return writer.bytes();
}

function everything(...chunks: readonly Uint8Array[]) {
  return recordedRequests(chunks, 0, Infinity);
}

test('requests are put in the order of their arrival, over all chunks', () => {
  // The first to end arrived last.
  const list = everything(
    chunk({ endedAtMs: START_MS + 900, waitMs: 0, runMs: 100 }, { endedAtMs: START_MS + 1_000, runMs: 950 }),
    chunk({ endedAtMs: START_MS + 2_000, waitMs: 1_500, runMs: 500 }),
  );
  assert.deepEqual(
    [...list.arrivalMs].map((arrivalMs) => arrivalMs - START_MS),
    [0, 50, 800],
  );
  assert.deepEqual([...list.serviceMs], [500, 950, 100]);
  assert.equal(list.assumedRuns, 0);
});

test('only those that arrived in the span count, both ends included', () => {
  const bytes = chunk(
    { endedAtMs: START_MS + 100, runMs: 100 },
    { endedAtMs: START_MS + 200, runMs: 100 },
    { endedAtMs: START_MS + 300, runMs: 100 },
    { endedAtMs: START_MS + 5_000, runMs: 4_900 },
  );
  const list = recordedRequests([bytes], START_MS + 100, START_MS + 200);
  assert.deepEqual(
    [...list.arrivalMs].map((arrivalMs) => arrivalMs - START_MS),
    [100, 100, 200],
  );
});

test('a request that never ran is taken to run as long as others of its size, or as others', () => {
  const ran = [200, 300, 400].map((runMs) => ({ runMs, sizeClass: 4 }));
  const list = everything(
    chunk(
      ...ran,
      { runMs: 10_000, sizeClass: 9 },
      { runMs: 10_000, sizeClass: 9 },
      { waitMs: 60_000, sizeClass: 4, outcome: 'timedOutWaiting' },
      { sizeClass: 4, outcome: 'refused' },
      { waitMs: 5, sizeClass: 20, outcome: 'clientGone' },
      { runMs: 7, outcome: 'clientGone' },
      { sizeClass: 4, outcome: 'rejected' },
    ),
  );
  assert.equal(list.assumedRuns, 3);
  assert.equal(list.serviceMs.length, 9, 'the rejected one asked for no worker');
  const assumed = [...list.serviceMs].filter((serviceMs) => ![200, 300, 400, 10_000, 7].includes(serviceMs));
  assert.equal(assumed.length, 3);
  for (const serviceMs of assumed) assert.ok(Math.abs(serviceMs - 300) < 10, String(serviceMs));
});

test('what really happened is told beside it', () => {
  const { recorded } = everything(
    chunk(
      { waitMs: 100, runMs: 50 },
      { waitMs: 300, runMs: 50, outcome: 'failed' },
      { waitMs: 60_000, outcome: 'timedOutWaiting' },
      { waitMs: 10, runMs: 50_000, outcome: 'timedOutRunning' },
      { outcome: 'refused' },
      { outcome: 'refused' },
      { waitMs: 1, runMs: 1, outcome: 'broke' },
    ),
  );
  assert.deepEqual(
    { served: recorded?.served, timedOut: recorded?.timedOut, refused: recorded?.refused },
    { served: 2, timedOut: 2, refused: 2 },
  );
  assert.equal(recorded?.waits.maxMs, 60_000);
  assert.ok(Math.abs((recorded?.waits.p50Ms ?? 0) - 100) < 3);
});

test('requests of which none ever ran say nothing', () => {
  assert.throws(() => everything(chunk({ outcome: 'refused' }, { outcome: 'timedOutWaiting' })), {
    code: 'NO_ARRIVALS',
    message: /2 requests were recorded, but none of them ever ran/,
  });
  assert.equal(everything().arrivalMs.length, 0);
});
