import type { AppError } from '../base/errors.ts';
import type { QueueEntry } from '../base/linked-queue.ts';
import { requestTransition, type RequestEvent, type RequestState } from '../model/request-state.ts';
import type { RequestName, WaitReason } from '../model/request-timeline.ts';
import type { WorkerSlots } from './worker-slots.ts';

/** Why a running request is broken off by us. */
export type CutReason = 'clientGone' | 'timeout' | 'refused' | 'closed';

/** How a wait for a slot ended. */
export type Turn =
  | { readonly kind: 'slot'; readonly worker: WorkerSlots }
  | { readonly kind: 'refused'; readonly error: AppError }
  | { readonly kind: 'gone' };

/** An admitted request's place: in the queue of its endpoint, or on a slot of a worker. */
export class Ticket {
  readonly arrivedAtMs: number;
  readonly arrivedMonotonicMs: number;
  /** The place among those that wait; null while it runs. */
  waitingEntry: QueueEntry<Ticket> | null = null;
  /** The place among those whose deadline is to come; null once it passed. */
  deadlineEntry: QueueEntry<Ticket> | null = null;
  /** The place among those on its worker; null while it has none. */
  slotEntry: QueueEntry<Ticket> | null = null;
  worker: WorkerSlots | null = null;
  startedAtMs = 0;
  /** 0 while it has no slot. */
  startedMonotonicMs = 0;
  /** Requests on its worker when it began, itself included. */
  beside = 0;
  /** Whether it ever found no free slot. */
  waited = false;
  readonly name: RequestName;
  waitReason: WaitReason | null = null;
  /** Of the answer whose head came. */
  status: number | null = null;
  /** 0 until its answer's head came. */
  firstByteMonotonicMs = 0;
  cutReason: CutReason | null = null;
  /** Read of the request's body by the try that ended last. */
  bodyBytes = 0;
  /** What the client is told of a request that was `closed`. */
  cutError: AppError | null = null;
  #state: RequestState = 'arrived';
  #told: Turn | null = null;
  #resolve: ((turn: Turn) => void) | null = null;
  #turn: Promise<Turn> | null = null;
  #onTurn: ((turn: Turn) => void) | null = null;
  #onCut: ((reason: CutReason) => void) | null = null;

  constructor(name: RequestName, arrivedAtMs: number, arrivedMonotonicMs: number) {
    this.name = name;
    this.arrivedAtMs = arrivedAtMs;
    this.arrivedMonotonicMs = arrivedMonotonicMs;
  }

  get state(): RequestState {
    return this.#state;
  }

  change(event: RequestEvent): void {
    this.#state = requestTransition(this.#state, event);
  }

  /** Resolves when the wait has ended, whichever way. */
  turn(): Promise<Turn> {
    this.#turn ??=
      this.#told === null
        ? new Promise((resolve) => {
            this.#resolve = resolve;
          })
        : Promise.resolve(this.#told);
    return this.#turn;
  }

  /** `task` is told of each turn at once, for whom a promise is too late; also of one that came already. */
  onTurn(task: (turn: Turn) => void): void {
    this.#onTurn = task;
    if (this.#told !== null) task(this.#told);
  }

  /** Ends the wait. The next call of `turn` after it was read begins another one. */
  tell(turn: Turn): void {
    this.#told = turn;
    this.#resolve?.(turn);
    this.#resolve = null;
    this.#onTurn?.(turn);
  }

  /** Forgets the last turn, before another wait. */
  waitAgain(): void {
    this.#told = null;
    this.#turn = null;
    this.#resolve = null;
    this.startedMonotonicMs = 0;
  }

  /** How long it held its slot, when it ends at `nowMonotonicMs`; 0 when it had none. */
  ranMs(nowMonotonicMs: number): number {
    return this.startedMonotonicMs === 0 ? 0 : nowMonotonicMs - this.startedMonotonicMs;
  }

  /** `task` runs when the running request is broken off; at once when that has happened already. */
  onCut(task: ((reason: CutReason) => void) | null): void {
    this.#onCut = task;
    if (task !== null && this.cutReason !== null) task(this.cutReason);
  }

  /** Only the first reason counts. */
  cut(reason: CutReason): void {
    if (this.cutReason !== null) return;
    this.cutReason = reason;
    this.#onCut?.(reason);
  }
}
