import { TimedHeap } from '../../base/timed-heap.ts';
import { ArrivalRate } from './arrival-rate.ts';
import { DemandLevels } from './demand-levels.ts';
import type { LevelWorth } from './level-worth.ts';
import { ShadowFleet, type Candidate, type ShadowWorld } from './shadow-fleet.ts';

/** What of an endpoint's settings and measurements the model must be told. */
export interface LoadSettings {
  readonly slotsPerWorker: number;
  /** How long a worker takes from its start to ready. */
  readonly startMs: number;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** What `idle_timeout` allows: see `idle-keep.ts`. */
  readonly idleLimitMs: number;
  /** What a second of waiting is worth, in worker-seconds. */
  readonly price: number;
}

const CANDIDATES: readonly Candidate[] = [0.3, 1, 3, 9].flatMap((weight) => [
  { weight, burstsGoOn: true },
  { weight, burstsGoOn: false },
]);
/** Weight 1, and bursts that go on: waiting is what users feel at first. */
const FIRST_LEADER = 2;
/** Another candidate takes over when it would have cost so much less. */
const LEAD = 0.02;

/** How long a request is taken to run before one has ended. */
const UNKNOWN_SERVICE_MS = 5_000;
const SERVICE_WEIGHT = 0.05;
/** What is shorter counts as long: rates are reckoned from both times. */
const TIME_MIN_MS = 1;
const RATE_WINDOW_MIN_MS = 60_000;
/** Service times kept for shadows in which requests wait longer than they did. */
const SERVICES_KEPT = 1_024;
/** Requests that would run at once if none ever waited; more are not told apart. */
const DEMAND_MAX = 1_024;
/** Requests that ended and wait to be learned from, in the order of their arrival. */
const ENDED_MAX = 1_024;
/** How fast the patience for slow requests fades, with each request that ends. */
const PATIENCE_FADE = 0.99;
/** Of an endpoint that has served less, nothing is concluded against keeping a worker. */
const YOUNG_REQUESTS = 20;
const YOUNG_KEEP_MS = 60_000;

/**
 * What one endpoint's traffic has taught: how often requests come, how long they run, how demand goes
 * up and down, and how the rule would have fared at each of its weights. Owned by whoever scales the
 * endpoint; it changes only by the calls that tell it what happened and when, so the same calls make
 * the same model. In memory alone, some tens of kilobytes at the most busy endpoints.
 *
 * All but the rate is learned from requests that have ended, replayed in the order of their arrival:
 * only then is it known how long each of them ran, and long ones come together.
 */
export class LoadModel implements ShadowWorld {
  levels: DemandLevels;
  #settings: LoadSettings;
  #shadows: readonly ShadowFleet[];
  #leader = FIRST_LEADER;
  #serviceTimeMs: number | null = null;
  #needed = 0;
  readonly #lastNeededMs: number[] = [];
  readonly #liveRate: ArrivalRate;
  readonly #replayedRate: ArrivalRate;
  #replayedBurstRate = 0;
  #replayedCalmRate = 0;
  #replayedToMs: number;
  #replayed = 0;
  readonly #services: number[] = [];
  readonly #ended = new TimedHeap(ENDED_MAX);
  /** How long after its arrival a request is waited for before later ones are replayed. */
  #patienceMs = 0;
  /** When the requests would end if none of them ever waited. */
  #demand = new TimedHeap(DEMAND_MAX);

  constructor(settings: LoadSettings, nowMs: number) {
    this.#settings = settings;
    this.#replayedToMs = nowMs;
    this.#liveRate = new ArrivalRate(nowMs);
    this.#replayedRate = new ArrivalRate(nowMs);
    this.levels = new DemandLevels(settings.slotsPerWorker, this.startMs);
    this.#shadows = CANDIDATES.map((candidate) => new ShadowFleet(candidate, this, nowMs));
  }

  get slotsPerWorker(): number {
    return this.#settings.slotsPerWorker;
  }

  get startMs(): number {
    return Math.max(TIME_MIN_MS, this.#settings.startMs);
  }

  get minWorkers(): number {
    return this.#settings.minWorkers;
  }

  get maxWorkers(): number {
    return this.#settings.maxWorkers;
  }

  get idleLimitMs(): number {
    return this.#settings.idleLimitMs;
  }

  get price(): number {
    return this.#settings.price;
  }

  /** Mean time a request holds its slot; assumed before the first one ended. */
  get serviceTimeMs(): number {
    return Math.max(TIME_MIN_MS, this.#serviceTimeMs ?? UNKNOWN_SERVICE_MS);
  }

  /** The same, null before the first one ended. */
  get measuredServiceMs(): number | null {
    return this.#serviceTimeMs;
  }

  /** Arrivals a millisecond, as of the last request replayed. */
  arrivalRate(burstsGoOn: boolean): number {
    return burstsGoOn ? this.#replayedBurstRate : this.#replayedCalmRate;
  }

  /** Arrivals a millisecond, as of now. */
  rateAt(nowMs: number): number {
    return this.#rateOf(this.#liveRate, nowMs, this.#shadows[this.#leader]!.burstsGoOn);
  }

  #rateOf(rate: ArrivalRate, atMs: number, burstsGoOn: boolean): number {
    return rate.at(atMs, this.#rateWindowMs, burstsGoOn ? 0 : this.startMs);
  }

  get #rateWindowMs(): number {
    return Math.max(RATE_WINDOW_MIN_MS, 2 * this.startMs);
  }

  /** The weight in use. */
  get weight(): number {
    return this.#shadows[this.#leader]!.weight;
  }

  /** Whether bursts are taken to go on. */
  get burstsGoOn(): boolean {
    return this.#shadows[this.#leader]!.burstsGoOn;
  }

  /** What each candidate would have cost lately. Worker × milliseconds. */
  get scores(): readonly (Candidate & { readonly score: number })[] {
    return this.#shadows.map(({ weight, burstsGoOn, score }) => ({ weight, burstsGoOn, score }));
  }

  /** What a worker of this level (1: the first) is worth at the weight in use. */
  worthOf(level: number, nowMs: number): LevelWorth {
    return this.#shadows[this.#leader]!.worthOf(level, nowMs);
  }

  /** How long an idle worker is kept while `level` workers are there: never longer than its limit. */
  keepIdleMs(level: number, nowMs: number): number {
    const { keepMs } = this.worthOf(level, nowMs);
    const young = this.#replayed < YOUNG_REQUESTS;
    return Math.min(this.idleLimitMs, young ? Math.max(YOUNG_KEEP_MS, keepMs) : keepMs);
  }

  /** So many workers are what runs and waits now. */
  noteNeeded(workers: number, nowMs: number): void {
    for (let level = workers + 1; level <= this.#needed; level += 1) this.#lastNeededMs[level] = nowMs;
    this.#needed = workers;
  }

  /** When so many workers were needed last: null when never, Infinity while they are. */
  lastNeededMs(level: number): number | null {
    return level <= this.#needed ? Infinity : (this.#lastNeededMs[level] ?? null);
  }

  serviceOf(request: number): number {
    return this.#services[request % SERVICES_KEPT] ?? this.serviceTimeMs;
  }

  /**
   * Settings count from the next request on. With other slots a worker is another thing, and all that
   * was learned of levels is void; at another price so are the scores.
   */
  configure(settings: LoadSettings, nowMs: number): void {
    const before = this.#settings;
    this.#settings = settings;
    if (settings.slotsPerWorker !== before.slotsPerWorker) {
      this.levels = new DemandLevels(settings.slotsPerWorker, this.startMs);
      this.#demand = new TimedHeap(DEMAND_MAX);
    }
    this.levels.startTime(this.startMs);
    if (settings.slotsPerWorker !== before.slotsPerWorker || settings.price !== before.price) {
      this.#replayedToMs = Math.max(this.#replayedToMs, nowMs);
      this.#shadows = CANDIDATES.map((candidate) => new ShadowFleet(candidate, this, this.#replayedToMs));
      this.#leader = FIRST_LEADER;
    }
  }

  arrived(nowMs: number): void {
    this.#liveRate.arrived(nowMs, this.#rateWindowMs);
    this.#replayDue(nowMs);
  }

  /** A request that arrived at `arrivedMs` has given its slot back after `runMs`. */
  served(arrivedMs: number, runMs: number, nowMs: number): void {
    const known = this.#serviceTimeMs;
    this.#serviceTimeMs = known === null ? runMs : known + (runMs - known) * SERVICE_WEIGHT;
    this.#patienceMs = Math.max(this.#patienceMs * PATIENCE_FADE, nowMs - arrivedMs);
    if (this.#ended.full) this.#replayEarliest();
    this.#ended.push(arrivedMs, runMs);
    this.#replayDue(nowMs);
  }

  #replayDue(nowMs: number): void {
    while (this.#ended.earliest <= nowMs - this.#patienceMs) this.#replayEarliest();
  }

  #replayEarliest(): void {
    // One that took longer than was waited for comes late, but never before what was replayed already.
    const atMs = Math.max(this.#replayedToMs, this.#ended.earliest);
    const runMs = this.#ended.pop();
    this.#replayedToMs = atMs;
    this.#replayedRate.arrived(atMs, this.#rateWindowMs);
    this.#replayedBurstRate = this.#rateOf(this.#replayedRate, atMs, true);
    this.#replayedCalmRate = this.#rateOf(this.#replayedRate, atMs, false);
    this.#services[this.#replayed % SERVICES_KEPT] = runMs;
    this.#replayed += 1;
    while (this.#demand.earliest <= atMs) {
      const endMs = this.#demand.earliest;
      this.#demand.pop();
      this.levels.fewer(endMs);
    }
    if (!this.#demand.full) {
      this.levels.more(atMs);
      this.#demand.push(atMs + runMs, 0);
    }
    for (const shadow of this.#shadows) shadow.arrive(atMs);
    this.#follow();
  }

  #follow(): void {
    let best = this.#leader;
    for (let index = 0; index < this.#shadows.length; index += 1) {
      if (this.#shadows[index]!.score < this.#shadows[best]!.score) best = index;
    }
    if (this.#shadows[best]!.score < this.#shadows[this.#leader]!.score * (1 - LEAD)) this.#leader = best;
  }
}
