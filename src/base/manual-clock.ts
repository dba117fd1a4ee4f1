import type { Clock } from './clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly sequence: number;
  readonly task: () => void;
}

/**
 * A clock that stands still until it is told to move. Timers fire in order of (due time, order of
 * scheduling), and a timer that schedules another one inside the moved span sees it fire too.
 */
export class ManualClock implements Clock {
  #nowMs: number;
  #wallStepMs = 0;
  #sequence = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs + this.#wallStepMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, task: () => void): () => void {
    const timer: Timer = { dueMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, task };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Somebody sets the wall clock; timers and monotonic time go on as before. */
  stepWall(byMs: number): void {
    this.#wallStepMs += byMs;
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Monotonic time of the next timer, or null when none is set. */
  nextDueMs(): number | null {
    return this.#earliest()?.dueMs ?? null;
  }

  /** Moves time by `durationMs`, firing what falls due on the way. */
  advance(durationMs: number): void {
    this.advanceTo(this.#nowMs + durationMs);
  }

  advanceTo(targetMs: number): void {
    for (;;) {
      const timer = this.#earliest();
      if (timer === undefined || timer.dueMs > targetMs) break;
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      timer.task();
    }
    this.#nowMs = Math.max(this.#nowMs, targetMs);
  }

  #earliest(): Timer | undefined {
    let best: Timer | undefined;
    for (const timer of this.#timers) {
      if (
        best === undefined ||
        timer.dueMs < best.dueMs ||
        (timer.dueMs === best.dueMs && timer.sequence < best.sequence)
      ) {
        best = timer;
      }
    }
    return best;
  }
}
