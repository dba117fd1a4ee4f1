import type { Clock } from '../base/clock.ts';

/** Beyond it `setTimeout` fires at once instead of late. About 25 days. */
const TIMEOUT_MAX_MS = 2_147_483_647;

/** The machine's own time. */
export function systemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    schedule: scheduleOnce,
  };
}

function scheduleOnce(delayMs: number, task: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    timer =
      leftMs > TIMEOUT_MAX_MS
        ? setTimeout(() => arm(leftMs - TIMEOUT_MAX_MS), TIMEOUT_MAX_MS)
        : setTimeout(task, Math.max(0, leftMs));
  };
  arm(delayMs);
  return () => clearTimeout(timer);
}
