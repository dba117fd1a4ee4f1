import { seededRandom, type Random } from '../../src/base/random.ts';
import { ordered } from './synthetic.ts';
import type { Trace } from './traces.ts';

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const PER_KIND = 3;
const REQUESTS_MAX = 15_000;

/**
 * Traffic whose kind and measures were drawn by chance, for a last look: written down before the rule
 * was changed with none of it seen. Its times do not come from `synthetic.ts`: here requests cause
 * others, come in sessions, at set times of the day, or after gaps of one distribution.
 */
export function drawnTraces(): readonly Trace[] {
  return KINDS.flatMap(({ name, arrivals }, kind) =>
    Array.from({ length: PER_KIND }, (_, index) => {
      const random = seededRandom(7_000 + 100 * kind + index);
      const service = serviceOf(random);
      const times = arrivals(random).slice(0, REQUESTS_MAX);
      return ordered(
        `drawn-${name}-${index + 1}`,
        times,
        times.map(() => service()),
      );
    }),
  );
}

interface Kind {
  readonly name: string;
  readonly arrivals: (random: Random) => number[];
}

const KINDS: readonly Kind[] = [
  { name: 'excited', arrivals: excited },
  { name: 'sessions', arrivals: sessions },
  { name: 'timetable', arrivals: timetable },
  { name: 'renewal', arrivals: renewal },
  { name: 'office', arrivals: office },
];

/** Each request causes others, soon or later: a Hawkes process as clusters of descendants. */
function excited(random: Random): number[] {
  const meanRate = 10 ** between(random, -2.5, -0.3);
  const children = between(random, 0.3, 0.9);
  const delayS = 10 ** between(random, 0.5, 2.5);
  const durationS = Math.min(4 * DAY_S, 8_000 / meanRate);
  const times: number[] = [];
  for (let atS = 0; atS < durationS; atS += exponential(random, 1 / (meanRate * (1 - children)))) {
    const open = [atS];
    for (let parentS = open.pop(); parentS !== undefined; parentS = open.pop()) {
      times.push(parentS);
      for (let left = poisson(random, children); left > 0; left -= 1) {
        open.push(parentS + exponential(random, delayS));
      }
    }
  }
  return times.toSorted((one, other) => one - other);
}

/** People who come, ask some times with time to think between, and go. */
function sessions(random: Random): number[] {
  const everyS = 10 ** between(random, 1.5, 3.5);
  const questions = between(random, 3, 20);
  const thinkS = between(random, 15, 90);
  const durationS = Math.min(4 * DAY_S, (8_000 / questions) * everyS);
  const times: number[] = [];
  for (let fromS = 0; fromS < durationS; fromS += exponential(random, everyS)) {
    for (let atS = fromS, more = true; more; more = random.next() < 1 - 1 / questions) {
      times.push(atS);
      atS += thinkS * Math.exp(normal(random) - 0.5);
    }
  }
  return times.toSorted((one, other) => one - other);
}

/** Programs that run at set times: a batch of requests each, in one go or one after the other. */
function timetable(random: Random): number[] {
  const times: number[] = [];
  const jobs = 1 + Math.floor(random.next() * 3);
  for (let job = 0; job < jobs; job += 1) {
    const everyS = [300, 600, 900, 1_800, 3_600][Math.floor(random.next() * 5)]!;
    const size = Math.round(10 ** between(random, 0, 1.7));
    const apartS = random.next() < 0.5 ? 0.05 : 10;
    const jitterS = random.next() * 120;
    for (let fromS = random.next() * everyS; fromS < 2 * DAY_S; fromS += everyS) {
      const atS = fromS + random.next() * jitterS;
      for (let index = 0; index < size; index += 1) times.push(atS + index * apartS);
    }
  }
  return times.toSorted((one, other) => one - other);
}

/** Gaps of a log-normal distribution: many short ones and a few very long ones. */
function renewal(random: Random): number[] {
  const meanS = 10 ** between(random, 0.5, 3);
  const sigma = between(random, 0.8, 2.2);
  const durationS = Math.min(7 * DAY_S, 6_000 * meanS);
  const times: number[] = [];
  for (let atS = 0; atS < durationS;) {
    times.push(atS);
    atS += meanS * Math.exp(sigma * normal(random) - (sigma * sigma) / 2);
  }
  return times;
}

/** Working hours with a pause at noon, and hardly anything at night. */
function office(random: Random): number[] {
  const peakRate = 10 ** between(random, -2, -0.3);
  const nightShare = random.next() * 0.02;
  const durationS = Math.min(5 * DAY_S, 20_000 / peakRate);
  const times: number[] = [];
  for (let atS = 0; atS < durationS; atS += exponential(random, 1 / peakRate)) {
    const hour = (atS / HOUR_S + 8) % 24;
    const works = hour >= 9 && hour < 18;
    const share = works ? (hour >= 12 && hour < 13 ? 0.3 : 1) : nightShare;
    if (random.next() < share) times.push(atS);
  }
  return times;
}

/** Log-normal service times. Seconds. */
function serviceOf(random: Random): () => number {
  const meanS = 10 ** between(random, 0, 1.3);
  const sigma = between(random, 0.3, 1.2);
  return () => Math.max(0.001, Math.min(600, meanS * Math.exp(sigma * normal(random) - (sigma * sigma) / 2)));
}

function between(random: Random, least: number, most: number): number {
  return least + (most - least) * random.next();
}

function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random.next()) * mean;
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

function poisson(random: Random, mean: number): number {
  let count = 0;
  for (let product = random.next(); product > Math.exp(-mean); product *= random.next()) count += 1;
  return count;
}
