import type { EndpointWorld } from '../../world.ts';
import { sampleShare } from './sample-share.ts';

/** Sums of fractions end a little beside the whole. */
const EPSILON = 1e-6;

/** Requests of a played endpoint: they come evenly, and those that wait are a queue as a fluid. */
export class PlayedTraffic {
  readonly #world: EndpointWorld;
  readonly #beginMs: number;
  readonly #arrivalsPerMs: number;
  #queue: number;
  #answered = 0;

  constructor(world: EndpointWorld, requestsPerSecond: number, nowMs: number) {
    this.#world = world;
    this.#beginMs = nowMs;
    this.#arrivalsPerMs = requestsPerSecond / 1_000;
    this.#queue = world.waiting;
  }

  /** How many requests run at once, in the mean, while none has to wait. */
  get runningMean(): number {
    return this.#arrivalsPerMs * (this.#world.load.measuredServiceMs ?? 0);
  }

  /** Answers that the target gave since its proof began. */
  get answered(): number {
    return Math.floor(this.#answered + EPSILON);
  }

  beginProof(): void {
    this.#answered = 0;
  }

  /** `proving`: so many of the ready workers are under proof. */
  elapse(durationMs: number, ready: number, proving: number): void {
    this.#answered += durationMs * this.#samplesPerMs(ready, proving);
    this.#queue = Math.max(0, this.#queue - durationMs * this.#queueLossPerMs(ready));
  }

  /** Until `requests` answers of workers under proof are there; null: they will not be. */
  answeredInMs(requests: number, ready: number, proving: number): number | null {
    const left = requests - this.#answered;
    const perMs = this.#samplesPerMs(ready, proving);
    return left > 0 && perMs > 0 ? Math.ceil(left / perMs) : null;
  }

  /** Until nobody waits any more; null when nobody does, or when that does not come. */
  queueEndsInMs(ready: number): number | null {
    const loss = this.#queueLossPerMs(ready);
    // Where no service time is known it is gone with the next moment.
    return this.#queue > EPSILON && loss > 0 ? Math.max(1, Math.ceil(this.#queue / loss)) : null;
  }

  /** Those that wait came evenly; in the beginning they are those that wait in truth. */
  waiting(nowMs: number): Pick<EndpointWorld, 'waiting' | 'waitingSinceMs' | 'earliestDeadlineMs'> {
    const { waiting, waitingSinceMs, earliestDeadlineMs, settings } = this.#world;
    if (nowMs === this.#beginMs) return { waiting, waitingSinceMs, earliestDeadlineMs };
    const count = Math.floor(this.#queue + EPSILON);
    if (count === 0) return { waiting: 0, waitingSinceMs: [], earliestDeadlineMs: null };
    const perMs = this.#arrivalsPerMs;
    const oldestMs = perMs > 0 ? nowMs - this.#queue / perMs : (waitingSinceMs[0] ?? this.#beginMs);
    return {
      waiting: count,
      waitingSinceMs: Array.from({ length: Math.min(count, 1_000) }, () => oldestMs),
      earliestDeadlineMs: oldestMs + settings.requestTimeoutSeconds * 1_000,
    };
  }

  /** While some wait, every slot is in use; else those under proof get their share of what comes. */
  #samplesPerMs(ready: number, proving: number): number {
    const capacity = this.#capacityPerMs(proving);
    if (this.#queue > EPSILON && capacity < Infinity) return capacity;
    const slots = this.#world.settings.maxConcurrentPerWorker;
    const others = (ready - proving) * slots;
    return sampleShare(proving * slots, others, this.runningMean) * this.#arrivalsPerMs;
  }

  #capacityPerMs(workers: number): number {
    if (workers === 0) return 0;
    const serviceMs = this.#world.load.measuredServiceMs ?? 0;
    return serviceMs === 0 ? Infinity : (workers * this.#world.settings.maxConcurrentPerWorker) / serviceMs;
  }

  /** How fast the queue shrinks; below 0 it grows. */
  #queueLossPerMs(ready: number): number {
    return this.#capacityPerMs(ready) - this.#arrivalsPerMs;
  }
}
