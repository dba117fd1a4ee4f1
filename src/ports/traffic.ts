import type { AppError } from '../base/errors.ts';
import type { EndpointId, OwnerId, WorkerId } from '../base/ids.ts';
import type { EndpointType } from '../model/endpoint.ts';
import type { JobTarget } from '../model/job-target.ts';
import type { RequestTimeline } from '../model/request-timeline.ts';
import type { WorkerAddress } from '../model/worker.ts';

/** What the gateway must know of an endpoint to take requests for it. */
export interface TrafficEndpoint {
  readonly endpointId: EndpointId;
  /** `sync`: the gateway forwards its requests. `async`: its workers take jobs. Never changes. */
  readonly type: EndpointType;
  readonly appName: string;
  readonly ownerId: OwnerId;
  /** Where set, jobs are sent to its workers; else they take them. Without meaning for `sync`. */
  readonly healthCheckPath: string;
  readonly slotsPerWorker: number;
  readonly requestTimeoutMs: number;
  /** When set, new requests are refused with it (paused, failed to start, being deleted). */
  readonly refusal: AppError | null;
}

export interface TrafficWorker {
  readonly workerId: WorkerId;
  readonly revision: number;
  readonly address: WorkerAddress;
  /** Of a worker of an async endpoint that does not take its jobs itself. */
  readonly jobTarget?: JobTarget;
  /** Requests go to the highest preference that has a free slot; a proven target ranks above the stable one. */
  readonly preference: number;
  /** How many requests it may be given in all before it is proven; null when it is. */
  readonly sampleLimit: number | null;
  /** Told to the client in X-Pilotlight-Cold-Start when its request waited for this worker. */
  readonly startedAtMs: number;
}

/**
 * A view of what is now, not a copy: to be read in the turn in which it was asked for. The lists are
 * made when they are read.
 */
export interface EndpointLoad {
  readonly waiting: number;
  /** Arrival times of those that wait, oldest first, at most 1,000 of them. */
  readonly waitingSinceMs: readonly number[];
  /** The first of them; null when none waits. */
  readonly oldestWaitingSinceMs: number | null;
  readonly earliestDeadlineMs: number | null;
  readonly running: number;
  readonly workers: ReadonlyMap<WorkerId, WorkerLoad>;
}

/** Of an endpoint that the data path does not know. */
export const NO_LOAD: EndpointLoad = {
  waiting: 0,
  waitingSinceMs: [],
  oldestWaitingSinceMs: null,
  earliestDeadlineMs: null,
  running: 0,
  workers: new Map(),
};

export interface WorkerLoad {
  readonly running: number;
  /** Start times of the requests that run, at most 1,000 of them. */
  readonly runningSinceMs: readonly number[];
  /** When its last slot came back, or when it was added; null while it runs something. */
  readonly idleSinceMs: number | null;
}

/** Control's view of the data path: the gateway implements it. All is in memory; what needs no strings of requests is synchronous. */
export interface Traffic {
  /** Adds the endpoint or replaces what is known of it; requests that wait stay. */
  endpointPut(endpoint: TrafficEndpoint): void;
  /** Requests that wait are refused with `reason`; running ones go on. */
  endpointRemove(endpointId: EndpointId, reason: AppError): void;
  /** Refuses those that wait now, not those to come. */
  waitingRefuse(endpointId: EndpointId, reason: AppError): void;
  /** Adds a ready worker, or changes its preference or sample limit; free slots are filled from the queue at once. */
  workerPut(endpointId: EndpointId, worker: TrafficWorker): void;
  /** No new request for it. `workerDrained` is told, in this turn when it runs nothing. `workerPut` takes it back. */
  workerDrain(endpointId: EndpointId, workerId: WorkerId): void;
  /** It is gone, for that reason: what still ran there ends as the broken connections say; jobs are lost. */
  workerRemove(endpointId: EndpointId, workerId: WorkerId, why?: string): void;
  /**
   * Closes what runs on the worker now, or only what has no answer's head yet: such clients get `error`.
   * Returns how many that were not being closed already.
   */
  runningCut(endpointId: EndpointId, workerId: WorkerId, error: AppError, unansweredOnly: boolean): number;
  load(endpointId: EndpointId): EndpointLoad;
  /** Requests that go on: those on workers first, then those that wait, each oldest first; at most `limit`. */
  openRequests(endpointId: EndpointId, limit: number): Promise<readonly RequestTimeline[]>;
  /** The last ones that ended, newest first; a bounded number is kept. */
  endedRequests(endpointId: EndpointId): Promise<readonly RequestTimeline[]>;
  /** When the requests began that run on workers of this revision and have no first byte yet; at most 1,000. */
  unansweredSince(endpointId: EndpointId, revision: number): readonly number[];
}

export interface RequestOutcome {
  readonly workerId: WorkerId;
  readonly revision: number;
  /** What the worker answered, or null when no answer's head came. */
  readonly status: number | null;
  /**
   * `broke`: refused, reset or cut off by the worker's side. `timeout`: request_timeout while it ran.
   * `cut`: closed by `runningCut`.
   */
  readonly end: 'complete' | 'broke' | 'clientGone' | 'timeout' | 'cut';
  readonly waitedMs: number;
  readonly runMs: number;
}

/** The head of an answer that came. */
export interface RequestAnswer {
  readonly workerId: WorkerId;
  readonly status: number;
  /** From the start on the worker to the head. */
  readonly firstByteMs: number;
  /** Requests on the worker when this one began, itself included. */
  readonly beside: number;
}

/** What the gateway tells control, in the same turn of the event loop in which it happens. */
export interface TrafficListener {
  /** A request found no free slot and waits now, or it had one, could not be sent, and waits again. */
  requestWaiting(endpointId: EndpointId): void;
  /** A waiting request left without a slot: its client went, or its deadline passed. */
  requestGone(endpointId: EndpointId): void;
  /** It holds a slot. Comes again for a request that had to wait again; `requestEnded` comes once. */
  requestStarted(endpointId: EndpointId, workerId: WorkerId): void;
  /** The answer's head came: enough for the proof of a new revision to count it. */
  requestAnswered(endpointId: EndpointId, answer: RequestAnswer): void;
  /** The worker's side is closed and the slot is back. */
  requestEnded(endpointId: EndpointId, outcome: RequestOutcome): void;
  /** A draining worker's last slot came back. */
  workerDrained(endpointId: EndpointId, workerId: WorkerId): void;
  /** A removed worker runs nothing any more. The requests it had last, newest first, at most ten. */
  workerLeft(endpointId: EndpointId, workerId: WorkerId, requests: readonly RequestTimeline[]): void;
  /** It is to be replaced once what it runs has ended: it asked for that, or does not give up a job. */
  workerSpent(endpointId: EndpointId, workerId: WorkerId, why: string): void;
}
