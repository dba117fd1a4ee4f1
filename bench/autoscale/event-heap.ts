/** A binary heap of (time, item), the earliest on top; in equal times the one pushed first. */
export class EventHeap<T> {
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #items: T[] = [];
  #pushed = 0;

  get nextAtS(): number {
    return this.#times[0] ?? Infinity;
  }

  push(timeS: number, item: T): void {
    const times = this.#times;
    const orders = this.#orders;
    const items = this.#items;
    const order = (this.#pushed += 1);
    let index = times.length;
    times.push(timeS);
    orders.push(order);
    items.push(item);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (times[parent]! <= timeS) break;
      times[index] = times[parent]!;
      orders[index] = orders[parent]!;
      items[index] = items[parent]!;
      index = parent;
    }
    times[index] = timeS;
    orders[index] = order;
    items[index] = item;
  }

  pop(): T {
    const times = this.#times;
    const orders = this.#orders;
    const items = this.#items;
    const top = items[0]!;
    const timeS = times.pop()!;
    const order = orders.pop()!;
    const item = items.pop()!;
    const size = times.length;
    if (size === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      const right = child + 1;
      if (
        right < size &&
        (times[right]! < times[child]! || (times[right] === times[child] && orders[right]! < orders[child]!))
      ) {
        child = right;
      }
      if (times[child]! > timeS || (times[child] === timeS && orders[child]! > order)) break;
      times[index] = times[child]!;
      orders[index] = orders[child]!;
      items[index] = items[child]!;
      index = child;
    }
    times[index] = timeS;
    orders[index] = order;
    items[index] = item;
    return top;
  }
}
