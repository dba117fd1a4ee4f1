import type { EndpointSettings, Policy } from '../../model/endpoint.ts';

/**
 * The settings that a search moves, each by its place in an ordered list. Order matters: neighbours in
 * a list are a little more or a little less of the same.
 */
export interface Knobs {
  readonly min: readonly number[];
  readonly idleTimeout: readonly number[];
  readonly concurrency: readonly number[];
  readonly policy: readonly PolicyChoice[];
}

type PolicyChoice =
  | { readonly type: 'queue'; readonly value: number }
  /** As a share of the requests that one worker takes. */
  | { readonly type: 'concurrency'; readonly share: number };

export interface Place {
  readonly min: number;
  readonly idleTimeout: number;
  readonly concurrency: number;
  readonly policy: number;
}
const KNOB_NAMES = ['min', 'idleTimeout', 'concurrency', 'policy'] as const;

const MINIMA = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1_000];
const IDLE_TIMEOUTS_SECONDS = [1, 3, 10, 30, 60, 120, 300, 600, 1_000];
const QUEUE_SECONDS = [1, 2, 4, 8, 16, 32, 64, 128];
const CONCURRENCY_SHARES = [1, 0.75, 0.5, 0.25];

/**
 * What may be tried for an endpoint. `max_replicas` stays: it says what somebody is ready to spend.
 * More requests a worker than `maxConcurrentPerWorker` are not tried: how much slower each would then
 * be was never measured.
 */
export function knobsOf(base: EndpointSettings): Knobs {
  const { maxReplicas, maxConcurrentPerWorker: most, policy } = base;
  const halves: number[] = [];
  for (let value = most; value >= 1 && halves.length < 5; value = Math.floor(value / 2)) halves.push(value);
  return {
    // With the endpoint's own values, so that what is in force is tried too.
    min: ordered([...MINIMA.filter((value) => value <= maxReplicas), maxReplicas, base.minReplicas]),
    idleTimeout: ordered([...IDLE_TIMEOUTS_SECONDS, base.idleTimeoutSeconds]),
    concurrency: ordered(halves),
    policy: [
      ...ordered([...QUEUE_SECONDS, ...(policy.type === 'queue' ? [policy.value] : [])]).map(
        (value) => ({ type: 'queue', value }) as const,
      ),
      ...ordered([
        ...CONCURRENCY_SHARES,
        ...(policy.type === 'concurrency' ? [Math.min(1, policy.value / most)] : []),
      ])
        .reverse()
        .map((share) => ({ type: 'concurrency', share }) as const),
    ],
  };
}

export function settingsAt(base: EndpointSettings, knobs: Knobs, place: Place): EndpointSettings {
  const concurrency = knobs.concurrency[place.concurrency] ?? base.maxConcurrentPerWorker;
  return {
    ...base,
    minReplicas: knobs.min[place.min] ?? base.minReplicas,
    idleTimeoutSeconds: knobs.idleTimeout[place.idleTimeout] ?? base.idleTimeoutSeconds,
    maxConcurrentPerWorker: concurrency,
    policy: policyAt(knobs.policy[place.policy], concurrency) ?? base.policy,
  };
}

function policyAt(choice: PolicyChoice | undefined, concurrency: number): Policy | null {
  if (choice === undefined) return null;
  if (choice.type === 'queue') return choice;
  return { type: 'concurrency', value: Math.max(1, Math.round(choice.share * concurrency)) };
}

function ordered(values: readonly number[]): number[] {
  return [...new Set(values)].sort((one, other) => one - other);
}

/** Where the endpoint's own settings are. */
function placeOf(base: EndpointSettings, knobs: Knobs): Place {
  const { type, value } = base.policy;
  const share = Math.min(1, value / base.maxConcurrentPerWorker);
  return {
    min: knobs.min.indexOf(base.minReplicas),
    idleTimeout: knobs.idleTimeout.indexOf(base.idleTimeoutSeconds),
    concurrency: knobs.concurrency.indexOf(base.maxConcurrentPerWorker),
    policy: knobs.policy.findIndex((choice) =>
      choice.type === 'queue'
        ? type === 'queue' && choice.value === value
        : type === choice.type && choice.share === share,
    ),
  };
}

/** One step away in one list, both ways; those that exist. */
export function neighboursOf(knobs: Knobs, place: Place): Place[] {
  return KNOB_NAMES.flatMap((name) =>
    [place[name] - 1, place[name] + 1]
      .filter((index) => index >= 0 && index < knobs[name].length)
      .map((index) => ({ ...place, [name]: index })),
  );
}

/** Where a search begins: the settings in force, and places far apart, few enough to try all of them. */
export function startingPlaces(base: EndpointSettings, knobs: Knobs): Place[] {
  const most = knobs.concurrency.length - 1;
  const middle = Math.floor((knobs.min.length - 1) / 2);
  const places = [placeOf(base, knobs)];
  for (const min of new Set([0, Math.min(1, knobs.min.length - 1), middle])) {
    for (const idleTimeout of [1, 4, 7]) {
      for (const policy of [0, 2, 4, 8]) places.push({ min, idleTimeout, concurrency: most, policy });
    }
  }
  return places;
}
