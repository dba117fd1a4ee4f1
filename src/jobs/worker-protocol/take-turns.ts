import type { WorkerId } from '../../base/ids.ts';

/**
 * One call of a worker at a time, in the order in which they came: a worker that asks by several
 * threads has its asks answered one after the other, and none of them drives out another.
 */
export class TakeTurns {
  readonly #last = new Map<WorkerId, Promise<void>>();
  readonly #counts = new Map<WorkerId, number>();

  /** Calls of this worker that wait or run. */
  count(workerId: WorkerId): number {
    return this.#counts.get(workerId) ?? 0;
  }

  /** Runs `task` when it is its turn, or as soon as `signal` aborts. */
  async run<Result>(workerId: WorkerId, signal: AbortSignal, task: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(workerId) ?? Promise.resolve();
    const mine = Promise.withResolvers<void>();
    const last = before.then(() => mine.promise);
    this.#last.set(workerId, last);
    this.#counts.set(workerId, this.count(workerId) + 1);
    try {
      await turnOrAbort(before, signal);
      return await task();
    } finally {
      mine.resolve();
      const left = this.count(workerId) - 1;
      if (left === 0) {
        this.#counts.delete(workerId);
        this.#last.delete(workerId);
      } else {
        this.#counts.set(workerId, left);
      }
    }
  }
}

async function turnOrAbort(turn: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const aborted = Promise.withResolvers<void>();
  const onAbort = (): void => aborted.resolve();
  signal.addEventListener('abort', onAbort);
  await Promise.race([turn, aborted.promise]);
  signal.removeEventListener('abort', onAbort);
}
