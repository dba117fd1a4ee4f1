/** Outcomes and times that are remembered: what a target is held against where no stable worker serves beside it. */
const OUTCOMES_KEPT = 1_000;
const TIMES_KEPT = 500;

export interface AnswerTime {
  /** From the start of the request on its worker to the first byte of the answer. */
  readonly ms: number;
  /** Requests on the worker when it began, itself included. */
  readonly beside: number;
}

/** What is known of how one revision serves: counts, and its last outcomes and times. */
export class RevisionFigures {
  readonly revision: number;
  /** Answers whose head came; `ended` and `failed` count outcomes, which come later. */
  answered = 0;
  ended = 0;
  failed = 0;
  /** Workers of it that had become ready and broke. */
  deaths = 0;
  readonly #outcomes: boolean[] = [];
  readonly #times: AnswerTime[] = [];

  constructor(revision: number) {
    this.revision = revision;
  }

  /** Oldest first. */
  get outcomes(): readonly boolean[] {
    return inOrder(this.#outcomes, this.ended, OUTCOMES_KEPT);
  }

  /** In no order that tells anything. */
  get times(): readonly AnswerTime[] {
    return this.#times;
  }

  outcome(failed: boolean): void {
    this.#outcomes[this.ended % OUTCOMES_KEPT] = failed;
    this.ended += 1;
    if (failed) this.failed += 1;
  }

  /** `time` null: it says nothing about the revision, as on a worker that warms up. */
  answer(time: AnswerTime | null): void {
    this.answered += 1;
    if (time === null) return;
    this.#times[this.#timesSeen % TIMES_KEPT] = time;
    this.#timesSeen += 1;
  }

  /** The time that the given share of the remembered ones does not exceed; null without any. */
  timeMs(share: number): number | null {
    if (this.#times.length === 0) return null;
    const sorted = this.#times.map(({ ms }) => ms).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
  }

  #timesSeen = 0;
}

function inOrder<Item>(ring: readonly Item[], seen: number, size: number): readonly Item[] {
  const start = seen % size;
  return ring.length < size ? ring : [...ring.slice(start), ...ring.slice(0, start)];
}
