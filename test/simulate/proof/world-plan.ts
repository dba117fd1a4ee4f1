import fc from 'fast-check';

/**
 * A whole world as data: what it is made of and what happens in it, step by step. A plan is drawn from
 * a seed, and a plan that breaks an invariant shrinks to the few steps that matter.
 */
export type WorldPlan = SharedPlan | RoomyPlan;

/** Several endpoints that share devices, and everything that can go wrong. */
export interface SharedPlan {
  readonly kind: 'shared';
  readonly seed: number;
  readonly devices: number;
  readonly maxSurge: number;
  /** How long a write to the store takes. */
  readonly writeMs: number;
  /** How long a call of the driver takes to be answered. */
  readonly callMs: number;
  readonly steps: readonly WorldStep[];
}

/**
 * One endpoint that has room beside it, under a load that never pauses, changed by sound and broken
 * updates: there `min_replicas` workers stand ready at every moment, and no request is lost.
 */
export interface RoomyPlan {
  readonly kind: 'roomy';
  readonly seed: number;
  readonly min: number;
  readonly gpu: boolean;
  readonly commands: readonly string[];
  /** Half seconds of load between two updates. */
  readonly rounds: number;
}

/** Endpoints of a shared world; 0 and 1 want devices, 2 does not. */
export const ENDPOINTS = 3;

export type WorldStep =
  | { readonly kind: 'arrive'; readonly endpoint: number; readonly count: number; readonly serviceMs: number }
  /** Clients that leave before they have an answer. */
  | {
      readonly kind: 'impatient';
      readonly endpoint: number;
      readonly count: number;
      readonly patienceMs: number;
      readonly closeMs: number;
    }
  /** One request every so often, while time passes. */
  | { readonly kind: 'stream'; readonly endpoint: number; readonly everyMs: number; readonly count: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'update'; readonly endpoint: number; readonly command: string }
  | {
      readonly kind: 'limits';
      readonly endpoint: number;
      readonly min: number;
      readonly max: number;
      readonly slots: number;
    }
  | { readonly kind: 'timeouts'; readonly endpoint: number; readonly idle: number; readonly request: number }
  | {
      readonly kind: 'policy';
      readonly endpoint: number;
      readonly type: 'queue' | 'concurrency';
      readonly value: number;
    }
  | { readonly kind: 'gpus'; readonly endpoint: number; readonly gpus: number }
  | { readonly kind: 'delete'; readonly endpoint: number }
  /** A worker's process ends by itself. */
  | { readonly kind: 'crash'; readonly pick: number }
  /** It is gone and nobody is told. */
  | { readonly kind: 'vanish'; readonly pick: number }
  /** From now on every start of this endpoint's workers fails, or works again. */
  | { readonly kind: 'sick'; readonly endpoint: number; readonly sick: boolean }
  | { readonly kind: 'health'; readonly pick: number; readonly healthy: boolean }
  /** A coming call of the driver goes wrong. */
  | {
      readonly kind: 'driverFault';
      readonly call: 'start' | 'stop';
      readonly fault: 'failed' | 'answerLost';
    }
  /** A coming write goes wrong. */
  | { readonly kind: 'storeFault'; readonly fault: 'conflict' | 'failed' | 'answerLost' }
  /** Somebody sets the wall clock. */
  | { readonly kind: 'wall'; readonly ms: number }
  /** The server is killed and started again. */
  | { readonly kind: 'restart' }
  /** It is stopped, and the next one starts before its process is gone. */
  | { readonly kind: 'handOver' }
  /** The server dies in the middle of what it will do then. */
  | { readonly kind: 'dieAfter'; readonly calls: number };

/** What a revision's workers do: the first ones are sound. */
const COMMANDS = [
  'start=100',
  'start=2000',
  'start=300 stop=2000',
  'pull=800 start=200',
  'exit',
  'never',
  'start=50 dies=3000',
] as const;

const endpoint = fc.nat({ max: ENDPOINTS - 1 });

function of<Kind extends WorldStep['kind']>(
  weight: number,
  kind: Kind,
  fields: { [Field in Exclude<keyof Extract<WorldStep, { kind: Kind }>, 'kind'>]: fc.Arbitrary<unknown> },
): fc.WeightedArbitrary<WorldStep> {
  return {
    weight,
    arbitrary: fc.record({ kind: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<WorldStep>,
  };
}

const between = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });

const step: fc.Arbitrary<WorldStep> = fc.oneof(
  of(8, 'arrive', { endpoint, count: between(1, 12), serviceMs: between(1, 8_000) }),
  of(8, 'advance', { ms: between(1, 20_000) }),
  of(3, 'stream', { endpoint, everyMs: between(20, 1_000), count: between(5, 40) }),
  of(2, 'impatient', {
    endpoint,
    count: between(1, 6),
    patienceMs: between(1, 3_000),
    closeMs: between(0, 2_000),
  }),
  of(4, 'update', { endpoint, command: fc.constantFrom(...COMMANDS) }),
  of(2, 'limits', { endpoint, min: between(0, 2), max: between(0, 4), slots: between(1, 4) }),
  of(1, 'timeouts', { endpoint, idle: between(1, 60), request: between(5, 120) }),
  of(1, 'policy', { endpoint, type: fc.constantFrom('queue', 'concurrency'), value: between(1, 4) }),
  of(1, 'gpus', { endpoint, gpus: between(1, 2) }),
  of(1, 'delete', { endpoint }),
  of(1, 'crash', { pick: fc.nat({ max: 20 }) }),
  of(1, 'vanish', { pick: fc.nat({ max: 20 }) }),
  of(1, 'sick', { endpoint, sick: fc.boolean() }),
  of(1, 'health', { pick: fc.nat({ max: 20 }), healthy: fc.boolean() }),
  of(2, 'driverFault', {
    call: fc.constantFrom('start', 'stop'),
    fault: fc.constantFrom('failed', 'answerLost'),
  }),
  of(1, 'storeFault', { fault: fc.constantFrom('conflict', 'failed', 'answerLost') }),
  of(1, 'wall', { ms: between(-3_600_000, 3_600_000) }),
  of(1, 'restart', {}),
  of(1, 'handOver', {}),
  of(2, 'dieAfter', { calls: between(1, 12) }),
);

const sharedPlan: fc.Arbitrary<SharedPlan> = fc.record({
  kind: fc.constant('shared' as const),
  seed: fc.nat(),
  devices: between(2, 4),
  maxSurge: fc.constantFrom(1, 1, 1, 0, 2),
  writeMs: fc.constantFrom(0, 0, 3, 200),
  callMs: fc.constantFrom(0, 0, 5, 400),
  steps: fc.array(step, { minLength: 1, maxLength: 40 }),
});

const roomyPlan: fc.Arbitrary<RoomyPlan> = fc.record({
  kind: fc.constant('roomy' as const),
  seed: fc.nat(),
  min: between(1, 3),
  gpu: fc.boolean(),
  commands: fc.array(fc.constantFrom('start=100', 'start=2000 stop=3000', 'exit', 'never'), {
    minLength: 1,
    maxLength: 4,
  }),
  rounds: between(1, 30),
});

export const worldPlan: fc.Arbitrary<WorldPlan> = fc.oneof(
  { weight: 9, arbitrary: sharedPlan },
  { weight: 1, arbitrary: roomyPlan },
);
