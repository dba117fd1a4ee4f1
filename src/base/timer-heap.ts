/** A task and the time it is due at. Times are monotonic milliseconds. */
export interface Timer {
  readonly dueMs: number;
  /** Order of scheduling, which decides between timers of one moment. */
  readonly sequence: number;
  readonly task: () => void;
  /** Its place in the heap; -1 when it is in none. */
  place: number;
}

/**
 * Timers by (due time, order of scheduling). Taking the earliest one and cancelling any one cost
 * O(log n), because each timer knows its place. A cancelled timer leaves at once, so what is held is
 * never more than what can still fire.
 */
export class TimerHeap {
  readonly #timers: Timer[] = [];

  get size(): number {
    return this.#timers.length;
  }

  get earliest(): Timer | undefined {
    return this.#timers[0];
  }

  add(timer: Timer): void {
    timer.place = this.#timers.length;
    this.#timers.push(timer);
    this.#rise(timer);
  }

  /** Nothing happens when it has left already. */
  remove(timer: Timer): void {
    const { place } = timer;
    if (place < 0) return;
    timer.place = -1;
    const last = this.#timers.pop();
    if (last === undefined || last === timer) return;
    last.place = place;
    this.#timers[place] = last;
    this.#rise(last);
    this.#sink(last);
  }

  #rise(timer: Timer): void {
    const timers = this.#timers;
    let { place } = timer;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = timers[above];
      if (parent === undefined || comesFirst(parent, timer)) break;
      parent.place = place;
      timers[place] = parent;
      place = above;
    }
    timer.place = place;
    timers[place] = timer;
  }

  #sink(timer: Timer): void {
    const timers = this.#timers;
    let { place } = timer;
    for (;;) {
      let below = 2 * place + 1;
      let child = timers[below];
      if (child === undefined) break;
      const right = timers[below + 1];
      if (right !== undefined && comesFirst(right, child)) {
        child = right;
        below += 1;
      }
      if (comesFirst(timer, child)) break;
      child.place = place;
      timers[place] = child;
      place = below;
    }
    timer.place = place;
    timers[place] = timer;
  }
}

function comesFirst(first: Timer, second: Timer): boolean {
  return first.dueMs < second.dueMs || (first.dueMs === second.dueMs && first.sequence < second.sequence);
}
