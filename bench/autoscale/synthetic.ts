import { seededRandom, type Random } from '../../src/base/random.ts';
import type { Trace } from './traces.ts';

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

interface Kind {
  readonly name: string;
  readonly durationS: number;
  /** Requests a second at this time; `state` is drawn anew after each mean time of `switchS`. */
  rate(atS: number, state: number): number;
  readonly rateMax: number;
  readonly switchS: number;
  service(random: Random): number;
}

const exponential = (meanS: number) => (random: Random) => -Math.log(1 - random.next()) * meanS;
const never = Infinity;

function poisson(rate: number, durationS: number): Kind {
  return {
    name: `generated-poisson-${rate}`,
    durationS,
    rate: () => rate,
    rateMax: rate,
    switchS: never,
    service: exponential(5),
  };
}

const KINDS: readonly Kind[] = [
  poisson(0.001, 14 * DAY_S),
  poisson(0.01, 5 * DAY_S),
  poisson(0.1, DAY_S),
  poisson(1, 4 * HOUR_S),
  poisson(10, 0.5 * HOUR_S),
  {
    name: 'generated-bursts',
    durationS: 2 * DAY_S,
    rate: (_, state) => (state < 0.1 ? 1.5 : 0.01),
    rateMax: 1.5,
    switchS: 120,
    service: exponential(6),
  },
  {
    name: 'generated-on-off',
    durationS: 3 * DAY_S,
    rate: (_, state) => (state < 0.4 ? 0.2 : 0),
    rateMax: 0.2,
    switchS: 1_800,
    service: exponential(8),
  },
  {
    name: 'generated-diurnal',
    durationS: 3 * DAY_S,
    rate: (atS) => 0.1 * (1 - Math.cos((2 * Math.PI * atS) / DAY_S)) ** 2,
    rateMax: 0.4,
    switchS: never,
    service: exponential(6),
  },
  {
    // Pareto with exponent 1.5 and a mean of 6 s, cut at ten minutes.
    name: 'generated-heavy-tail',
    durationS: DAY_S,
    rate: () => 0.15,
    rateMax: 0.15,
    switchS: never,
    service: (random) => Math.min(600, 2 / (1 - random.next()) ** (1 / 1.5)),
  },
];

/** Traffic of kinds that no rule here was shaped on, the same at every run. */
export function syntheticTraces(): readonly Trace[] {
  return [
    ...KINDS.map((kind, index) => draw(kind, seededRandom(1_000 + index))),
    batches(seededRandom(2_000)),
  ];
}

/** Ten to two hundred short requests at once, half an hour apart in the mean: what a program that loops sends. */
function batches(random: Random): Trace {
  const arrivals: number[] = [];
  const services: number[] = [];
  for (let atS = 0; atS < 3 * DAY_S; atS += exponential(1_800)(random)) {
    const size = Math.round(10 * 20 ** random.next());
    for (let request = 0; request < size; request += 1) {
      arrivals.push(atS + request * 0.01);
      services.push(Math.max(0.001, exponential(1.5)(random)));
    }
  }
  return ordered('generated-batches', arrivals, services);
}

function draw(kind: Kind, random: Random): Trace {
  const arrivals: number[] = [];
  const services: number[] = [];
  let state = random.next();
  let switchAtS = exponential(kind.switchS)(random);
  for (let atS = 0; ;) {
    atS += exponential(1 / kind.rateMax)(random);
    if (atS > kind.durationS) break;
    while (atS > switchAtS) {
      state = random.next();
      switchAtS += exponential(kind.switchS)(random);
    }
    // Thinning: of arrivals at the highest rate, as many stay as the rate of now asks for.
    if (random.next() * kind.rateMax > kind.rate(atS, state)) continue;
    arrivals.push(atS);
    services.push(Math.max(0.001, kind.service(random)));
  }
  return ordered(kind.name, arrivals, services);
}

export function ordered(name: string, arrivals: readonly number[], services: readonly number[]): Trace {
  const order = arrivals.map((_, index) => index).toSorted((a, b) => arrivals[a]! - arrivals[b]!);
  const firstS = arrivals[order[0] ?? 0] ?? 0;
  return {
    name,
    arrivalS: Float64Array.from(order, (index) => arrivals[index]! - firstS),
    serviceS: Float64Array.from(order, (index) => services[index]!),
  };
}
