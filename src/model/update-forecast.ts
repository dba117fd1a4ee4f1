import type { WorkerId } from '../base/ids.ts';

/** Measured times of one revision's workers, in milliseconds; null: never measured. */
export interface MeasuredTimes {
  readonly pullMs: number | null;
  readonly startMs: number | null;
  /** Of a worker that ran requests; one without ends at once. */
  readonly drainMs: number | null;
  readonly stopMs: number | null;
}
export type TimeName = keyof MeasuredTimes;

export const FORECAST_ACTIONS = ['start', 'drain', 'stop', 'prove', 'finish', 'fail', 'postpone'] as const;

/** One thing that would happen to a worker or to the rollout. */
export interface ForecastStep {
  /** From the change on. */
  readonly atMs: number;
  readonly action: (typeof FORECAST_ACTIONS)[number];
  readonly workerId: WorkerId | null;
  readonly revision: number;
  /** How a started worker gets its place; null for other actions, and where no old one is at stake. */
  readonly mode: 'surge' | 'swap' | 'cold' | null;
  /** Those it gets or gives back. */
  readonly devices: readonly string[];
  /** Workers whose devices it takes over. */
  readonly replaces: readonly WorkerId[];
  readonly why: string;
}

/**
 * `replaced`: no old worker is left in the end. `settled`: there is no rollout, or it is not what the
 * change is about. `asleep`: nothing runs and nothing starts. `failed`: it would be given up. `stuck`: it
 * would wait for something that cannot be foretold.
 */
export type ForecastOutcome = 'replaced' | 'settled' | 'asleep' | 'failed' | 'stuck';

/** What a change would do and cost, as far as it can be told beforehand. */
export interface UpdateForecast {
  readonly outcome: ForecastOutcome;
  /** What the rollout would say last; empty without one. */
  readonly message: string;
  readonly steps: readonly ForecastStep[];
  /** Further ones like the last, where there are many workers. */
  readonly stepsLeftOut: number;
  readonly workersToReplace: number;
  /** Until no old worker is left; null when a time that matters for it was never measured. */
  readonly durationMs: number | null;
  /** The same with those times taken as nothing. */
  readonly atLeastMs: number;
  /** Times that matter and were never measured. */
  readonly unknown: readonly TimeName[];
  /** Null where the duration is not known. */
  readonly waiting: { readonly requests: number; readonly longestMs: number } | null;
  /** Time of workers beyond the number there was before, summed up over them; null likewise. */
  readonly extraWorkerMs: number | null;
}

export interface PriceChange {
  /** Difference for one hour with min_replicas workers, and with max_replicas. */
  readonly atMin: number;
  readonly atMax: number;
}
