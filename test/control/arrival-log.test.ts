import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { AppError } from '../../src/base/errors.ts';
import type { EndpointId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { ArrivalLog, FLUSH_INTERVAL_MS, UNWRITTEN_BYTES_MAX } from '../../src/control/arrival-log.ts';
import { readArrivalChunk } from '../../src/model/arrival-chunk.ts';
import type { Arrival } from '../../src/model/arrival.ts';
import type { ArrivalChunk } from '../../src/ports/store.ts';

const E1 = 'e1' as EndpointId;
const E2 = 'e2' as EndpointId;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

class LogWorld {
  readonly clock = new ManualClock();
  readonly chunks = new Map<string, ArrivalChunk>();
  /** Before which time was deleted, and which endpoint was trimmed to how much. */
  readonly prunes: (number | readonly [EndpointId, number])[] = [];
  readonly warnings: string[] = [];
  readonly gone = new Set<EndpointId>();
  writes = 0;
  dropped = 0;
  /** What a write waits for. */
  disk: Promise<void> = Promise.resolve();
  fault: AppError | null = null;
  readonly log: ArrivalLog;

  constructor() {
    const silent = (): void => undefined;
    this.log = new ArrivalLog({
      clock: this.clock,
      random: seededRandom(3),
      store: {
        arrivalChunkPut: async (chunk) => {
          await this.disk;
          if (this.fault !== null) throw this.fault;
          if (this.gone.has(chunk.endpointId)) throw new AppError('STORE_CONFLICT', 'no such endpoint');
          this.writes += 1;
          this.chunks.set(chunk.id, chunk);
        },
        arrivalChunkDeleteBefore: async (beforeMs) => {
          this.prunes.push(beforeMs);
          await this.disk;
        },
        arrivalChunkTrim: async (...trim) => {
          this.prunes.push(trim);
          await this.disk;
        },
      },
      metrics: { arrivalsDropped: (count) => (this.dropped += count) },
      log: {
        debug: silent,
        info: silent,
        error: silent,
        warn: (message) => {
          this.warnings.push(message);
        },
      },
      keptMs: 30 * DAY_MS,
      bytesPerEndpoint: 1_000,
    });
  }

  record(endpointId: EndpointId, count = 1, runMs = 100): void {
    for (let index = 0; index < count; index += 1) {
      this.log.arrivalRecord(endpointId, {
        endedAtMs: this.clock.nowMs(),
        waitMs: 0,
        runMs,
        sizeClass: 0,
        outcome: 'answered',
      });
    }
  }

  async after(durationMs: number): Promise<void> {
    this.clock.advance(durationMs);
    await turn();
  }

  stored(endpointId: EndpointId): Arrival[] {
    return [...this.chunks.values()]
      .filter((chunk) => chunk.endpointId === endpointId)
      .flatMap((chunk) => [...readArrivalChunk(chunk.bytes)]);
  }
}

test('arrivals are written together after the interval, and grow one chunk', async () => {
  const world = new LogWorld();
  world.record(E1, 3);
  world.record(E2);
  await world.after(FLUSH_INTERVAL_MS - 1);
  assert.equal(world.writes, 0);
  await world.after(1);
  assert.equal(world.writes, 2);
  world.record(E1, 2);
  await world.after(FLUSH_INTERVAL_MS);
  assert.equal(world.chunks.size, 2, 'the open chunk was written again, not beside itself');
  assert.equal(world.stored(E1).length, 5);
  assert.equal(world.stored(E2).length, 1);
  await world.after(HOUR_MS);
  assert.equal(world.writes, 3, 'nothing new, nothing written');
});

test('many arrivals are written at once, in chunks of a bounded size, each of them once', async () => {
  const world = new LogWorld();
  world.record(E1, 100_000);
  await turn();
  assert.ok(world.writes > 0, 'before the interval');
  await world.log.close();
  assert.equal(world.stored(E1).length, 100_000);
  assert.ok(Math.max(...[...world.chunks.values()].map((chunk) => chunk.bytes.length)) < 4_200);
  assert.equal(world.dropped, 0);
});

test('a chunk spans a day at the most, so that its age can be told', async () => {
  const world = new LogWorld();
  world.record(E1);
  await world.after(DAY_MS - 1);
  world.record(E1);
  await world.after(1);
  world.record(E1);
  await world.log.flush();
  assert.deepEqual(
    [...world.chunks.values()].map((chunk) => chunk.count),
    [2, 1],
  );
});

test('a flush asked for while another runs writes what came meanwhile too', async () => {
  const world = new LogWorld();
  const disk = Promise.withResolvers<void>();
  world.disk = disk.promise;
  world.record(E1);
  const first = world.log.flush();
  world.record(E1);
  const second = world.log.flush();
  disk.resolve();
  await Promise.all([first, second]);
  assert.equal(world.stored(E1).length, 2);
});

test('a store that is stuck costs arrivals and no memory; what was kept is written when it goes on', async () => {
  const world = new LogWorld();
  const disk = Promise.withResolvers<void>();
  world.disk = disk.promise;
  world.record(E1, 700_000, 1_000_000);
  assert.ok(world.dropped > 0);
  disk.resolve();
  await world.log.close();
  assert.equal(world.stored(E1).length + world.dropped, 700_000);
  const bytes = [...world.chunks.values()].reduce((sum, chunk) => sum + chunk.bytes.length, 0);
  assert.ok(bytes < UNWRITTEN_BYTES_MAX * 1.1, `${bytes} bytes`);
  world.record(E1);
  assert.equal(world.stored(E1).length + world.dropped, 700_001, 'after the close it is dropped');
});

test('what the store refused is tried again, open chunks and full ones', async () => {
  const world = new LogWorld();
  world.fault = new AppError('STORE_FAILED', 'the disk is full');
  world.record(E1, 2_000);
  await world.after(FLUSH_INTERVAL_MS);
  assert.equal(world.writes, 0);
  assert.deepEqual(world.warnings, ['arrivals could not be written yet']);
  world.fault = null;
  world.record(E1, 5);
  await world.after(FLUSH_INTERVAL_MS);
  assert.equal(world.stored(E1).length, 2_005);
  assert.equal(world.dropped, 0);
});

test('arrivals of an endpoint that is gone are let go without a word', async () => {
  const world = new LogWorld();
  world.record(E1, 2);
  world.record(E2);
  world.gone.add(E1);
  world.log.forget(E1);
  // The last of its requests ends after that.
  world.record(E1);
  await world.after(FLUSH_INTERVAL_MS);
  await world.after(FLUSH_INTERVAL_MS);
  assert.equal(world.stored(E1).length, 0);
  assert.equal(world.stored(E2).length, 1);
  assert.deepEqual(world.warnings, []);
});

test('the bounds are held at the start, every hour, and sooner when much comes', async () => {
  const world = new LogWorld();
  const startMs = world.clock.nowMs();
  await turn();
  assert.deepEqual(world.prunes, [startMs - 30 * DAY_MS]);
  await world.after(2 * HOUR_MS);
  assert.deepEqual(world.prunes.slice(2), [startMs + 2 * HOUR_MS - 30 * DAY_MS]);
  world.record(E2);
  for (let round = 0; round < 40; round += 1) {
    world.record(E1, 60_000);
    await world.log.flush();
  }
  await turn();
  assert.deepEqual(
    world.prunes.slice(3),
    [startMs + 2 * HOUR_MS - 30 * DAY_MS, [E1, 1_000]],
    '9 MB of new chunks',
  );
  await world.log.close();
  assert.equal(world.clock.timerCount, 0);
});
