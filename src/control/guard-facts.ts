import { RolloutGuard } from '../decide/rollout/guard.ts';
import type { GuardReport } from '../model/guard-report.ts';
import { RevisionFigures } from '../decide/rollout/revision-figures.ts';
import { rolloutIsOver } from '../model/rollout-state.ts';
import { workerIsOver } from '../model/worker-state.ts';
import type { RequestAnswer, RequestOutcome, Traffic } from '../ports/traffic.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';

/** The first answers of a worker are slow on every revision: caches are cold, code is compiled. */
const WARM_UP_ANSWERS = 3;
/** A swap ends with all that waited meanwhile at once on a new process: what begins so early is not timed either. */
const WARM_UP_MS = 5_000;

/** A worker's answer began. */
export function noteAnswer(
  entry: EndpointEntry,
  worker: WorkerEntry,
  answer: RequestAnswer,
  nowMs: number,
): void {
  worker.answers += 1;
  const { revision, readyAtMs } = worker.record;
  const beganMs = nowMs - answer.firstByteMs;
  const warm = worker.answers > WARM_UP_ANSWERS && beganMs - (readyAtMs ?? nowMs) >= WARM_UP_MS;
  const time = warm ? { ms: answer.firstByteMs, beside: answer.beside } : null;
  figuresOf(entry, revision).answer(time);
  if (time !== null) guardOf(entry)?.time(revision, time);
}

/** A request's outcome is known. One that its client gave up says nothing about the worker. */
export function noteOutcome(entry: EndpointEntry, outcome: RequestOutcome): void {
  const failed = failedOnWorker(outcome);
  if (failed === null) return;
  figuresOf(entry, outcome.revision).outcome(failed);
  guardOf(entry)?.outcome(outcome.revision, failed);
}

function failedOnWorker({ end, status }: RequestOutcome): boolean | null {
  if (end === 'complete') return status !== null && status >= 500;
  if (end === 'broke') return true;
  // A stream that is longer than request_timeout was served as long as it may be.
  if (end === 'timeout') return status === null ? true : null;
  return null;
}

export function figuresOf(entry: EndpointEntry, revision: number): RevisionFigures {
  const known = entry.figures?.get(revision);
  if (known !== undefined) return known;
  const figures = new RevisionFigures(revision);
  // Requests of a revision that is on its way out still end: it is kept with those in use.
  const needed = new Set([entry.endpoint.stableRevision, entry.endpoint.targetRevision]);
  for (const worker of entry.workers.values()) needed.add(worker.record.revision);
  entry.figures ??= new Map();
  for (const number of entry.figures.keys()) if (!needed.has(number)) entry.figures.delete(number);
  entry.figures.set(revision, figures);
  return figures;
}

/** The guard of the running rollout; made at the first look, out of what is remembered then. */
export function guardOf(entry: EndpointEntry): RolloutGuard | null {
  const { rollout, stableRevision, targetRevision } = entry.endpoint;
  if (rollout === null || targetRevision === null || rolloutIsOver(rollout.state)) {
    entry.guard = null;
    return null;
  }
  if (entry.guard?.rolloutId !== rollout.id) {
    entry.guard = new RolloutGuard(
      rollout.id,
      rollout.options.guard,
      figuresOf(entry, targetRevision),
      figuresOf(entry, stableRevision),
    );
  }
  return entry.guard;
}

export function guardReportOf(entry: EndpointEntry, traffic: Traffic, nowMs: number): GuardReport | null {
  const guard = guardOf(entry);
  const { id, rollout, stableRevision, targetRevision } = entry.endpoint;
  if (guard === null || targetRevision === null || rollout?.state === 'waiting') return null;
  return guard.report({
    nowMs,
    unansweredSinceMs: traffic.unansweredSince(id, targetRevision),
    targetExposureMs: exposureMs(entry, targetRevision, nowMs),
    stableExposureMs: exposureMs(entry, stableRevision, nowMs),
  });
}

/** Ready time of the revision's workers, those that ended lately included. */
function exposureMs(entry: EndpointEntry, revision: number, nowMs: number): number {
  let sumMs = 0;
  const live = [...entry.workers.values()].map(({ record }) => record);
  for (const record of [...live, ...entry.ended]) {
    if (record.revision !== revision || record.readyAtMs === null) continue;
    const untilMs = workerIsOver(record.state) ? (record.endedAtMs ?? nowMs) : nowMs;
    sumMs += Math.max(0, untilMs - record.readyAtMs);
  }
  return sumMs;
}
