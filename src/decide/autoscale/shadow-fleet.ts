import { TimedHeap } from '../../base/timed-heap.ts';
import type { DemandLevels } from './demand-levels.ts';
import { startingOutlook, type StartingOutlook } from './expected-waiting.ts';
import type { LevelWorth } from './level-worth.ts';
import { workersForQueue, type FleetOutlook } from './marginal-rule.ts';
import { WorthTable } from './worth-table.ts';

/** What a shadow needs to know of the endpoint; measured, and the same for all of its shadows. */
export interface ShadowWorld {
  readonly slotsPerWorker: number;
  readonly startMs: number;
  readonly serviceTimeMs: number;
  /** Arrivals a millisecond, as of the request that came last. */
  arrivalRate(burstsGoOn: boolean): number;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly idleLimitMs: number;
  /** What a second of waiting is worth, in worker-seconds. */
  readonly price: number;
  readonly levels: DemandLevels;
  /** How long the n-th request runs. */
  serviceOf(request: number): number;
}

/** How a shadow differs from the others: what cannot be known but by trying. */
export interface Candidate {
  /** How many times as dear as forecast the lack of a worker is taken to be. */
  readonly weight: number;
  readonly burstsGoOn: boolean;
}

/** Requests that run at once in a shadow; beyond them it lets requests wait. */
const RUNNING_MAX = 1_024;
/** Scores fade with this time constant, in so many steps. */
const SCORE_MEMORY_MS = 6 * 3_600_000;
const SCORE_STEPS = 64;
/** A start that is due, or overdue, is expected within this share of a start time. */
const OVERDUE_SHARE = 0.1;

/** When a worker that started `elapsedMs` ago is expected to be ready, from now. */
export function readyInMs(elapsedMs: number, startMs: number): number {
  return Math.max(OVERDUE_SHARE * startMs, startMs - elapsedMs);
}

/**
 * The endpoint as it would be had the rule always weighed the lack of a worker with `weight`: the same
 * requests, imagined workers. Its score is what it would have cost. It knows workers as numbers alone:
 * requests are taken to be packed on as few as can hold them, so that those beyond are idle.
 */
export class ShadowFleet implements FleetOutlook {
  readonly weight: number;
  /** A burst is taken to go on through the time that is looked ahead, and not only as long again as it lasted. */
  readonly burstsGoOn: boolean;
  starting: StartingOutlook = startingOutlook([]);
  waiting = 0;
  running = 0;
  /** Worker and waiting time at the price, faded. Worker × milliseconds. */
  score = 0;
  readonly #worths = new WorthTable();
  #world: ShadowWorld;
  #nowMs: number;
  #fadedToMs: number;
  #ready = 0;
  readonly #readyAtMs: number[] = [];
  readonly #ends = new TimedHeap(RUNNING_MAX);
  /** When the n-th worker was last busy, by n. */
  readonly #lastBusyMs: number[] = [];
  #begun = 0;
  #releaseAtMs = Infinity;

  constructor({ weight, burstsGoOn }: Candidate, world: ShadowWorld, nowMs: number) {
    this.weight = weight;
    this.burstsGoOn = burstsGoOn;
    this.#world = world;
    this.#nowMs = nowMs;
    this.#fadedToMs = nowMs;
  }

  get live(): number {
    return this.#ready + this.#readyAtMs.length;
  }

  get slots(): number {
    return this.#ready * this.#world.slotsPerWorker;
  }

  get slotsPerWorker(): number {
    return this.#world.slotsPerWorker;
  }

  get serviceTimeMs(): number {
    return this.#world.serviceTimeMs;
  }

  get arrivalRate(): number {
    return this.#world.arrivalRate(this.burstsGoOn);
  }

  /** What a worker of this level is worth to this shadow. */
  worthOf(level: number, nowMs: number): LevelWorth {
    const { levels, startMs, serviceTimeMs, price, idleLimitMs } = this.#world;
    const { arrivalRate } = this;
    const factors = { startMs, serviceTimeMs, arrivalRate, price: price * this.weight, idleLimitMs };
    return this.#worths.of(level, levels, factors, nowMs);
  }

  /** One more request came; all that happened since the last one happens first. */
  arrive(nowMs: number): void {
    this.#advance(nowMs);
    this.waiting += 1;
    this.#dispatch();
    this.#decide();
  }

  #advance(toMs: number): void {
    const { slotsPerWorker } = this.#world;
    for (;;) {
      const endMs = this.#ends.earliest;
      const readyMs = this.#readyAtMs[0] ?? Infinity;
      const atMs = Math.min(endMs, readyMs, this.#releaseAtMs);
      if (atMs > toMs) break;
      this.#spend(atMs);
      if (atMs === endMs) {
        this.#ends.pop();
        const busy = Math.ceil(this.running / slotsPerWorker);
        this.running -= 1;
        this.#dispatch();
        if (Math.ceil(this.running / slotsPerWorker) < busy) this.#lastBusyMs[busy] = atMs;
        this.#planRelease();
      } else if (atMs === readyMs) {
        this.#readyAtMs.shift();
        this.#ready += 1;
        this.#lastBusyMs[this.#ready] = atMs;
        this.#dispatch();
        this.#decide();
      } else {
        this.#ready -= 1;
        this.#planRelease();
      }
    }
    this.#spend(toMs);
  }

  #spend(toMs: number): void {
    const forMs = toMs - this.#nowMs;
    if (forMs <= 0) return;
    this.score += (this.live + this.#world.price * this.waiting) * forMs;
    this.#nowMs = toMs;
    const unfadedMs = toMs - this.#fadedToMs;
    if (unfadedMs < SCORE_MEMORY_MS / SCORE_STEPS) return;
    this.score *= Math.exp(-unfadedMs / SCORE_MEMORY_MS);
    this.#fadedToMs = toMs;
  }

  #dispatch(): void {
    while (this.waiting > 0 && this.running < this.slots && !this.#ends.full) {
      this.waiting -= 1;
      this.running += 1;
      this.#ends.push(this.#nowMs + this.#world.serviceOf(this.#begun), 0);
      this.#begun += 1;
    }
  }

  #decide(): void {
    if (this.waiting > 0) this.#startForQueue();
    else this.#planRelease();
  }

  #startForQueue(): void {
    this.#releaseAtMs = Infinity;
    const { startMs, price, maxWorkers } = this.#world;
    const nowMs = this.#nowMs;
    this.starting = startingOutlook(
      this.#readyAtMs.map((atMs) => readyInMs(startMs - (atMs - nowMs), startMs)),
    );
    const { workers } = workersForQueue(this, {
      startMs,
      price,
      maxWorkers,
      keepSaves: (level) => this.worthOf(level, nowMs).keepSaves,
    });
    for (let count = this.live; count < workers; count += 1) {
      // A start that got shorter does not overtake: the list stays sorted.
      this.#readyAtMs.push(Math.max(nowMs + startMs, this.#readyAtMs.at(-1) ?? 0));
    }
  }

  /** As for real workers: the last one leaves when it was idle for long enough, and none while one starts. */
  #planRelease(): void {
    this.#releaseAtMs = Infinity;
    const { slotsPerWorker, minWorkers } = this.#world;
    const busy = Math.ceil(this.running / slotsPerWorker);
    if (this.#readyAtMs.length > 0 || this.#ready <= Math.max(busy, minWorkers)) return;
    const { keepMs } = this.worthOf(this.#ready, this.#nowMs);
    this.#releaseAtMs = Math.max(this.#nowMs, (this.#lastBusyMs[this.#ready] ?? this.#nowMs) + keepMs);
  }
}
