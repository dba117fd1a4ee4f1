import type { EndpointId, WorkerId } from '../base/ids.ts';

/** A job as a worker is given it: it holds the lease until it answers, is lost, or runs too long. */
export interface TakenJob {
  /** What the worker knows it by, see `handedJobId`; every later call about it gives this back. */
  readonly handedId: string;
  /** JSON text of the job's input, as its client wrote it. */
  readonly input: string;
  readonly attempt: number;
  readonly enqueuedAtMs: number;
  /** When the attempt is ended as TIMED_OUT; epoch milliseconds. */
  readonly deadlineMs: number;
}

export interface TakeWish {
  /** Jobs wanted at most; given are at most the worker's free slots. */
  readonly count: number;
  /** The worker says that it runs nothing; null where it did not say. */
  readonly idle: boolean | null;
}

export type JobResult =
  /** JSON text, checked to be JSON. */
  | { readonly kind: 'output'; readonly output: string }
  /** In words, as the client is shown it. */
  | { readonly kind: 'error'; readonly error: string }
  /** It was not read, because it is larger than may be. */
  | { readonly kind: 'tooLarge'; readonly bytes: number };

/**
 * What workers of async endpoints do with jobs; the caller has checked that the worker is who it
 * says. Rejects with JOB_NOT_FOUND where the job is not known, JOB_NOT_YOURS where the worker does
 * not hold it (another attempt does, or it has ended): then nothing was changed.
 */
export interface JobWorkers {
  /**
   * Waits until the worker may run something, and gives it at least one job; none when `signal`
   * aborts, when the worker drains or is not known, and when the server shuts down. Jobs are stored
   * as its own before they are given. One wish of a worker at a time: a newer one ends the older.
   */
  take(
    endpointId: EndpointId,
    workerId: WorkerId,
    wish: TakeWish,
    signal: AbortSignal,
  ): Promise<readonly TakenJob[]>;
  /** The worker never got what `take` gave (its connection broke): the job goes back to the front, untried. */
  giveBack(endpointId: EndpointId, workerId: WorkerId, handedIds: readonly string[]): Promise<void>;
  /** The end of an attempt; resolves when the result is on disk. */
  answer(endpointId: EndpointId, workerId: WorkerId, handedId: string, result: JobResult): Promise<void>;
  /** Shown as the job's output while it runs; the last one counts, in memory alone. */
  progress(endpointId: EndpointId, workerId: WorkerId, handedId: string, output: string): void;
  /**
   * A part of a streamed output, null for one that is too large to be kept; resolves when it is on
   * disk. Where the parts together are too large, the job fails and is to be stopped.
   */
  streamPart(
    endpointId: EndpointId,
    workerId: WorkerId,
    handedId: string,
    part: string | null,
  ): Promise<void>;
  /**
   * Ids of attempts of this worker that ended without it (cancelled, too long, taken from it) and
   * that it was not told of yet; waits for one, and gives none when `signal` aborts.
   */
  stops(endpointId: EndpointId, workerId: WorkerId, signal: AbortSignal): Promise<readonly string[]>;
  /** A sign of life; `handedIds` is what it says it runs. */
  ping(endpointId: EndpointId, workerId: WorkerId, handedIds: readonly string[]): void;
  /** It asks to be replaced after what it runs: it gets no further job. */
  recycle(endpointId: EndpointId, workerId: WorkerId, reason: string): void;
}
