import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { JobId } from '../base/ids.ts';
import type { Job } from '../model/job.ts';

/** Clients that wait for the end of a job. */
export class JobWaiters {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #waiters = new Map<JobId, Set<(job: Job | null) => void>>();

  constructor(clock: Clock, limitPerJob: number) {
    this.#clock = clock;
    this.#limit = limitPerJob;
  }

  /**
   * Begins to listen at once; `ended` resolves when the job ends, to the job where that is known, and
   * to null after `waitMs` or on `signal`.
   * Throws QUEUE_FULL where too many listen already.
   */
  listen(
    jobId: JobId,
    waitMs: number,
    signal: AbortSignal,
  ): { readonly ended: Promise<Job | null>; stop(): void } {
    const waiters = this.#waiters.get(jobId) ?? new Set();
    if (waiters.size >= this.#limit) {
      throw new AppError(
        'QUEUE_FULL',
        `${this.#limit} clients wait for the end of this job already; ask for its status without "wait".`,
        { retryAfterSeconds: 1 },
      );
    }
    this.#waiters.set(jobId, waiters);
    const { promise, resolve } = Promise.withResolvers<Job | null>();
    const stop = (): void => end(null);
    const end = (job: Job | null): void => {
      cancel();
      signal.removeEventListener('abort', stop);
      waiters.delete(end);
      if (waiters.size === 0 && this.#waiters.get(jobId) === waiters) this.#waiters.delete(jobId);
      resolve(job);
    };
    const cancel = this.#clock.schedule(waitMs, stop);
    signal.addEventListener('abort', stop, { once: true });
    waiters.add(end);
    if (signal.aborted) stop();
    return { ended: promise, stop };
  }

  tell(jobId: JobId, job: Job | null): void {
    for (const end of [...(this.#waiters.get(jobId) ?? [])]) end(job);
  }

  /** Nobody waits any longer. */
  close(): void {
    for (const jobId of [...this.#waiters.keys()]) this.tell(jobId, null);
  }
}
