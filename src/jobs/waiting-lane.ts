import type { JobId } from '../base/ids.ts';
import type { WaitingJob } from '../ports/job-store.ts';

/** Waiting jobs that memory knows of each lane; the others are known to the store alone. */
export const LANE_MAX = 1_000;
/** With fewer left, the next ones are fetched. */
const LANE_LOW = 250;

/**
 * The oldest waiting jobs of one endpoint and priority, in order, and how many there are in all. A
 * million of them cost no more memory than a thousand: the rest is read when its turn comes.
 *
 *   taken ← [ known, by sequence ] … [ counted alone, in the store ] ← added
 */
export class WaitingLane {
  /** From `#head` on. */
  #known: WaitingJob[] = [];
  #head = 0;
  #count = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** All that wait, known or not. */
  get count(): number {
    return this.#count;
  }

  get known(): number {
    return this.#known.length - this.#head;
  }

  get oldest(): WaitingJob | undefined {
    return this.#known[this.#head];
  }

  *[Symbol.iterator](): IterableIterator<WaitingJob> {
    for (let index = this.#head; index < this.#known.length; index += 1) {
      yield this.#known[index] as WaitingJob;
    }
  }

  /** The sequence behind which the next ones are to be fetched; null while there is no need to. */
  get fetchAfter(): number | null {
    if (this.known >= this.#count || this.known >= LANE_LOW) return null;
    return this.#known.at(-1)?.sequence ?? 0;
  }

  /** It waits from now on: one that is new, or one that comes back to its place. */
  add(job: WaitingJob): void {
    const complete = this.known === this.#count;
    this.#count += 1;
    const last = this.#known.at(-1);
    const inside = this.known > 0 && last !== undefined && job.sequence < last.sequence;
    // Behind a job that memory does not know there is no place for it yet.
    if (!inside && (!complete || this.known >= LANE_MAX)) return;
    this.#insert(job);
  }

  /** Takes in what was fetched; those that are known already come again when both met. */
  fetched(jobs: readonly WaitingJob[]): void {
    const last = this.known === 0 ? 0 : (this.#known.at(-1)?.sequence ?? 0);
    for (const job of jobs) if (job.sequence > last && this.known < this.#count) this.#insert(job);
  }

  /** The next one, no longer waiting; undefined when none is known. */
  shift(): WaitingJob | undefined {
    if (this.known === 0) return undefined;
    const job = this.#known[this.#head] as WaitingJob;
    this.#head += 1;
    this.#count -= 1;
    if (this.#head >= LANE_MAX || this.known === 0) {
      this.#known = this.#known.slice(this.#head);
      this.#head = 0;
    }
    return job;
  }

  /** It waits no more, whether it was known or not. */
  remove(id: JobId): void {
    this.#count = Math.max(0, this.#count - 1);
    const index = this.#known.findIndex((job, at) => at >= this.#head && job.id === id);
    if (index !== -1) this.#known.splice(index, 1);
  }

  /** One that memory does not know was not counted. */
  countOne(): void {
    this.#count += 1;
  }

  #insert(job: WaitingJob): void {
    let at = this.#known.length;
    while (at > this.#head && (this.#known[at - 1] as WaitingJob).sequence > job.sequence) at -= 1;
    if (at === this.#known.length) this.#known.push(job);
    else this.#known.splice(at, 0, job);
  }
}
