import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { newId, type ArrivalChunkId, type EndpointId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import { HOUR_MS, KIB, MIB, SECOND_MS } from '../base/units.ts';
import { ArrivalChunkWriter } from '../model/arrival-chunk.ts';
import type { Arrival } from '../model/arrival.ts';
import type { ArrivalRecorder } from '../ports/arrivals.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { ArrivalChunk, Store } from '../ports/store.ts';

/** What a crash can lose. */
export const FLUSH_INTERVAL_MS = 5 * SECOND_MS;
/** So much unwritten is written at once, without waiting for the interval. */
const FLUSH_BYTES = 256 * KIB;
/** What may be unwritten, of all endpoints together; what comes on top of it is dropped and counted. */
export const UNWRITTEN_BYTES_MAX = 4 * MIB;
/** About 700 requests. The open chunk is written again with each flush, so it is kept small. */
const CHUNK_BYTES = 4 * KIB;
/** A chunk is deleted whole, once its last arrival is too old. */
const CHUNK_SPAN_MS = 24 * HOUR_MS;
/** Chunks in one group of writes; other writes to the store wait behind it. */
const WRITES_AT_ONCE = 100;
const PRUNE_INTERVAL_MS = HOUR_MS;
/** So many bytes of new chunks are pruned for at once: a busy endpoint passes its bound in minutes. */
const PRUNE_BYTES = 8 * MIB;

export interface ArrivalLogParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Pick<Store, 'arrivalChunkPut' | 'arrivalChunkDeleteBefore' | 'arrivalChunkTrim'>;
  readonly metrics: Pick<Metrics, 'arrivalsDropped'>;
  readonly log: Log;
  /** How long arrivals are kept. */
  readonly keptMs: number;
  /** How many bytes of them are kept of one endpoint. */
  readonly bytesPerEndpoint: number;
}

/** The chunk of one endpoint that still grows. */
interface OpenChunk {
  readonly id: ArrivalChunkId;
  readonly writer: ArrivalChunkWriter;
  /** Bytes of it that the store does not have yet. */
  unwrittenBytes: number;
}

/**
 * Keeps the arrivals of every endpoint: packed in memory as they happen, written in batches.
 *
 *   arrival → open chunk → (every 5 s) store
 *                 ↓ full
 *             full chunks → (every 5 s) store
 *
 * An open chunk is written again with each flush until it is full, so that a row of the store holds
 * hundreds of arrivals and a crash still loses no more than the last seconds. It is a record for
 * looking back, not a promise: what cannot be kept is dropped, counted, and never holds up a request.
 */
export class ArrivalLog implements ArrivalRecorder {
  readonly #parts: ArrivalLogParts;
  readonly #open = new Map<EndpointId, OpenChunk>();
  /** Of the chunk that was full last: the next one is mostly of the same busy endpoint, and as large. */
  #spareWriter: ArrivalChunkWriter | null = null;
  #full: ArrivalChunk[] = [];
  #unwrittenBytes = 0;
  #bytesSincePrune = 0;
  /** Those with new chunks since the last one: only they can have too many bytes. */
  readonly #grown = new Set<EndpointId>();
  #cancelFlush: (() => void) | null = null;
  #cancelPrune: (() => void) | null = null;
  #flushing: Promise<void> | null = null;
  #pruning: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: ArrivalLogParts) {
    this.#parts = parts;
    this.#prune();
  }

  arrivalRecord(endpointId: EndpointId, arrival: Arrival): void {
    if (this.#closed || this.#unwrittenBytes >= UNWRITTEN_BYTES_MAX) {
      this.#parts.metrics.arrivalsDropped(1);
      return;
    }
    const chunk = this.#openChunk(endpointId, arrival.endedAtMs);
    const before = chunk.writer.sizeBytes;
    chunk.writer.add(arrival);
    const added = chunk.writer.sizeBytes - before;
    chunk.unwrittenBytes += added;
    this.#unwrittenBytes += added;
    if (chunk.writer.sizeBytes >= CHUNK_BYTES) this.#seal(endpointId, chunk);
    if (this.#unwrittenBytes >= FLUSH_BYTES && this.#flushing === null) void this.flush();
    else this.#planFlush();
  }

  /** Resolves when everything recorded before the call was given to the store. Never rejects. */
  async flush(): Promise<void> {
    // One that is under way began before the latest arrivals.
    if (this.#flushing !== null) await this.#flushing;
    await (this.#flushing ?? this.#beginFlush());
  }

  /** The endpoint is being removed; what of it is unwritten is of no use any more. */
  forget(endpointId: EndpointId): void {
    this.#open.delete(endpointId);
  }

  /** Writes what there is. What is recorded afterwards is dropped. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    this.#cancelFlush?.();
    this.#cancelPrune?.();
    await this.#pruning;
  }

  #openChunk(endpointId: EndpointId, endedAtMs: number): OpenChunk {
    const known = this.#open.get(endpointId);
    if (known !== undefined) {
      if (endedAtMs - known.writer.firstEndMs < CHUNK_SPAN_MS) return known;
      this.#seal(endpointId, known);
    }
    const writer = this.#spareWriter ?? new ArrivalChunkWriter();
    this.#spareWriter = null;
    const chunk: OpenChunk = {
      id: newId<ArrivalChunkId>(this.#parts.random, 16),
      writer,
      unwrittenBytes: 0,
    };
    this.#open.set(endpointId, chunk);
    return chunk;
  }

  #seal(endpointId: EndpointId, chunk: OpenChunk): void {
    this.#open.delete(endpointId);
    this.#bytesSincePrune += chunk.writer.sizeBytes;
    this.#grown.add(endpointId);
    if (chunk.unwrittenBytes > 0) this.#full.push(storedChunk(endpointId, chunk));
    chunk.writer.clear();
    this.#spareWriter = chunk.writer;
  }

  #planFlush(): void {
    this.#cancelFlush ??= this.#parts.clock.schedule(FLUSH_INTERVAL_MS, () => {
      this.#cancelFlush = null;
      void this.flush();
    });
  }

  #beginFlush(): Promise<void> {
    const flushing = this.#flushAll().finally(() => {
      this.#flushing = null;
    });
    this.#flushing = flushing;
    return flushing;
  }

  async #flushAll(): Promise<void> {
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    const chunks = this.#full;
    this.#full = [];
    for (const [endpointId, chunk] of this.#open) {
      if (chunk.unwrittenBytes === 0) continue;
      chunks.push(storedChunk(endpointId, chunk));
      chunk.unwrittenBytes = 0;
    }
    for (let index = 0; index < chunks.length; index += WRITES_AT_ONCE) {
      await this.#putAll(chunks.slice(index, index + WRITES_AT_ONCE));
    }
    // Counted anew only now: while the store is stuck, what it was given still takes memory.
    this.#unwrittenBytes = this.#full.reduce((sum, chunk) => sum + chunk.bytes.length, 0);
    for (const chunk of this.#open.values()) this.#unwrittenBytes += chunk.unwrittenBytes;
    if (this.#unwrittenBytes > 0) this.#planFlush();
    if (this.#bytesSincePrune >= PRUNE_BYTES) this.#prune();
  }

  async #putAll(chunks: readonly ArrivalChunk[]): Promise<void> {
    const results = await Promise.allSettled(
      chunks.map(async (chunk) => await this.#parts.store.arrivalChunkPut(chunk)),
    );
    let failure: unknown = null;
    for (const [index, result] of results.entries()) {
      const chunk = chunks[index];
      if (result.status === 'fulfilled' || chunk === undefined) continue;
      const error: unknown = result.reason;
      if (error instanceof AppError && error.code === 'STORE_CONFLICT') {
        // Its endpoint was deleted, and the last of its requests ended after that.
        this.forget(chunk.endpointId);
        continue;
      }
      failure = error;
      this.#keepForLater(chunk);
    }
    if (failure !== null) this.#parts.log.warn('arrivals could not be written yet', { error: failure });
  }

  #keepForLater(chunk: ArrivalChunk): void {
    const open = this.#open.get(chunk.endpointId);
    if (open?.id === chunk.id) open.unwrittenBytes = open.writer.sizeBytes;
    else if (!this.#full.some((full) => full.id === chunk.id)) this.#full.push(chunk);
  }

  #prune(): void {
    if (this.#closed) return;
    this.#bytesSincePrune = 0;
    this.#cancelPrune?.();
    this.#cancelPrune = this.#parts.clock.schedule(PRUNE_INTERVAL_MS, () => this.#prune());
    const { clock, log, keptMs } = this.#parts;
    const grown = [...this.#grown];
    this.#grown.clear();
    const beforeMs = clock.nowMs() - keptMs;
    this.#pruning = this.#pruning
      .then(async () => await this.#deleteBeyond(beforeMs, grown))
      .catch((error: unknown) => log.warn('old arrivals could not be deleted', { error }));
  }

  /** One endpoint after the other, so that other writes to the store come in between. */
  async #deleteBeyond(beforeMs: number, grown: readonly EndpointId[]): Promise<void> {
    const { store, bytesPerEndpoint } = this.#parts;
    await store.arrivalChunkDeleteBefore(beforeMs);
    for (const endpointId of grown) await store.arrivalChunkTrim(endpointId, bytesPerEndpoint);
  }
}

function storedChunk(endpointId: EndpointId, { id, writer }: OpenChunk): ArrivalChunk {
  const { firstEndMs, lastEndMs, count } = writer;
  return { id, endpointId, firstEndMs, lastEndMs, count, bytes: writer.bytes() };
}
