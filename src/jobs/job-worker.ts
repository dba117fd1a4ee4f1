import type { WorkerId } from '../base/ids.ts';
import type { WorkerPlaces } from '../decide/admission/choice.ts';
import { handedJobId } from '../model/job.ts';
import type { LeasedJob } from '../ports/job-store.ts';
import type { TakenJob } from '../ports/job-workers.ts';
import type { TrafficWorker, WorkerLoad } from '../ports/traffic.ts';

/** Entries of a list of times; the port promises no more. */
const TIMES_SHOWN = 1_000;
/** Stops that a worker has not asked for yet; beyond it the oldest are forgotten. */
const STOPS_KEPT = 1_000;

/** A worker that asks for jobs: one call of `take`. */
export class Want {
  readonly count: number;
  readonly signal: AbortSignal;
  readonly #settled = Promise.withResolvers<readonly TakenJob[]>();
  #onAbort: (() => void) | null = null;
  over = false;

  constructor(count: number, signal: AbortSignal) {
    this.count = count;
    this.signal = signal;
  }

  get answer(): Promise<readonly TakenJob[]> {
    return this.#settled.promise;
  }

  onAbort(task: () => void): void {
    this.#onAbort = task;
    this.signal.addEventListener('abort', task, { once: true });
  }

  settle(jobs: readonly TakenJob[]): void {
    if (this.over) return;
    this.over = true;
    if (this.#onAbort !== null) this.signal.removeEventListener('abort', this.#onAbort);
    this.#settled.resolve(jobs);
  }
}

/** One lease, as long as its worker may have to do with it. */
export class Attempt {
  readonly job: LeasedJob;
  readonly worker: JobWorker;
  readonly handedId: string;
  readonly inputBytes: number;
  /** Epoch time of its end by `executionTimeout`. */
  readonly deadlineMs: number;
  /** JSON text of the last progress. */
  progress: string | null = null;
  /** Set once its end is being stored: nothing else may end it. */
  ending: Promise<boolean> | null = null;
  /** It is being ended by its worker's own answer. */
  answered = false;
  cancelTimer: (() => void) | null = null;

  constructor(job: LeasedJob, worker: JobWorker, inputBytes: number, deadlineMs: number) {
    this.job = job;
    this.worker = worker;
    this.inputBytes = inputBytes;
    this.deadlineMs = deadlineMs;
    this.handedId = handedJobId(job.id, job.retries);
  }
}

/**
 * One worker of an async endpoint: what it holds, and whether it asks for more. It is known from its
 * first sign of life or lease on, which may be before control gives it jobs (`given`), and until
 * control says that it is gone.
 */
export class JobWorker implements WorkerPlaces, WorkerLoad {
  readonly id: WorkerId;
  /** What control said of it; null while it is not to get jobs. */
  given: TrafficWorker | null = null;
  draining = false;
  spent = false;
  removed = false;
  want: Want | null = null;
  /** Leases that are being stored. */
  reserved = 0;
  /** By the id the worker knows them by. */
  readonly attempts = new Map<string, Attempt>();
  /** Attempts that were ended without it, until it lets go of them. */
  readonly held = new Map<string, Attempt>();
  readonly #stops: string[] = [];
  #stopsWaiter: ((ids: readonly string[]) => void) | null = null;
  #takenInAll = 0;
  #idleSinceMs: number | null;

  constructor(id: WorkerId, nowMs: number) {
    this.id = id;
    this.#idleSinceMs = nowMs;
  }

  get preference(): number {
    return this.given?.preference ?? 0;
  }

  /** What it still holds on to counts while it may get more: it is not free for another job. */
  get running(): number {
    return this.live + (this.draining ? 0 : this.held.size);
  }

  /** Leases that count. */
  get live(): number {
    return this.attempts.size + this.reserved;
  }

  get open(): boolean {
    return this.given !== null && !this.draining && !this.spent && this.want !== null;
  }

  get sampleLeft(): number | null {
    const limit = this.given?.sampleLimit ?? null;
    return limit === null ? null : Math.max(0, limit - this.#takenInAll);
  }

  get idleSinceMs(): number | null {
    return this.#idleSinceMs;
  }

  get runningSinceMs(): readonly number[] {
    const sinceMs: number[] = [];
    for (const { job } of this.attempts.values()) {
      if (sinceMs.length === TIMES_SHOWN) break;
      sinceMs.push(job.startedAtMs);
    }
    return sinceMs;
  }

  reserve(): void {
    this.reserved += 1;
    this.#takenInAll += 1;
    this.#idleSinceMs = null;
  }

  /** To be called after what it holds became less. */
  settle(nowMs: number): void {
    if (this.running === 0) this.#idleSinceMs ??= nowMs;
    else this.#idleSinceMs = null;
  }

  add(attempt: Attempt): void {
    this.attempts.set(attempt.handedId, attempt);
    this.#idleSinceMs = null;
  }

  /** Its `take` ends without a job. */
  endWant(): void {
    const { want } = this;
    this.want = null;
    want?.settle([]);
  }

  /** It is to stop this, once it asks. */
  stop(handedId: string): void {
    this.#stops.push(handedId);
    if (this.#stops.length > STOPS_KEPT) this.#stops.shift();
    const waiter = this.#stopsWaiter;
    if (waiter === null) return;
    this.#stopsWaiter = null;
    waiter(this.#stops.splice(0));
  }

  /** The newest call is the one that is told. */
  async stops(signal: AbortSignal): Promise<readonly string[]> {
    this.#stopsWaiter?.([]);
    this.#stopsWaiter = null;
    if (this.#stops.length > 0) return this.#stops.splice(0);
    if (signal.aborted || this.removed) return [];
    return await new Promise((resolve) => {
      const settle = (ids: readonly string[]): void => {
        signal.removeEventListener('abort', abort);
        resolve(ids);
      };
      const abort = (): void => {
        if (this.#stopsWaiter === settle) this.#stopsWaiter = null;
        resolve([]);
      };
      this.#stopsWaiter = settle;
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** It is gone: nobody waits for it any more. */
  leave(): void {
    this.removed = true;
    this.endWant();
    this.#stopsWaiter?.([]);
    this.#stopsWaiter = null;
  }
}
