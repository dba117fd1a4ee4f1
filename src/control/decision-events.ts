import type { RolloutStep } from '../decide/rollout/rollout-step.ts';
import { counted, seconds, type EndpointWorld, type Reason } from '../decide/world.ts';
import type { EventFacts } from '../model/endpoint-event.ts';
import type { Rollout } from '../model/endpoint.ts';
import type { GuardReport } from '../model/guard-report.ts';
import { rolloutIsOver } from '../model/rollout-state.ts';
import type { ControlPorts } from './control-options.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';

/** A rollout takes a step that changes its state: told, and at its end what the guard knew is kept. */
export function noteRolloutStep(
  entry: EndpointEntry,
  step: RolloutStep,
  next: Rollout,
  { guard }: EndpointWorld,
  nowMs: number,
): void {
  const tripped = step.event === 'gaveUp' && typeof guard?.tripped === 'string';
  entry.events.note(nowMs, {
    kind: tripped ? 'guard' : 'rollout',
    code: tripped ? 'tripped' : (step.event ?? ''),
    message: step.message === '' ? `the rollout is ${next.state}` : step.message,
    revision: next.toRevision,
    facts: {
      rolloutId: next.id,
      state: next.state,
      mode: next.mode,
      drained: step.drain.length,
      ...(guard === null ? {} : figures(guard)),
    },
  });
  if (!rolloutIsOver(next.state) || guard === null || entry.guard === null) return;
  entry.lastGuard = { rolloutId: next.id, report: guard, medians: entry.guard.medianFirstByte() };
}

/** The guard begins to doubt a revision, or lets go of its doubt. */
export function noteDoubt(entry: EndpointEntry, { guard, rollout }: EndpointWorld, nowMs: number): void {
  const doubtful = guard?.doubtful === true;
  if (entry.doubtful === doubtful) return;
  entry.doubtful = doubtful;
  if (guard === null || rollout === null) return;
  entry.events.note(nowMs, {
    kind: 'guard',
    code: doubtful ? 'doubtful' : 'cleared',
    message: doubtful
      ? `something speaks against revision ${rollout.toRevision}, not enough for a verdict`
      : `nothing speaks against revision ${rollout.toRevision} any more`,
    revision: rollout.toRevision,
    facts: figures(guard),
  });
}

/** A worker broke and the next start waits. */
export function noteBackoff(entry: EndpointEntry, worker: WorkerEntry, pauseMs: number, nowMs: number): void {
  entry.events.note(nowMs, {
    kind: 'backoff',
    code: 'workerBroke',
    message: `${counted(entry.startFailures, 'worker')} broke in a row; the next start is tried in ${seconds(pauseMs)}`,
    revision: worker.record.revision,
    workerId: worker.record.id,
    facts: { failures: entry.startFailures, pauseMs },
  });
}

/** A decision is told when it starts or ends workers, not each time it is confirmed. */
export function noteScaleDecision(
  { metrics, log, clock }: Pick<ControlPorts, 'metrics' | 'log' | 'clock'>,
  entry: EndpointEntry,
  why: Reason,
  facts: EventFacts,
  worker?: WorkerEntry,
): void {
  const endpointId = entry.endpoint.id;
  metrics.scaleDecision(endpointId, why.code);
  log.info('scale decision', {
    endpointId,
    ...facts,
    code: why.code,
    why: why.text,
    ...why.numbers,
  });
  entry.events.note(clock.nowMs(), {
    kind: 'scale',
    code: why.code,
    message: why.text,
    ...(worker === undefined ? {} : { workerId: worker.record.id, revision: worker.record.revision }),
    facts: { ...why.numbers, ...facts, workers: entry.workers.size },
  });
}

function figures(guard: GuardReport): EventFacts {
  const { target, stable } = guard;
  return {
    targetEnded: target.ended,
    targetFailed: target.failed,
    targetUnanswered: target.unanswered,
    targetDeaths: target.deaths,
    stableEnded: stable.ended,
    stableFailed: stable.failed,
    stableDeaths: stable.deaths,
    failureEvidence: rounded(guard.failureEvidence),
    slownessEvidence: rounded(guard.slownessEvidence),
  };
}

function rounded(value: number): number {
  return Math.round(Math.min(value, Number.MAX_SAFE_INTEGER) * 100) / 100;
}
