import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { ProofShare } from '../decide/rollout/proof-share.ts';
import type { RolloutGuard } from '../decide/rollout/guard.ts';
import type { GuardReport } from '../model/guard-report.ts';
import type { RevisionFigures } from '../decide/rollout/revision-figures.ts';
import type { EndpointParts } from '../decide/update/merge.ts';
import type {
  Endpoint,
  EndpointSettings,
  Revision,
  RevisionProgress,
  RevisionSpec,
} from '../model/endpoint.ts';
import { pinnedSpec } from '../model/pinned-image.ts';
import type { PullProgress } from '../ports/driver.ts';
import { EndpointEvents } from './endpoint-events.ts';
import { impossible } from '../base/errors.ts';
import type { Worker } from '../model/worker.ts';
import type { LearnedLoad } from './load-learning.ts';

/** A worker that is not over, with what only this process knows of it. */
export interface WorkerEntry {
  record: Worker;
  /** Ends its launch. */
  readonly abort: AbortController;
  /** Ends its readiness probes; replaced when they begin anew. */
  probes: AbortController;
  unhealthySinceMs: number | null;
  /** Monotonic: since when it is pulled or starts; null where another process began it. */
  launchedAtMs: number | null;
  /** Since when it drains, where it ran requests then; and since when it stops, where it had served. */
  drainingSinceMs: number | null;
  stoppingSinceMs: number | null;
  /** Devices that are kept for it while it is pending. */
  claimed: readonly string[];
  /** Its devices were seen free of others a short while before it got them: no need to look again. */
  devicesSeenFree: boolean;
  /** How far its image is; null when it is not being pulled. */
  pull: PullProgress | null;
  /** The driver has been asked to start it, or found it: it must be stopped by the driver too. */
  placed: boolean;
  /** Why its start failed, while what may have come of it is being removed. */
  launchFailure: string | null;
  /** Settles when the driver call that starts it has ended, however it ended. */
  launched: Promise<void>;
  /** Its endpoint's. */
  readonly events: EndpointEvents;
  /** It was seen to serve: its end by itself is not a failed start. */
  proved: boolean;
  /** Its idleness that the line for devices knows of. */
  idleInLineSinceMs: number | null;
  /** Answers whose head came, to know when it is warm. */
  answers: number;
}

/**
 * One endpoint in memory, owned by this process alone. The record changes only through
 * `endpoint-records.ts`, so that what is in memory and what is on disk follow one order.
 */
export interface EndpointEntry {
  endpoint: Endpoint;
  /** Since when a request of it would have been seen by this process. */
  readonly inMemorySinceMs: number;
  readonly revisions: Map<number, Revision>;
  /** Former settings by their generation, to tell a client what changed since it looked; null without any. */
  settingsKept: Map<number, EndpointSettings> | null;
  /** Those that are not over. Changed by `addWorker` and `removeWorker`. */
  workers: ReadonlyMap<WorkerId, WorkerEntry>;
  /** The last ones that ended, oldest first. */
  readonly ended: Worker[];
  /** Starts that failed in a row; when the last one did, and until when none is tried. See `start-failures.ts`. */
  startFailures: number;
  failedAtMs: number;
  notBeforeMs: number;
  /** In memory alone: after a restart it is learned anew. */
  load: LearnedLoad | null;
  /** Workers that are asked after all others: see `WorkerPlan`. */
  spare: ReadonlySet<WorkerId>;
  /** Requests that began to wait and were not told to have started or gone. */
  waitingSeen: number;
  /** How the revisions in use serve; null before the first answer. In memory alone: after a restart they are learnt anew. */
  figures: Map<number, RevisionFigures> | null;
  /** Of the running rollout, from its first look on. */
  guard: RolloutGuard | null;
  /** Of the last rollout that ended in this server's life: what the guard knew at its end. */
  lastGuard: EndedGuard | null;
  readonly events: EndpointEvents;
  /** The guard's doubt that was told last. */
  doubtful: boolean;
  /** How the gateway was told to treat a target that is being proven. */
  proofShare: ProofShare;
  /** A change asked for by a client is being committed: nothing else may change the record meanwhile. */
  locked: boolean;
  deferred: (() => void)[];
  /** Settles when the client changes that came before have been committed or refused. */
  commands: Promise<unknown>;
  reconciling: boolean;
  dirty: boolean;
  cancelWake: (() => void) | null;
  /** In monotonic time: the wall clock may be set while the timer runs. */
  wakeDueMs: number | null;
  /** It was asked for as soon as can be. */
  wakeIsSoon: boolean;
  /** The settings the gateway was told of last, when it refuses nothing; else null. */
  openWith: EndpointSettings | null;
  /** What the line for devices looked at last: see `device-assigner.ts`. */
  seenInLine: SeenInLine | null;
}

export interface EndedGuard {
  readonly rolloutId: string;
  readonly report: GuardReport;
  readonly medians: { readonly targetMs: number | null; readonly stableMs: number | null };
}

/** Of one endpoint, what can change who gets devices without a change of a worker's state. */
export interface SeenInLine {
  readonly endpoint: Endpoint;
  readonly oldestWaitingSinceMs: number | null;
  readonly ready: number;
}

// Most endpoints sleep, and all of them are in memory: what one that sleeps does not need is shared, or not made.
const NO_WORKERS: ReadonlyMap<WorkerId, WorkerEntry> = new Map();
const NO_SPARE: ReadonlySet<WorkerId> = new Set();
const NO_COMMANDS = Promise.resolve();

export function newEntry(endpoint: Endpoint, revisions: readonly Revision[], nowMs: number): EndpointEntry {
  return {
    endpoint,
    inMemorySinceMs: nowMs,
    revisions: new Map(revisions.map((revision) => [revision.number, revision])),
    settingsKept: null,
    workers: NO_WORKERS,
    ended: [],
    startFailures: 0,
    failedAtMs: 0,
    notBeforeMs: 0,
    load: null,
    spare: NO_SPARE,
    waitingSeen: 0,
    figures: null,
    guard: null,
    lastGuard: null,
    events: new EndpointEvents(nowMs),
    doubtful: false,
    proofShare: 'sample',
    locked: false,
    deferred: [],
    commands: NO_COMMANDS,
    reconciling: false,
    dirty: false,
    cancelWake: null,
    wakeDueMs: null,
    wakeIsSoon: false,
    openWith: null,
    seenInLine: null,
  };
}

export function addWorker(entry: EndpointEntry, worker: WorkerEntry): void {
  if (entry.workers === NO_WORKERS) entry.workers = new Map();
  (entry.workers as Map<WorkerId, WorkerEntry>).set(worker.record.id, worker);
}

export function removeWorker(entry: EndpointEntry, workerId: WorkerId): void {
  if (entry.workers !== NO_WORKERS) (entry.workers as Map<WorkerId, WorkerEntry>).delete(workerId);
}

/** An endpoint with its first revision, of which no worker was started yet. */
export function newEndpoint(
  facts: Pick<Endpoint, 'id' | 'type' | 'appName' | 'ownerId' | 'createdAtMs' | 'settings'>,
): Endpoint {
  return {
    ...facts,
    generation: 1,
    settingsGeneration: 1,
    stableRevision: 1,
    targetRevision: null,
    lastRevision: 1,
    rollout: null,
    message: '',
    deleting: false,
  };
}

type Origin = Pick<Revision, 'createdAtMs' | 'createdBy' | 'fromRevision' | 'restores'> &
  Partial<RevisionProgress>;

/** A revision of which nothing was measured yet. */
export function newRevision(
  endpointId: EndpointId,
  number: number,
  { spec, settings }: EndpointParts,
  origin: Origin,
): Revision {
  return {
    endpointId,
    number,
    spec,
    createdAtMs: origin.createdAtMs,
    createdBy: origin.createdBy,
    settings,
    fromRevision: origin.fromRevision,
    restores: origin.restores,
    stableAtMs: origin.stableAtMs ?? null,
    pinnedImage: origin.pinnedImage ?? null,
    failure: origin.failure ?? null,
    startTimeMs: origin.startTimeMs ?? null,
    pullTimeMs: origin.pullTimeMs ?? null,
    drainTimeMs: origin.drainTimeMs ?? null,
    stopTimeMs: origin.stopTimeMs ?? null,
  };
}

export function measuredTimes(revision: Revision | null): Partial<RevisionProgress> {
  if (revision === null) return {};
  const { startTimeMs, pullTimeMs, drainTimeMs, stopTimeMs } = revision;
  return { startTimeMs, pullTimeMs, drainTimeMs, stopTimeMs };
}

export function newWorkerEntry(record: Worker, events: EndpointEvents): WorkerEntry {
  return {
    record,
    abort: new AbortController(),
    probes: new AbortController(),
    unhealthySinceMs: null,
    launchedAtMs: null,
    drainingSinceMs: null,
    stoppingSinceMs: null,
    claimed: [],
    devicesSeenFree: false,
    pull: null,
    placed: false,
    launchFailure: null,
    launched: Promise.resolve(),
    events,
    proved: false,
    idleInLineSinceMs: null,
    answers: 0,
  };
}

export function revisionOf(entry: EndpointEntry, number: number): Revision {
  return (
    entry.revisions.get(number) ??
    impossible('revision-of-77a0', `endpoint ${entry.endpoint.id} has no revision ${number}`)
  );
}

/** What the endpoint is meant to run: the target's fields while a rollout leads there, else the stable ones. */
export function currentRevision(entry: EndpointEntry): Revision {
  return revisionOf(entry, entry.endpoint.targetRevision ?? entry.endpoint.stableRevision);
}

/** What its workers are started from: with its image pinned, as far as that is known. */
export function startSpecOf(entry: EndpointEntry, revision: number): RevisionSpec {
  return pinnedSpec(revisionOf(entry, revision));
}

export function specOf(entry: EndpointEntry, revision: number): RevisionSpec {
  return revisionOf(entry, revision).spec;
}
