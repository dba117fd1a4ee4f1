import type { EndpointSettings } from '../../src/model/endpoint.ts';
import type {
  AdvisedSettings,
  SimulatedRun,
  SimulatedSettings,
  WhatIfAnswer,
  WhatIfService,
} from '../../src/ports/what-if.ts';
import { stubView } from './stub-endpoint-service.ts';

const NOW: EndpointSettings = stubView().endpoint.settings;
const PROPOSED: EndpointSettings = { ...NOW, minReplicas: 1 };

function simulated(settings: EndpointSettings): SimulatedSettings {
  return { settings, devices: 4, devicesPerWorker: 1 };
}

export function stubRun(changes: Partial<SimulatedRun> = {}): SimulatedRun {
  return {
    requests: 100,
    served: 97,
    timedOut: 2,
    refused: 1,
    coldStarts: 10,
    workerStarts: 4,
    workerSeconds: 5_400,
    waits: { p50Ms: 0, p95Ms: 2_500.4, p99Ms: 9_000, maxMs: 12_345 },
    durationMs: 60_000,
    timeline: [
      { fromMs: 0, toMs: 30_000, arrivals: 60, p95WaitMs: 2_000, workers: 1.23456 },
      { fromMs: 30_000, toMs: 60_000, arrivals: 40, p95WaitMs: 0, workers: 2 },
    ],
    ...changes,
  };
}

function advised(settings: EndpointSettings, missRatio: number): AdvisedSettings {
  const { durationMs: _durationMs, timeline: _timeline, ...figures } = stubRun({ refused: 0 });
  return { settings, figures, missRatio };
}

/** An answer with a value in every field. */
export function stubWhatIfAnswer(changes: Partial<WhatIfAnswer> = {}): WhatIfAnswer {
  const holding = advised(PROPOSED, 0.8);
  return {
    now: simulated(NOW),
    proposed: simulated(PROPOSED),
    changed: ['worker_config.min_replicas'],
    productIds: { now: 'gpu', proposed: 'gpu' },
    workerPrices: { now: null, proposed: null },
    goals: { p50Ms: null, p95Ms: 2_000, p99Ms: null },
    startTimes: { ms: [3_000, 1_000, 2_000], source: 'workers' },
    outcome: {
      requests: 100,
      beganMs: 1_699_999_990_000,
      spanMs: 80_000,
      firstArrivalMs: 1_700_000_000_250,
      lastArrivalMs: 1_700_000_060_000,
      assumedRuns: 3,
      recorded: {
        served: 96,
        timedOut: 3,
        refused: 1,
        waits: { p50Ms: 0, p95Ms: 2_700, p99Ms: 9_500, maxMs: 13_000 },
      },
      now: stubRun(),
      proposed: stubRun({ workerSeconds: 7_200 }),
      advice: {
        chosen: holding,
        nearest: holding,
        frontier: [advised(NOW, 1.25), holding],
        tried: 42,
        sampled: true,
      },
    },
    notes: ['a note'],
    ...changes,
  };
}

export type WhatIfCall = Parameters<WhatIfService['simulate']>;

/** Notes each call and answers plausibly, unless `simulate` is given. */
export function stubWhatIf(
  simulate?: WhatIfService['simulate'],
): WhatIfService & { readonly calls: WhatIfCall[] } {
  const calls: WhatIfCall[] = [];
  return {
    calls,
    async simulate(...call) {
      calls.push(call);
      return simulate === undefined ? stubWhatIfAnswer() : await simulate(...call);
    },
  };
}
