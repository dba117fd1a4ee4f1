import { AppError } from '../../base/errors.ts';
import type { EnvironmentVariable } from '../../model/endpoint.ts';

/** How a simulated worker behaves. Times count from its start unless said otherwise. */
export interface SimulatedKnobs {
  /** How long `prepare` takes. */
  readonly prepareMs: number;
  /** When it is ready. */
  readonly startMs: number;
  /** So many first starts of a revision are refused by the driver. */
  readonly startFailures: number;
  /** Chance, from 0 to 1, that the driver refuses a start. */
  readonly startFailureRate: number;
  readonly neverReady: boolean;
  /** When its health checks begin to fail; null: never. */
  readonly unhealthyAfterMs: number | null;
  /** When it exits on its own with `exitCode`; null: never. */
  readonly exitAfterMs: number | null;
  readonly exitCode: number;
  /** When it is gone without an exit that anybody saw; null: never. */
  readonly vanishAfterMs: number | null;
  /** From the wish to stop to its end. */
  readonly stopMs: number;
  /** It ends only when the grace is over. */
  readonly ignoreStop: boolean;
  /** Status of its answers, where it answers. */
  readonly status: number;
  /** Time until it answers. */
  readonly latencyMs: number;
  /** So many bytes go to its log at its start. */
  readonly logBytes: number;
}

export const DEFAULT_KNOBS: SimulatedKnobs = {
  prepareMs: 0,
  startMs: 300,
  startFailures: 0,
  startFailureRate: 0,
  neverReady: false,
  unhealthyAfterMs: null,
  exitAfterMs: null,
  exitCode: 1,
  vanishAfterMs: null,
  stopMs: 0,
  ignoreStop: false,
  status: 200,
  latencyMs: 0,
  logBytes: 0,
};

const PREFIX = 'SIMULATED_';

/** An upper bound for all counts and times (a day in milliseconds): past it a timer would fire at once. */
const LARGEST = 86_400_000;

/** Knob names as variables: `startMs` is `SIMULATED_START_MS`. Booleans are 0 or 1. */
const VARIABLES = new Map(
  (Object.keys(DEFAULT_KNOBS) as (keyof SimulatedKnobs)[]).map((knob) => [
    PREFIX + knob.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
    knob,
  ]),
);

const RANGES: Partial<Record<keyof SimulatedKnobs, readonly [number, number]>> = {
  startFailureRate: [0, 1],
  neverReady: [0, 1],
  ignoreStop: [0, 1],
  exitCode: [0, 255],
  status: [200, 599],
};

/** The endpoint's `SIMULATED_…` variables over `base`; all faults are told in one error. */
export function knobsOf(
  envs: readonly EnvironmentVariable[],
  base: SimulatedKnobs,
): { readonly knobs: SimulatedKnobs } | { readonly fault: AppError } {
  const knobs: Record<string, number | boolean | null> = { ...base };
  const faults: Record<string, string> = {};
  for (const [index, { key, value }] of envs.entries()) {
    if (!key.startsWith(PREFIX)) continue;
    const knob = VARIABLES.get(key);
    if (knob === undefined) {
      faults[`envs[${index}].key`] = `"${key}" is unknown; known are ${[...VARIABLES.keys()].join(', ')}`;
      continue;
    }
    const [least, most] = RANGES[knob] ?? [0, LARGEST];
    const number = value.trim() === '' ? Number.NaN : Number(value);
    const isWhole = knob === 'startFailureRate' || Number.isInteger(number);
    if (!(number >= least && number <= most && isWhole)) {
      const range = `a ${knob === 'startFailureRate' ? 'number' : 'whole number'} from ${least} to ${most}`;
      faults[`envs[${index}].value`] = `${key} is "${value}"; it takes ${range}`;
      continue;
    }
    knobs[knob] = typeof base[knob] === 'boolean' ? number === 1 : number;
  }
  const messages = Object.values(faults);
  if (messages.length === 0) return { knobs: knobs as unknown as SimulatedKnobs };
  return { fault: new AppError('VALIDATOR_PARAM', messages.join('; '), { metadata: faults }) };
}
