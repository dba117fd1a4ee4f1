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

/** Whose request it is. Told in the turn in which it happens, in the middle of the queue's own work: it never throws. */
export interface TicketHolder {
  /** The wait has ended, whichever way. Again after each further wait. */
  onTurn(turn: Turn): void;
  /** The running request is to be broken off. Told once. */
  onCut(reason: CutReason): void;
}

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
  /** Its row in the table that gateway threads share; 0 where there is none. */
  row = 0;
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
  #holder: TicketHolder | null = null;

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

  /** `holder` is told from now on; at once of a turn that came, and of a reason to break off. */
  hold(holder: TicketHolder): void {
    this.#holder = holder;
    if (this.cutReason !== null) holder.onCut(this.cutReason);
    if (this.#told !== null) holder.onTurn(this.#told);
  }

  /** Ends the wait. */
  tell(turn: Turn): void {
    this.#told = turn;
    this.#holder?.onTurn(turn);
  }

  /** Forgets the last turn, before another wait. */
  waitAgain(): void {
    this.#told = null;
    this.startedMonotonicMs = 0;
  }

  /** How long it held its slot, when it ends at `nowMonotonicMs`; 0 when it had none. */
  ranMs(nowMonotonicMs: number): number {
    return this.startedMonotonicMs === 0 ? 0 : nowMonotonicMs - this.startedMonotonicMs;
  }

  /** Only the first reason counts. */
  cut(reason: CutReason): void {
    if (this.cutReason !== null) return;
    this.cutReason = reason;
    this.#holder?.onCut(reason);
  }
}
