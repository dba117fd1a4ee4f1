import type { TimeName, UpdateForecast } from '../../../model/update-forecast.ts';
import { workerIsLive } from '../../../model/worker-state.ts';
import { expectedWaits } from './expected-waits.ts';
import { playRollout, type PlaySetting } from './play-rollout.ts';

const TIME_NAMES: readonly TimeName[] = ['pullMs', 'startMs', 'drainMs', 'stopMs'];
/** Long enough to be seen in any duration that it has a part in. */
const PROBE_MS = 60_000;

/** Plays the change, and once more for each time that was never measured, to see whether it matters. */
export function forecast(setting: PlaySetting): UpdateForecast {
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
  const replaced =
    rollout === null || !setting.toTheEnd ? [] : before.filter(({ revision }) => revision !== targetRevision);
  const extraWorkerMs = play.spans.reduce(
    (total, { durationMs, alive }) => total + durationMs * Math.max(0, alive - before.length),
    0,
  );
  return {
    outcome: play.outcome,
    message: play.message,
    steps: play.steps,
    // Each of them starts one and drains one.
    stepsLeftOut: 2 * play.left,
    workersToReplace: replaced.length,
    durationMs: known ? play.durationMs : null,
    atLeastMs: play.durationMs,
    unknown,
    waiting: known ? waits : null,
    extraWorkerMs: known ? extraWorkerMs : null,
  };
}
