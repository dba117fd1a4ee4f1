import type { EndpointSettings } from '../../model/endpoint.ts';
import type {
  Advice,
  AdvisedSettings,
  SimulatedFigures,
  SimulatedSettings,
  WaitGoals,
} from '../../ports/what-if.ts';
import { simulateEndpoint } from '../simulate-endpoint.ts';
import { knobsOf, neighboursOf, settingsAt, startingPlaces, type Place } from './knobs.ts';
import { requestsOf, type RequestList } from './request-list.ts';

/** What a search may spend, in simulated requests. */
export interface SearchEffort {
  readonly search: number;
  /** For running the best of a sample on all requests. */
  readonly confirm: number;
  /** Above this number the search runs on a part of the requests of this size. */
  readonly sample: number;
}

/** About two minutes on one core. */
const EFFORT: SearchEffort = { search: 1_500_000, confirm: 3_000_000, sample: 15_000 };
const SAMPLE_BLOCKS = 5;
const BLOCK_GAP_MS = 60_000;
const TRIES_MIN = 40;
const TRIES_MAX = 300;
const CONFIRMED_MIN = 4;
const CONFIRMED_MAX = 12;
/** A difference in cost that is none. */
const SAME_COST = 1.01;
/** More points than a reader wants to compare. */
const FRONTIER_MAX = 12;

export interface AdviseParts {
  readonly requests: RequestList;
  /** What is not searched stays as it is here. */
  readonly base: SimulatedSettings;
  readonly goals: WaitGoals;
  readonly startTimesMs: readonly number[];
  readonly seed: number;
  readonly effort?: SearchEffort;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, of: number) => void;
}

/**
 * Searches the settings that hold the goals with the least worker time: tries places far apart, then
 * the neighbours of the best ones until none is better or the bound of tries is reached. The same
 * requests and seed give the same advice.
 */
export async function advise(parts: AdviseParts): Promise<Advice> {
  const search = new Search(parts);
  return await search.run();
}

interface Tried {
  readonly place: Place;
  readonly advised: AdvisedSettings;
}

class Search {
  readonly #parts: AdviseParts;
  readonly #effort: SearchEffort;
  readonly #sample: RequestList;
  readonly #sampled: boolean;
  readonly #triesMax: number;
  readonly #tried = new Map<string, Tried>();
  readonly #of: number;
  #done = 0;

  constructor(parts: AdviseParts) {
    this.#parts = parts;
    this.#effort = parts.effort ?? EFFORT;
    const { sample, search } = this.#effort;
    const count = parts.requests.arrivalMs.length;
    this.#sampled = count > sample;
    this.#sample = this.#sampled ? sampleOf(parts.requests, sample) : parts.requests;
    const perTry = Math.max(1, this.#sample.arrivalMs.length);
    this.#triesMax = Math.min(TRIES_MAX, Math.max(TRIES_MIN, Math.floor(search / perTry)));
    this.#of = this.#triesMax * perTry + (this.#sampled ? this.#confirmedMax * count : 0);
  }

  async run(): Promise<Advice> {
    const knobs = knobsOf(this.#parts.base.settings);
    for (const place of startingPlaces(this.#settings, knobs))
      await this.#try(settingsAt(this.#settings, knobs, place), place);
    // Rounds over the best few, so that the frontier grows on both sides of the goal.
    const explored = new Set<string>();
    for (;;) {
      const next = this.#promising().find(({ advised }) => !explored.has(keyOf(advised.settings)));
      if (next === undefined || this.#tried.size >= this.#triesMax) break;
      explored.add(keyOf(next.advised.settings));
      for (const place of neighboursOf(knobs, next.place)) {
        if (this.#tried.size >= this.#triesMax) break;
        await this.#try(settingsAt(this.#settings, knobs, place), place);
      }
    }
    const tried = this.#tried.size;
    const known = [...this.#tried.values()].map(({ advised }) => advised);
    const answered = this.#sampled ? await this.#confirmed(known) : known;
    const chosen = this.#choose(answered.filter(holds).sort(byCost));
    const nearest = chosen ?? answered.toSorted(byMiss)[0];
    if (nearest === undefined) throw new RangeError('no setting was tried');
    return {
      chosen,
      nearest,
      frontier: thinned(frontierOf(answered), nearest),
      tried,
      sampled: this.#sampled,
    };
  }

  /** The cheapest; of those that cost as much, the one that changes least. */
  #choose([cheapest, ...rest]: readonly AdvisedSettings[]): AdvisedSettings | null {
    if (cheapest === undefined) return null;
    const limit = cheapest.figures.workerSeconds * SAME_COST;
    const alike = [cheapest, ...rest].filter(({ figures }) => figures.workerSeconds <= limit);
    const changes = ({ settings }: AdvisedSettings): number => changesFrom(this.#settings, settings);
    return alike.sort((one, other) => changes(one) - changes(other))[0] ?? cheapest;
  }

  get #settings(): EndpointSettings {
    return this.#parts.base.settings;
  }

  get #confirmedMax(): number {
    const count = this.#parts.requests.arrivalMs.length;
    return Math.min(CONFIRMED_MAX, Math.max(CONFIRMED_MIN, Math.floor(this.#effort.confirm / count)));
  }

  /** Worth a look around: the cheapest that hold, and, while few hold, those that miss by least; then the frontier. */
  #promising(): Tried[] {
    const all = [...this.#tried.values()];
    const cheapest = all
      .filter(({ advised }) => holds(advised))
      .sort((one, other) => byCost(one.advised, other.advised))
      .slice(0, 3);
    const nearest = all
      .filter(({ advised }) => !holds(advised))
      .sort((one, other) => byMiss(one.advised, other.advised))
      .slice(0, cheapest.length === 0 ? 5 : 2);
    const frontier = new Set(frontierOf(all.map(({ advised }) => advised)));
    return [...cheapest, ...nearest, ...all.filter(({ advised }) => frontier.has(advised))];
  }

  async #try(settings: EndpointSettings, place: Place): Promise<void> {
    const key = keyOf(settings);
    if (this.#tried.has(key)) return;
    this.#tried.set(key, { place, advised: await this.#simulate(settings, this.#sample) });
  }

  /** The best of the sample, run on everything: first those that held it, from the cheapest up. */
  async #confirmed(known: readonly AdvisedSettings[]): Promise<AdvisedSettings[]> {
    const frontier = frontierOf(known);
    const holding = frontier.filter(holds).sort(byCost);
    const missing = frontier.filter((one) => !holds(one)).sort(byMiss);
    const half = Math.ceil(this.#confirmedMax / 2);
    const picked = [
      ...holding.slice(0, half),
      ...missing.slice(0, 2),
      ...holding.slice(half),
      ...missing.slice(2),
    ];
    const confirmed: AdvisedSettings[] = [];
    for (const { settings } of picked.slice(0, this.#confirmedMax)) {
      confirmed.push(await this.#simulate(settings, this.#parts.requests));
    }
    return confirmed;
  }

  async #simulate(settings: EndpointSettings, requests: RequestList): Promise<AdvisedSettings> {
    const { base, startTimesMs, seed, signal, goals, onProgress } = this.#parts;
    const result = await simulateEndpoint({ ...base, settings, startTimesMs, seed }, requestsOf(requests), {
      ...(signal === undefined ? {} : { signal }),
      ...(requests.span === null ? {} : { span: requests.span }),
      onProgress: (done) => onProgress?.(this.#done + done, this.#of),
    });
    this.#done += result.requests;
    onProgress?.(this.#done, this.#of);
    const { durationMs: _durationMs, timeline: _timeline, ...figures } = result;
    return { settings, figures, missRatio: missRatio(figures, goals) };
  }
}

/** The worst of wait ÷ goal. A goal of 0 is held by a wait of 0 alone. */
export function missRatio({ waits }: SimulatedFigures, goals: WaitGoals): number {
  const pairs = [
    [waits.p50Ms, goals.p50Ms],
    [waits.p95Ms, goals.p95Ms],
    [waits.p99Ms, goals.p99Ms],
  ] as const;
  return Math.max(...pairs.map(([wait, goal]) => (goal === null || wait === 0 ? 0 : wait / goal)));
}

function holds({ missRatio: ratio, figures }: AdvisedSettings): boolean {
  return ratio <= 1 && figures.refused === 0;
}

function byCost(one: AdvisedSettings, other: AdvisedSettings): number {
  return one.figures.workerSeconds - other.figures.workerSeconds || byMiss(one, other);
}

function byMiss(one: AdvisedSettings, other: AdvisedSettings): number {
  return (
    one.missRatio - other.missRatio ||
    one.figures.refused - other.figures.refused ||
    one.figures.workerSeconds - other.figures.workerSeconds
  );
}

/** Those that no other one beats in both cost and waiting, the cheapest first. */
export function frontierOf(all: readonly AdvisedSettings[]): AdvisedSettings[] {
  const frontier: AdvisedSettings[] = [];
  let best = Infinity;
  for (const one of all.toSorted(byCost)) {
    if (one.missRatio >= best) continue;
    best = one.missRatio;
    frontier.push(one);
  }
  return frontier;
}

/** Evenly spread over the frontier, both ends among them, and the one that is pointed out. */
function thinned(frontier: readonly AdvisedSettings[], pointedOut: AdvisedSettings): AdvisedSettings[] {
  const last = frontier.length - 1;
  const steps = Math.min(last, FRONTIER_MAX - 2);
  const kept = new Set([pointedOut]);
  for (let step = 0; step <= steps; step += 1) {
    const one = frontier[steps === 0 ? 0 : Math.round((step * last) / steps)];
    // One that costs as much as the chosen one stands for it.
    if (one !== undefined && !(holds(one) && isAlike(one, pointedOut))) kept.add(one);
  }
  return [...kept].sort(byCost);
}

function isAlike(one: AdvisedSettings, other: AdvisedSettings): boolean {
  const costs = [one.figures.workerSeconds, other.figures.workerSeconds];
  return Math.max(...costs) <= Math.min(...costs) * SAME_COST;
}

function changesFrom(base: EndpointSettings, settings: EndpointSettings): number {
  const before = keyOf(base).split(' ');
  return keyOf(settings)
    .split(' ')
    .filter((part, index) => part !== before[index]).length;
}

function keyOf({
  minReplicas,
  idleTimeoutSeconds,
  maxConcurrentPerWorker,
  policy,
}: EndpointSettings): string {
  return [minReplicas, idleTimeoutSeconds, maxConcurrentPerWorker, policy.type, policy.value].join(' ');
}

/** Stretches of requests from all over the list, put behind one another with a pause between them. */
function sampleOf({ arrivalMs, serviceMs, ...rest }: RequestList, requests: number): RequestList {
  const size = Math.floor(requests / SAMPLE_BLOCKS);
  const arrivals = new Float64Array(size * SAMPLE_BLOCKS);
  const services = new Float64Array(size * SAMPLE_BLOCKS);
  let endMs = 0;
  for (let block = 0; block < SAMPLE_BLOCKS; block += 1) {
    const from = Math.floor((block * (arrivalMs.length - size)) / (SAMPLE_BLOCKS - 1));
    const shiftMs = endMs - (arrivalMs[from] ?? 0);
    for (let index = 0; index < size; index += 1) {
      arrivals[block * size + index] = (arrivalMs[from + index] ?? 0) + shiftMs;
      services[block * size + index] = serviceMs[from + index] ?? 0;
    }
    endMs = (arrivals[block * size + size - 1] ?? 0) + BLOCK_GAP_MS;
  }
  const tookMs = arrivals.at(-1) ?? 0;
  // As much silence for each second of requests as all of them have.
  const silence =
    rest.span === null ? 1 : rest.span.totalMs / Math.max(1, (arrivalMs.at(-1) ?? 0) - (arrivalMs[0] ?? 0));
  const span = rest.span === null ? null : { beforeMs: 0, totalMs: tookMs * silence };
  return { ...rest, span, arrivalMs: arrivals, serviceMs: services };
}
