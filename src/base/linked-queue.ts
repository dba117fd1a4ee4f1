/**
 * A first-in-first-out queue whose members can leave from any place in constant time, because a
 * waiting request leaves when its client goes or its deadline passes, wherever it stands.
 *
 *   head (oldest) → entry → entry → tail (newest)
 */
export interface QueueEntry<T> {
  readonly value: T;
}

interface Node<T> extends QueueEntry<T> {
  previous: Node<T> | null;
  next: Node<T> | null;
  queued: boolean;
}

export class LinkedQueue<T> {
  #head: Node<T> | null = null;
  #tail: Node<T> | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(value: T): QueueEntry<T> {
    const node: Node<T> = { value, previous: this.#tail, next: null, queued: true };
    if (this.#tail === null) this.#head = node;
    else this.#tail.next = node;
    this.#tail = node;
    this.#size += 1;
    return node;
  }

  /** Puts a value before all others: the place of one that had its turn and could not use it. */
  pushFront(value: T): QueueEntry<T> {
    const node: Node<T> = { value, previous: null, next: this.#head, queued: true };
    if (this.#head === null) this.#tail = node;
    else this.#head.previous = node;
    this.#head = node;
    this.#size += 1;
    return node;
  }

  peek(): T | undefined {
    return this.#head?.value;
  }

  shift(): T | undefined {
    const node = this.#head;
    if (node === null) return undefined;
    this.remove(node);
    return node.value;
  }

  /** False when the entry had already left. */
  remove(entry: QueueEntry<T>): boolean {
    const node = entry as Node<T>;
    if (!node.queued) return false;
    node.queued = false;
    if (node.previous === null) this.#head = node.next;
    else node.previous.next = node.next;
    if (node.next === null) this.#tail = node.previous;
    else node.next.previous = node.previous;
    node.previous = null;
    node.next = null;
    this.#size -= 1;
    return true;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let node = this.#head; node !== null; node = node.next) yield node.value;
  }
}
