import { AppError } from '../../base/errors.ts';
import { breakLock, lock, unlock } from './shared-lock.ts';

/**
 * What gateway threads must agree on, in one SharedArrayBuffer of rows of 64 bytes:
 *
 *   none · one row a thread · endpoints · workers · requests, each thread's in one stretch
 *
 * An admitted request has a row, and its `LIST` says where it stands: in the line of its endpoint, on
 * a worker, or (0) nowhere. That one word is the truth. Lists, sizes and all counts are made of it and
 * kept for speed; when a thread dies in the middle of a change, they are made anew.
 *
 * Everything but a thread's inbox is read and written under the lock of the endpoint it belongs to;
 * single words may be read without, as what was a moment ago.
 */
export const ROW_WORDS = 16;
export const THREADS_MAX = 16;
/** Who takes a lock for the main thread; a gateway thread is its number and one. */
export const MAIN_HOLDER = 255;

// Of endpoints (those that wait) and workers (those that run): a list of requests.
const FIRST = 1;
const LAST = 2;
export const SIZE = 3;

// Of an endpoint.
const LOCK = 0;
export const SLOTS = 4;
const NEXT_NUMBER = 5;

// Of a worker.
export const FLAGS = 4;
/** -1: none. */
export const SAMPLE_LIMIT = 6;
export const GIVEN = 7;
/** The thread, counted from 1, that lets it rest; 0: none does. */
export const RESTING = 8;
export const REFUSALS = 9;
/** Slots of requests whose thread died; they come back when their connections are surely closed. */
export const LOST = 10;
/** A time: epoch milliseconds, 0 while something runs. */
const IDLE_SINCE = 12;
/** A number with a fraction. */
const PREFERENCE = 14;

export const OPEN = 1;
export const DRAINING = 2;
export const REMOVED = 4;

// Of a request.
const LIST = 0;
const PREVIOUS = 1;
export const NEXT = 2;
const ENDPOINT = 3;
const MARKS = 4;
const NUMBER = 5;
/** In the inbox of its thread: the one given before it. */
const GIVEN_BEFORE = 6;
/** Requests on its worker when it got its slot, itself included. */
const BESIDE = 7;
const ARRIVED = 8;
const STARTED = 10;

/** It was given a slot and its thread has not heard of it yet. */
export const UNHEARD = 1;
export const ANSWERED = 2;
/** It is being closed at the word of control. */
export const CUT = 4;

// Of a thread.
const INBOX = 0;

/** The memory is taken up as it is used: rows that never were cost nothing. */
const ENDPOINT_ROWS = 65_536;
const WORKER_ROWS = 131_072;
const ENDPOINTS_AT = 1 + THREADS_MAX;

/** Rows are numbers from 1; 0 is none. */
export type Row = number;

export interface TableMemory {
  readonly buffer: SharedArrayBuffer;
  readonly threads: number;
  readonly requestsPerThread: number;
  readonly endpoints: number;
  readonly workers: number;
}

export function tableMemory(
  threads: number,
  requestsPerThread: number,
  endpoints = ENDPOINT_ROWS,
  workers = WORKER_ROWS,
): TableMemory {
  const rows = ENDPOINTS_AT + endpoints + workers + threads * requestsPerThread;
  const buffer = new SharedArrayBuffer(rows * ROW_WORDS * 4);
  return { buffer, threads, requestsPerThread, endpoints, workers };
}

export class SharedTable {
  readonly memory: TableMemory;
  readonly words: Int32Array;
  readonly #times: Float64Array;
  readonly #requestsAt: Row;

  constructor(memory: TableMemory) {
    this.memory = memory;
    this.words = new Int32Array(memory.buffer);
    this.#times = new Float64Array(memory.buffer);
    this.#requestsAt = ENDPOINTS_AT + memory.endpoints + memory.workers;
  }

  get(row: Row, field: number): number {
    return Atomics.load(this.words, row * ROW_WORDS + field);
  }

  set(row: Row, field: number, value: number): void {
    Atomics.store(this.words, row * ROW_WORDS + field, value);
  }

  add(row: Row, field: number, value: number): void {
    Atomics.add(this.words, row * ROW_WORDS + field, value);
  }

  /** False, and nothing changed, where it was not `from`. */
  exchangeIf(row: Row, field: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, row * ROW_WORDS + field, from, to) === from;
  }

  /** Requests on a worker, those of dead threads included. */
  running(worker: Row): number {
    return this.get(worker, SIZE) + this.get(worker, LOST);
  }

  lock(endpoint: Row, holder: number, patienceMs?: number): boolean {
    return lock(this.words, endpoint * ROW_WORDS + LOCK, holder, patienceMs);
  }

  unlock(endpoint: Row): void {
    unlock(this.words, endpoint * ROW_WORDS + LOCK);
  }

  breakLock(endpoint: Row, gone: number, holder: number): boolean {
    return breakLock(this.words, endpoint * ROW_WORDS + LOCK, gone, holder);
  }

  // Requests. All under the endpoint's lock.

  listOf(request: Row): Row {
    return this.get(request, LIST);
  }

  first(list: Row): Row {
    return this.get(list, FIRST);
  }

  next(request: Row): Row {
    return this.get(request, NEXT);
  }

  threadOf(request: Row): number {
    return Math.floor((request - this.#requestsAt) / this.memory.requestsPerThread);
  }

  /** The first of a thread's request rows. */
  requestsOf(thread: number): Row {
    return this.#requestsAt + thread * this.memory.requestsPerThread;
  }

  arrivedAtMs(request: Row): number {
    return this.#times[(request * ROW_WORDS + ARRIVED) >> 1] as number;
  }

  startedAtMs(request: Row): number {
    return this.#times[(request * ROW_WORDS + STARTED) >> 1] as number;
  }

  beside(request: Row): number {
    return this.get(request, BESIDE);
  }

  idleSinceMs(worker: Row): number {
    return this.#times[(worker * ROW_WORDS + IDLE_SINCE) >> 1] as number;
  }

  preference(worker: Row): number {
    return this.#times[(worker * ROW_WORDS + PREFERENCE) >> 1] as number;
  }

  setPreference(worker: Row, preference: number): void {
    this.#times[(worker * ROW_WORDS + PREFERENCE) >> 1] = preference;
  }

  setIdleSince(worker: Row, atMs: number): void {
    this.#times[(worker * ROW_WORDS + IDLE_SINCE) >> 1] = atMs;
  }

  marked(request: Row, mark: number): boolean {
    return (this.get(request, MARKS) & mark) !== 0;
  }

  mark(request: Row, mark: number): void {
    Atomics.or(this.words, request * ROW_WORDS + MARKS, mark);
  }

  unmark(request: Row, mark: number): void {
    Atomics.and(this.words, request * ROW_WORDS + MARKS, ~mark);
  }

  /** Puts a new request to the end of the line, or on a worker. */
  enter(request: Row, endpoint: Row, list: Row, nowMs: number): void {
    const { words } = this;
    const at = request * ROW_WORDS;
    const number = words[endpoint * ROW_WORDS + NEXT_NUMBER] as number;
    words[endpoint * ROW_WORDS + NEXT_NUMBER] = (number + 1) | 0;
    words[at + NUMBER] = number;
    words[at + ENDPOINT] = endpoint;
    words[at + MARKS] = 0;
    this.#times[(at + ARRIVED) >> 1] = nowMs;
    this.#times[(at + STARTED) >> 1] = nowMs;
    words[at + LIST] = list;
    if (list !== endpoint) this.#given(list);
    this.#linkLast(list, request);
    words[at + BESIDE] = this.running(list);
  }

  /** From the line to a worker; its thread is to be told. */
  give(request: Row, worker: Row, nowMs: number): void {
    const at = request * ROW_WORDS;
    this.#given(worker);
    this.#times[(at + STARTED) >> 1] = nowMs;
    this.words[at + MARKS] = UNHEARD;
    this.#move(request, worker);
    this.#linkLast(worker, request);
    this.words[at + BESIDE] = this.running(worker);
  }

  /** From a worker to the front of the line. */
  putBack(request: Row, endpoint: Row): void {
    const { words } = this;
    this.#move(request, endpoint);
    words[request * ROW_WORDS + MARKS] = 0;
    const first = words[endpoint * ROW_WORDS + FIRST] as number;
    words[request * ROW_WORDS + NEXT] = first;
    words[request * ROW_WORDS + PREVIOUS] = 0;
    words[first === 0 ? endpoint * ROW_WORDS + LAST : first * ROW_WORDS + PREVIOUS] = request;
    words[endpoint * ROW_WORDS + FIRST] = request;
    this.#resize(endpoint, 1);
  }

  remove(request: Row): void {
    this.#move(request, 0);
  }

  #given(worker: Row): void {
    this.words[worker * ROW_WORDS + GIVEN] = (this.words[worker * ROW_WORDS + GIVEN] as number) + 1;
    this.setIdleSince(worker, 0);
  }

  #move(request: Row, to: Row): void {
    const { words } = this;
    const at = request * ROW_WORDS;
    const list = (words[at + LIST] as number) * ROW_WORDS;
    const previous = words[at + PREVIOUS] as number;
    const next = words[at + NEXT] as number;
    words[at + LIST] = to;
    words[previous === 0 ? list + FIRST : previous * ROW_WORDS + NEXT] = next;
    words[next === 0 ? list + LAST : next * ROW_WORDS + PREVIOUS] = previous;
    this.#resize(list / ROW_WORDS, -1);
  }

  #linkLast(list: Row, request: Row): void {
    const { words } = this;
    const last = words[list * ROW_WORDS + LAST] as number;
    words[request * ROW_WORDS + PREVIOUS] = last;
    words[request * ROW_WORDS + NEXT] = 0;
    words[last === 0 ? list * ROW_WORDS + FIRST : last * ROW_WORDS + NEXT] = request;
    words[list * ROW_WORDS + LAST] = request;
    this.#resize(list, 1);
  }

  #resize(list: Row, by: number): void {
    this.words[list * ROW_WORDS + SIZE] = (this.words[list * ROW_WORDS + SIZE] as number) + by;
  }

  // Inboxes: what others gave to a thread's requests, newest first. Without any lock.

  /** Not 0: a thread has told something that the main one has not read. In row 0, which is nobody's. */
  readonly bellWord = ROW_WORDS - 1;

  inboxWord(thread: number): number {
    return (1 + thread) * ROW_WORDS + INBOX;
  }

  /** True when the inbox was empty, so that its thread must be woken. */
  tell(thread: number, request: Row): boolean {
    const inbox = this.inboxWord(thread);
    for (;;) {
      const top = Atomics.load(this.words, inbox);
      this.words[request * ROW_WORDS + GIVEN_BEFORE] = top;
      if (Atomics.compareExchange(this.words, inbox, top, request) === top) return top === 0;
    }
  }

  /** Empties the inbox of `thread`; oldest first. */
  takeInbox(thread: number): readonly Row[] {
    const given: Row[] = [];
    let row = Atomics.exchange(this.words, this.inboxWord(thread), 0);
    for (; row !== 0; row = this.words[row * ROW_WORDS + GIVEN_BEFORE] as number) given.push(row);
    return given.reverse();
  }

  // What only the main thread does.

  /** Before it is used, again or for the first time. */
  clear(row: Row): void {
    this.words.fill(0, row * ROW_WORDS, (row + 1) * ROW_WORDS);
  }

  /** A thread's requests that stand in any list, by endpoint. */
  requestsByEndpoint(thread: number): ReadonlyMap<Row, readonly Row[]> {
    const rows = new Map<Row, Row[]>();
    const first = this.requestsOf(thread);
    for (let row = first; row < first + this.memory.requestsPerThread; row += 1) {
      if (this.get(row, LIST) === 0) continue;
      const endpoint = this.get(row, ENDPOINT);
      const known = rows.get(endpoint);
      if (known === undefined) rows.set(endpoint, [row]);
      else known.push(row);
    }
    return rows;
  }

  /** Takes a request out of its list by the one word that counts; the list is to be made anew. */
  forget(request: Row): void {
    this.set(request, LIST, 0);
  }

  /** Makes the lists of an endpoint anew from what its requests say, after a change that was broken off. */
  rebuild(endpoint: Row, workers: readonly Row[], nowMs: number): void {
    const { words } = this;
    const rows: Row[] = [];
    for (let thread = 0; thread < this.memory.threads; thread += 1) {
      rows.push(...(this.requestsByEndpoint(thread).get(endpoint) ?? []));
    }
    const numberOf = (row: Row): number => words[row * ROW_WORDS + NUMBER] as number;
    // Numbers wrap around; those of requests that are here at the same time are near each other.
    rows.sort((a, b) => (numberOf(a) - numberOf(b)) | 0);
    for (const list of [endpoint, ...workers]) {
      for (const field of [FIRST, LAST, SIZE]) words[list * ROW_WORDS + field] = 0;
    }
    for (const row of rows) {
      const list = this.get(row, LIST);
      if (list === endpoint) words[row * ROW_WORDS + MARKS] = 0;
      this.#linkLast(list, row);
    }
    for (const worker of workers) {
      if (this.running(worker) > 0) this.setIdleSince(worker, 0);
      else if (this.idleSinceMs(worker) === 0) this.setIdleSince(worker, nowMs);
    }
  }
}

/** Hands out rows of one kind, the lowest free one first. */
export class FreeRows {
  readonly #what: string;
  readonly #end: Row;
  readonly #free: Row[] = [];
  #next: Row;

  constructor(what: string, first: Row, count: number) {
    this.#what = what;
    this.#next = first;
    this.#end = first + count;
  }

  static endpoints({ endpoints }: TableMemory): FreeRows {
    return new FreeRows('endpoints', ENDPOINTS_AT, endpoints);
  }

  static workers({ endpoints, workers }: TableMemory): FreeRows {
    return new FreeRows('workers', ENDPOINTS_AT + endpoints, workers);
  }

  /** Null when all are in use. */
  takeOrNull(): Row | null {
    const row = this.#free.pop();
    if (row !== undefined) return row;
    if (this.#next === this.#end) return null;
    this.#next += 1;
    return this.#next - 1;
  }

  take(): Row {
    const row = this.takeOrNull();
    if (row !== null) return row;
    throw new AppError(
      'OPERATION_LIMIT',
      `There is no room for more ${this.#what} in the memory that gateway threads share. Delete some, or set PILOTLIGHT_GATEWAYS to 1.`,
    );
  }

  giveBack(row: Row): void {
    this.#free.push(row);
  }
}
