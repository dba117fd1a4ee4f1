import { SECOND_MS } from '../base/units.ts';
import type { AdvisedSettingsObject, SimulateAnswer, SimulatedRunObject } from '../model/simulate-schema.ts';
import type {
  AdvisedSettings,
  SimulatedFigures,
  SimulatedRun,
  SimulatedSettings,
  SimulatedWaits,
  SimulationProgress,
  WhatIfAnswer,
} from '../ports/what-if.ts';

const SECONDS_PER_HOUR = 3_600;

/** A simulation's result as the API answers it. */
export function simulateAnswer(answer: WhatIfAnswer): SimulateAnswer {
  const { outcome, now, proposed, productIds, startTimes, workerPrices } = answer;
  const { recorded, advice } = outcome;
  const starts = startTimes.ms.toSorted((one, other) => one - other);
  const base = proposed ?? now;
  const advised = (one: AdvisedSettings): AdvisedSettingsObject =>
    advisedObject(one, base, productIds.proposed, workerPrices.proposed);
  return {
    requests: {
      source: recorded === null ? 'trace' : 'recorded',
      count: outcome.requests,
      began_at: inSeconds(outcome.beganMs),
      span_seconds: inSeconds(outcome.spanMs),
      first_at: inSeconds(outcome.firstArrivalMs),
      last_at: inSeconds(outcome.lastArrivalMs),
      assumed_runs: outcome.assumedRuns,
    },
    recorded:
      recorded === null
        ? null
        : {
            served: recorded.served,
            timed_out: recorded.timedOut,
            refused: recorded.refused,
            wait_seconds: waits(recorded.waits),
          },
    start_seconds: {
      source: startTimes.source,
      samples: starts.length,
      median: inSeconds(starts[Math.floor(starts.length / 2)] ?? 0),
      max: inSeconds(starts.at(-1) ?? 0),
    },
    changed: [...answer.changed],
    now: runObject(outcome.now, now, productIds.now, workerPrices.now),
    proposed:
      outcome.proposed === null || proposed === null
        ? null
        : runObject(outcome.proposed, proposed, productIds.proposed, workerPrices.proposed),
    advice:
      advice === null
        ? null
        : {
            holds: advice.chosen !== null,
            chosen: advice.chosen === null ? null : advised(advice.chosen),
            nearest: advised(advice.nearest),
            frontier: advice.frontier.map(advised),
            tried: advice.tried,
            sampled: advice.sampled,
          },
    notes: [...answer.notes],
  };
}

/** As a server-sent event tells it. */
export function progressObject({ stage, done, of }: SimulationProgress): {
  readonly stage: string;
  readonly done: number;
  readonly of: number;
} {
  return { stage, done, of };
}

function runObject(
  run: SimulatedRun,
  simulated: SimulatedSettings,
  productId: string,
  workerPrice: number | null,
): SimulatedRunObject {
  return {
    ...settingsObject(simulated, productId),
    ...figuresObject(run, workerPrice),
    timeline: run.timeline.map((bucket) => ({
      from_seconds: inSeconds(bucket.fromMs),
      to_seconds: inSeconds(bucket.toMs),
      requests: bucket.arrivals,
      p95_wait_seconds: inSeconds(bucket.p95WaitMs),
      workers: rounded(bucket.workers, 3),
    })),
  };
}

function advisedObject(
  { settings, figures, missRatio }: AdvisedSettings,
  base: SimulatedSettings,
  productId: string,
  workerPrice: number | null,
): AdvisedSettingsObject {
  return {
    ...settingsObject({ ...base, settings }, productId),
    ...figuresObject(figures, workerPrice),
    holds: missRatio <= 1 && figures.refused === 0,
    miss_ratio: rounded(missRatio, 4),
  };
}

function settingsObject({ settings, devicesPerWorker }: SimulatedSettings, productId: string) {
  return {
    product_id: productId,
    worker_config: {
      min_replicas: settings.minReplicas,
      max_replicas: settings.maxReplicas,
      idle_timeout: settings.idleTimeoutSeconds,
      max_concurrent_per_worker: settings.maxConcurrentPerWorker,
      gpu_num: devicesPerWorker,
      request_timeout: settings.requestTimeoutSeconds,
    },
    policy: { type: settings.policy.type, value: settings.policy.value },
  };
}

function figuresObject(figures: SimulatedFigures, workerPrice: number | null) {
  const workerHours = figures.workerSeconds / SECONDS_PER_HOUR;
  return {
    requests: figures.requests,
    served: figures.served,
    timed_out: figures.timedOut,
    refused: figures.refused,
    cold_starts: figures.coldStarts,
    worker_starts: figures.workerStarts,
    worker_hours: rounded(workerHours, 6),
    wait_seconds: waits(figures.waits),
    cost: workerPrice === null ? null : rounded(workerHours * workerPrice, 4),
  };
}

function waits({ p50Ms, p95Ms, p99Ms, maxMs }: SimulatedWaits) {
  return { p50: inSeconds(p50Ms), p95: inSeconds(p95Ms), p99: inSeconds(p99Ms), max: inSeconds(maxMs) };
}

function inSeconds(durationMs: number): number {
  return rounded(durationMs / SECOND_MS, 3);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
