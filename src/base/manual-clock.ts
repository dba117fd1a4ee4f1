import type { Clock } from './clock.ts';
import { TimerHeap, type Timer } from './timer-heap.ts';

/**
 * A clock that stands still until it is told to move. Timers fire in order of (due time, order of
 * scheduling), and a timer that schedules another one inside the moved span sees it fire too.
 */
export class ManualClock implements Clock {
  #nowMs: number;
  #wallStepMs = 0;
  #sequence = 0;
  readonly #timers = new TimerHeap();

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
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const timer: Timer = { dueMs, sequence: this.#sequence, task, place: -1 };
    this.#sequence += 1;
    this.#timers.add(timer);
    return () => this.#timers.remove(timer);
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
    return this.#timers.earliest?.dueMs ?? null;
  }

  /** Moves time by `durationMs`, firing what falls due on the way. */
  advance(durationMs: number): void {
    this.advanceTo(this.#nowMs + durationMs);
  }

  advanceTo(targetMs: number): void {
    while (this.fireNext(targetMs));
    this.#nowMs = Math.max(this.#nowMs, targetMs);
  }

  /** Moves time to the next timer and fires that one alone. False when none is due up to `untilMs`: time stands. */
  fireNext(untilMs: number): boolean {
    const timer = this.#timers.earliest;
    if (timer === undefined || timer.dueMs > untilMs) return false;
    this.#timers.remove(timer);
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
    timer.task();
    return true;
  }
}
