import { startingOutlook } from './expected-waiting.ts';
import type { LoadModel } from './load-model.ts';
import { workersForQueue, type StartDecision } from './marginal-rule.ts';
import { readyInMs } from './shadow-fleet.ts';

/** The workers that serve an endpoint, and what they have to do. */
export interface ServingFleet {
  readonly waiting: number;
  readonly running: number;
  readonly ready: number;
  /** How long ago each of the others was started; 0 for one that still waits for its turn. */
  readonly startedAgoMs: readonly number[];
}

/** How many workers those that wait ask for, at what the model knows of the endpoint. */
export function queueNeed(fleet: ServingFleet, load: LoadModel, nowMs: number): StartDecision {
  const { startMs, price, maxWorkers, slotsPerWorker } = load;
  const starting = fleet.startedAgoMs.map((agoMs) => readyInMs(agoMs, startMs)).sort((a, b) => a - b);
  return workersForQueue(
    {
      waiting: fleet.waiting,
      running: fleet.running,
      live: fleet.ready + starting.length,
      slots: fleet.ready * slotsPerWorker,
      slotsPerWorker,
      serviceTimeMs: load.serviceTimeMs,
      arrivalRate: load.rateAt(nowMs),
      starting: startingOutlook(starting),
    },
    { startMs, price, maxWorkers, keepSaves: (level) => load.worthOf(level, nowMs).keepSaves },
  );
}
