/** A number of workers, or a share of those the endpoint may have. */
export interface WorkerAmount {
  readonly value: number;
  readonly unit: 'workers' | 'percent';
}

export interface GuardOptions {
  readonly enabled: boolean;
  /** A target is too slow when it takes more than this many times as long to the first byte. */
  readonly slowdown: number;
  /** Failed requests without which no verdict falls on failures. */
  readonly minFailures: number;
}

/** How one rollout goes about its work; kept with it, so that a restart of the server changes nothing. */
export interface RolloutOptions {
  /** Workers above the wanted number during a rollout; 0 replaces strictly in place. */
  readonly maxSurge: WorkerAmount;
  /** Workers of the target that are there while it is being proven; at least one. */
  readonly firstStep: WorkerAmount;
  /** Proven after this time in service, or this many answered requests, whichever is sooner. */
  readonly bakeMs: number;
  readonly bakeRequests: number;
  /** How long the target is still guarded when no old worker is left; 0: not at all. */
  readonly watchMs: number;
  /** Running requests on a draining worker are closed after this time; 0: never. */
  readonly drainDeadlineMs: number;
  readonly guard: GuardOptions;
}

/** What an update says of its rollout; the rest is the server's default. */
export type RolloutChoices = Partial<Omit<RolloutOptions, 'guard'>> & {
  readonly guard?: Partial<GuardOptions>;
};

export function chosenOptions(defaults: RolloutOptions, choices: RolloutChoices): RolloutOptions {
  return { ...defaults, ...choices, guard: { ...defaults.guard, ...choices.guard } };
}

/** `2`, or `25%`; null when it is neither, or beyond `min` or `max` workers, or 100 %. A share is above 0 where `min` is. */
export function workerAmountOf(text: string, min: number, max: number): WorkerAmount | null {
  const match = /^(\d{1,6})(%?)$/.exec(text);
  if (match === null) return null;
  const value = Number(match[1]);
  if (match[2] === '%') {
    return value >= Math.min(min, 1) && value <= 100 ? { value, unit: 'percent' } : null;
  }
  return value >= min && value <= max ? { value, unit: 'workers' } : null;
}

/** At most `of`, rounded up, so that a share above 0 is never nothing. */
export function workersOf({ value, unit }: WorkerAmount, of: number): number {
  return unit === 'workers' ? value : Math.ceil((value * of) / 100);
}
