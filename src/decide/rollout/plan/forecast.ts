import { workerIsLive } from '../../../model/worker-state.ts';
import { expectedWaits } from './expected-waits.ts';
import { playRollout, type Play, type PlaySetting, type PlayStep } from './play-rollout.ts';
import type { TimeName } from './played-workers.ts';

/** What a change would do and cost, as far as it can be told beforehand. */
export interface Forecast {
  readonly outcome: Play['outcome'];
  readonly message: string;
  readonly steps: readonly PlayStep[];
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

const TIME_NAMES: readonly TimeName[] = ['pullMs', 'startMs', 'drainMs', 'stopMs'];
/** Long enough to be seen in any duration that it has a part in. */
const PROBE_MS = 60_000;

export function forecast(setting: PlaySetting): Forecast {
  const { world, requestsPerSecond } = setting;
  const play = playRollout(setting);
  // A time that was never measured leaves the duration unknown only if it has a part in it.
  const unknown = TIME_NAMES.filter((name) => play.unknown.has(name)).filter((name) => {
    const slower = playRollout(setting, (asked) => (asked === name ? PROBE_MS : 0));
    return slower.durationMs !== play.durationMs || slower.outcome !== play.outcome;
  });
  const known = unknown.length === 0 && (play.outcome === 'replaced' || play.outcome === 'settled');
  const slots = world.settings.maxConcurrentPerWorker;
  const waits = expectedWaits(play.spans, requestsPerSecond, slots, world.load.measuredServiceMs);
  const { rollout, targetRevision } = world;
  const before = world.workers.filter(({ state }) => workerIsLive(state) || state === 'unhealthy');
  const replaced = rollout === null ? [] : before.filter(({ revision }) => revision !== targetRevision);
  const extraWorkerMs = play.spans.reduce(
    (total, { durationMs, alive }) => total + durationMs * Math.max(0, alive - before.length),
    0,
  );
  return {
    outcome: play.outcome,
    message: play.message,
    steps: play.steps,
    workersToReplace: replaced.length,
    durationMs: known ? play.durationMs : null,
    atLeastMs: play.durationMs,
    unknown,
    waiting: known ? waits : null,
    extraWorkerMs: known ? extraWorkerMs : null,
  };
}
