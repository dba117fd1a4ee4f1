import type { PlanEffect, PlanStep, UpdatePlan } from '../model/plan-schema.ts';
import type { ForecastStep, TimeName, UpdateForecast } from '../model/update-forecast.ts';
import type { UpdatePreview } from '../ports/endpoint-service.ts';

const STEPS_MAX = 100;

const TIME_WORDS: Readonly<Record<TimeName, string>> = {
  pullMs: 'pull',
  startMs: 'start',
  drainMs: 'drain',
  stopMs: 'stop',
};

/** A preview as the API answers it. */
export function updatePlan(preview: UpdatePreview): UpdatePlan {
  const { forecast, times } = preview;
  const effect = effectOf(preview);
  const steps = effect === 'none' ? [] : forecast.steps;
  const timed = forecast.unknown.length === 0;
  return {
    dry_run: true,
    effect,
    message: messageOf(effect, preview),
    revision: preview.revision,
    changed: preview.changed,
    etag: preview.etag,
    steps: steps.slice(0, STEPS_MAX).map((step) => planStep(step, timed)),
    steps_left_out: Math.max(0, steps.length - STEPS_MAX) + forecast.stepsLeftOut,
    impact: {
      workers_to_replace: forecast.workersToReplace,
      expected_seconds: seconds(forecast.durationMs),
      at_least_seconds: forecast.atLeastMs / 1_000,
      not_measured: forecast.unknown.map((name) => TIME_WORDS[name]),
      measured: {
        pull_seconds: seconds(times.pullMs),
        start_seconds: seconds(times.startMs),
        drain_seconds: seconds(times.drainMs),
        stop_seconds: seconds(times.stopMs),
      },
      guarded_seconds: preview.guardedMs / 1_000,
      requests_per_second: rounded(preview.requestsPerSecond),
      requests_waiting: forecast.waiting?.requests ?? null,
      longest_wait_seconds: seconds(forecast.waiting?.longestMs ?? null),
      extra_worker_seconds: seconds(forecast.extraWorkerMs),
      price_change_per_hour:
        preview.priceChange === null
          ? null
          : { at_min: rounded(preview.priceChange.atMin), at_max: rounded(preview.priceChange.atMax) },
    },
    ...(preview.warnings === undefined ? {} : { warnings: preview.warnings }),
  };
}

function planStep(step: ForecastStep, timed: boolean): PlanStep {
  // One that is only played has no id that anybody could look up.
  const exists = step.workerId !== null && step.action !== 'start' && !step.workerId.startsWith('new-');
  return {
    at_seconds: timed ? step.atMs / 1_000 : null,
    action: step.action,
    worker: exists ? step.workerId : null,
    revision: step.revision,
    mode: step.mode,
    devices: [...step.devices],
    replaces: [...step.replaces],
    why: step.why,
  };
}

function effectOf({ changed, forecast }: UpdatePreview): PlanEffect {
  if (Object.keys(changed).length === 0) return 'none';
  switch (forecast.outcome) {
    case 'settled':
      return 'settings';
    case 'replaced':
      return 'rollout';
    case 'asleep':
      return 'asleep';
    case 'failed':
      return 'failure';
    case 'stuck':
      return 'unknown';
  }
}

function messageOf(effect: PlanEffect, { revision, changed, forecast }: UpdatePreview): string {
  switch (effect) {
    case 'none':
      return 'Nothing would change: the endpoint has these values already.';
    case 'settings': {
      const back = Object.values(changed).some((change) => change.class === 'revision');
      return back
        ? `The running rollout would be taken back: revision ${revision} is wanted again.`
        : 'It would be in force at once; no worker restarts.';
    }
    case 'rollout':
      return rolloutMessage(forecast);
    case 'asleep':
      return `No worker runs, so none would be replaced: the next one to start has revision ${revision}, and the request that wakes it waits for that.`;
    case 'failure':
      return `The rollout would be given up: ${forecast.message}.`;
    case 'unknown':
      return `The rollout would wait: ${forecast.message === '' ? 'nothing foretells for how long' : forecast.message}.`;
  }
}

function rolloutMessage({ steps, workersToReplace, unknown }: UpdateForecast): string {
  const first = steps.find(({ action }) => action === 'start');
  const way =
    first === undefined ? '' : `; the first new one comes as a ${first.mode ?? 'cold'} start: ${first.why}`;
  const names = unknown.map((name) => TIME_WORDS[name]).join(', ');
  const open = names === '' ? '' : `. How long it takes is not known: never measured here: ${names}`;
  return `${workersToReplace} ${workersToReplace === 1 ? 'worker' : 'workers'} would be replaced${way}${open}.`;
}

function seconds(timeMs: number | null): number | null {
  return timeMs === null ? null : rounded(timeMs / 1_000);
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
