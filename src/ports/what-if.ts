import type { EndpointSettings } from '../model/endpoint.ts';
import type { Caller } from './endpoint-service.ts';

/** One way to run an endpoint: what a simulated run is made with. */
export interface SimulatedSettings {
  readonly settings: EndpointSettings;
  /** Devices its product has, all of them free for it; null: its workers need none. */
  readonly devices: number | null;
  readonly devicesPerWorker: number;
}

/** Where the requests of a run come from. */
export type SimulatedRequests =
  /** Packed as in `model/arrival-chunk.ts`; those that arrived from `fromMs` to `toMs`, epoch milliseconds. */
  | {
      readonly kind: 'recorded';
      readonly chunks: readonly Uint8Array[];
      readonly fromMs: number;
      readonly toMs: number;
    }
  /** A CSV file in base64, plain or compressed with gzip. */
  | { readonly kind: 'trace'; readonly base64: string };

/** The longest wait for a share of the requests; null: not asked for. At least one is. */
export interface WaitGoals {
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

export interface SimulationJob {
  readonly requests: SimulatedRequests;
  readonly now: SimulatedSettings;
  readonly proposed: SimulatedSettings | null;
  readonly goals: WaitGoals | null;
  /** Times from the start of a worker to ready; at least one. */
  readonly startTimesMs: readonly number[];
  readonly seed: number;
}

export interface SimulatedWaits {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What a run came to. */
export interface SimulatedFigures {
  readonly requests: number;
  readonly served: number;
  readonly timedOut: number;
  readonly refused: number;
  /** Requests that waited for a worker to start. */
  readonly coldStarts: number;
  readonly workerStarts: number;
  readonly workerSeconds: number;
  readonly waits: SimulatedWaits;
}

export interface SimulatedBucket {
  /** From the begin of the run on. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly arrivals: number;
  readonly p95WaitMs: number;
  readonly workers: number;
}

export interface SimulatedRun extends SimulatedFigures {
  /** The time the run covers. */
  readonly durationMs: number;
  readonly timeline: readonly SimulatedBucket[];
}

/** What really happened, as it was taken down. */
export interface RecordedFigures {
  readonly served: number;
  readonly timedOut: number;
  readonly refused: number;
  readonly waits: SimulatedWaits;
}

export interface AdvisedSettings {
  readonly settings: EndpointSettings;
  readonly figures: SimulatedFigures;
  /** The worst of wait ÷ goal: up to 1 the goals hold. */
  readonly missRatio: number;
}

export interface Advice {
  /** The cheapest that holds; null when none of those tried does. */
  readonly chosen: AdvisedSettings | null;
  /** The one nearest to the goals: `chosen`, or the one that misses by least. */
  readonly nearest: AdvisedSettings;
  /** Those tried that no other one beats in both worker time and waiting, the cheapest first. */
  readonly frontier: readonly AdvisedSettings[];
  readonly tried: number;
  /** The search ran on a part of the requests; what is answered was run on all of them. */
  readonly sampled: boolean;
}

export interface SimulationOutcome {
  readonly requests: number;
  /** When the simulated time began, as the arrivals below, and how long it is. */
  readonly beganMs: number;
  readonly spanMs: number;
  /** Of the first and the last arrival, epoch milliseconds, or milliseconds of the trace. */
  readonly firstArrivalMs: number;
  readonly lastArrivalMs: number;
  /** Requests whose run time was not seen and was taken from others like them. */
  readonly assumedRuns: number;
  /** Null for a trace. */
  readonly recorded: RecordedFigures | null;
  readonly now: SimulatedRun;
  readonly proposed: SimulatedRun | null;
  readonly advice: Advice | null;
}

export type SimulationStage = 'now' | 'proposed' | 'advise';

export interface SimulationProgress {
  readonly stage: SimulationStage;
  /** Simulated requests so far, and how many there will be. Of a search it is an upper bound. */
  readonly done: number;
  readonly of: number;
}

export interface SimulationOptions {
  /** Ends the run at once; the promise rejects with the signal's reason. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: SimulationProgress) => void;
}

/**
 * Runs simulations beside everything else the process does. Rejects with SIMULATION_BUSY,
 * SIMULATION_TOO_LONG, SIMULATION_TOO_LARGE, TRACE_INVALID, NO_ARRIVALS or SHUTTING_DOWN.
 */
export interface Simulator {
  run(job: SimulationJob, options: SimulationOptions): Promise<SimulationOutcome>;
  /** Ends what runs and takes no more. */
  close(): Promise<void>;
}

export interface WhatIfAnswer {
  readonly now: SimulatedSettings;
  readonly proposed: SimulatedSettings | null;
  /** API field paths that the proposal changes. */
  readonly changed: readonly string[];
  readonly productIds: { readonly now: string; readonly proposed: string };
  /** Of one worker for an hour; null where its product has no price. */
  readonly workerPrices: { readonly now: number | null; readonly proposed: number | null };
  readonly goals: WaitGoals | null;
  readonly startTimes: StartTimes;
  readonly outcome: SimulationOutcome;
  /** What the reader must know to judge the figures, in words. */
  readonly notes: readonly string[];
}

export interface StartTimes {
  readonly ms: readonly number[];
  /** `workers`: of workers that started lately. `revision`: one smoothed time. `assumed`: none was ever measured. */
  readonly source: 'workers' | 'revision' | 'assumed';
}

/** What the control API can ask about settings that are not in force. Nothing is changed by it. */
export interface WhatIfService {
  simulate(
    endpointId: string,
    body: unknown,
    caller: Caller,
    options: SimulationOptions,
  ): Promise<WhatIfAnswer>;
}
