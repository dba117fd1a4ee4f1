const FIRST_SIZE = 16;
const NONE = new Float64Array(0);

/** A binary heap of pairs (time, value), the earliest on top, with a bound on how many it holds. */
export class TimedHeap {
  #times = NONE;
  #values = NONE;
  #size = 0;
  readonly #sizeMax: number;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size >= this.#sizeMax;
  }

  /** The time on top; Infinity when it holds none. */
  get earliest(): number {
    return this.#size === 0 ? Infinity : this.#times[0]!;
  }

  /** What is pushed into a full heap is dropped. */
  push(time: number, value: number): void {
    if (this.full) return;
    if (this.#size === this.#times.length) this.#grow();
    const times = this.#times;
    const values = this.#values;
    let index = this.#size;
    this.#size += 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (times[parent]! <= time) break;
      times[index] = times[parent]!;
      values[index] = values[parent]!;
      index = parent;
    }
    times[index] = time;
    values[index] = value;
  }

  /** Takes the earliest off and returns its value; NaN when there is none. */
  pop(): number {
    if (this.#size === 0) return NaN;
    this.#size -= 1;
    const size = this.#size;
    const times = this.#times;
    const values = this.#values;
    const top = values[0]!;
    const time = times[size]!;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && times[child + 1]! < times[child]!) child += 1;
      if (times[child]! >= time) break;
      times[index] = times[child]!;
      values[index] = values[child]!;
      index = child;
    }
    times[index] = time;
    values[index] = values[size]!;
    return top;
  }

  #grow(): void {
    const size = Math.max(FIRST_SIZE, this.#size * 2);
    const times = new Float64Array(size);
    times.set(this.#times);
    this.#times = times;
    const values = new Float64Array(size);
    values.set(this.#values);
    this.#values = values;
  }
}
