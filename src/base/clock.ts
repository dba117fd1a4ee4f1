/**
 * The only source of time in the product. `nowMs` is wall time in epoch milliseconds and may step
 * backwards; `monotonicMs` only moves forward and has no fixed origin, so durations use it.
 */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
  /** Runs `task` once after `delayMs` (clamped to 0 and up). The returned function cancels it. */
  schedule(delayMs: number, task: () => void): () => void;
}

/**
 * `clock` with a wall time that never goes back. When the wall clock is set back, time goes on from
 * where it was; when it is set forward, time follows. For code that measures durations which outlive
 * the process, and so has only wall time to measure them with.
 */
export function forwardClock(clock: Clock): Clock {
  let offsetMs = -Infinity;
  return {
    nowMs() {
      const monotonicMs = clock.monotonicMs();
      offsetMs = Math.max(offsetMs, clock.nowMs() - monotonicMs);
      return Math.floor(monotonicMs + offsetMs);
    },
    monotonicMs: () => clock.monotonicMs(),
    schedule: (delayMs, task) => clock.schedule(delayMs, task),
  };
}

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
