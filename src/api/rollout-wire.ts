import { SECOND_MS } from '../base/units.ts';
import type { GuardFigures } from '../model/guard-report.ts';
import type { RolloutOptions, WorkerAmount } from '../model/rollout-options.ts';
import type { DrainHolder, RolloutView } from '../ports/endpoint-service.ts';
import { endpointWorker, rolloutObject } from './endpoint-wire.ts';
import { fractionalSeconds, requestObject } from './request-wire.ts';

/** A number beyond it means the same and is hard to read. */
const EVIDENCE_SHOWN_MAX = 1e9;

export function rolloutDetails(view: RolloutView) {
  const { rollout, guard, medians } = view;
  return {
    ...rolloutObject(rollout),
    order: rollout.order,
    options: optionsObject(rollout.options),
    waits_for: view.waitsFor,
    looks_again_at: fractionalSeconds(view.looksAgainAtMs),
    guard:
      guard === null
        ? null
        : {
            new_revision: figuresObject(guard.target, medians?.targetMs ?? null),
            old_revision: figuresObject(guard.stable, medians?.stableMs ?? null),
            failure_evidence: evidence(guard.failureEvidence),
            slowness_evidence: evidence(guard.slownessEvidence),
            doubtful: guard.doubtful,
            verdict: guard.tripped,
          },
    workers: view.workers.map(endpointWorker),
    drain_holders: view.holders.map(holderObject),
  };
}

export function holderObject({ request, closedAtMs }: DrainHolder) {
  return { request: requestObject(request), closed_at: fractionalSeconds(closedAtMs) };
}

function optionsObject(options: RolloutOptions) {
  return {
    max_surge: amountText(options.maxSurge),
    first_step: amountText(options.firstStep),
    bake_seconds: options.bakeMs / SECOND_MS,
    bake_requests: options.bakeRequests,
    watch_seconds: options.watchMs / SECOND_MS,
    drain_seconds: options.drainDeadlineMs / SECOND_MS,
    guard: options.guard.enabled ? ('on' as const) : ('off' as const),
    guard_slowdown: options.guard.slowdown,
    guard_failures: options.guard.minFailures,
  };
}

function amountText({ value, unit }: WorkerAmount): string {
  return unit === 'percent' ? `${value}%` : String(value);
}

function figuresObject(
  { answered, ended, failed, unanswered, deaths }: GuardFigures,
  medianMs: number | null,
) {
  return {
    answered,
    ended,
    failed,
    unanswered,
    deaths,
    first_byte_ms: medianMs === null ? null : Math.round(medianMs * 10) / 10,
  };
}

function evidence(value: number): number {
  return Math.round(Math.min(value, EVIDENCE_SHOWN_MAX) * 1_000) / 1_000;
}
