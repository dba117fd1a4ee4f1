import { FaultList, type Faults } from '../../model/faults.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../base/units.ts';
import { SimulateBody, WINDOW_DEFAULT, WINDOW_MAX_MS } from '../../model/simulate-schema.ts';
import { checkShape, isObject } from './check-shape.ts';
import type { EndpointParts } from './merge.ts';
import { planUpdate, type StoredEndpoint } from './plan-update.ts';

export interface SimulationPlan {
  readonly proposed: EndpointParts;
  /** API field paths, as an update with this body would change them; empty when it proposes nothing. */
  readonly changed: readonly string[];
  /** How far back; null when a trace is given instead. */
  readonly windowMs: number | null;
  readonly trace: string | null;
  readonly goals: {
    readonly p50Ms: number | null;
    readonly p95Ms: number | null;
    readonly p99Ms: number | null;
  } | null;
}

const UNITS_MS: Readonly<Record<string, number>> = { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/**
 * What a simulation's body asks of a stored endpoint, or all that is wrong with it. Settings are
 * checked and merged by the very function that an update uses.
 */
export function planSimulation(
  stored: StoredEndpoint,
  body: unknown,
): { readonly faults: Faults } | SimulationPlan {
  const faults = new FaultList();
  checkShape(SimulateBody, body, faults);
  if (!isObject(body) || faults.full) return { faults: faults.toFaults() };
  const settings = Object.fromEntries(
    ['worker_config', 'policy', 'product_id']
      .filter((name) => Object.hasOwn(body, name))
      .map((name) => [name, body[name]]),
  );
  const update = planUpdate(stored, settings);
  if ('faults' in update) {
    for (const [path, text] of Object.entries(update.faults)) faults.add(path, text);
  }
  const windowMs = windowOf(body['window'], faults);
  if (body['trace'] !== undefined && body['window'] !== undefined) {
    faults.add('window', 'is given together with trace; allowed: one of them');
  }
  const goals = goalsOf(body['advise'], faults);
  if (!faults.empty || 'faults' in update) return { faults: faults.toFaults() };
  const trace = (body['trace'] as string | undefined) ?? null;
  return {
    proposed: { settings: update.settings, spec: update.spec },
    changed: Object.keys(update.changed),
    windowMs: trace === null ? windowMs : null,
    trace,
    goals,
  };
}

function windowOf(given: unknown, faults: FaultList): number {
  // Anything else has its fault already.
  const text = typeof given === 'string' ? given : WINDOW_DEFAULT;
  const [, amount = '', unit = ''] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const windowMs = Number(amount) * (UNITS_MS[unit] ?? 0);
  if (windowMs > WINDOW_MAX_MS) faults.add('window', `is "${text}"; allowed: at most 366d`);
  return windowMs;
}

function goalsOf(given: unknown, faults: FaultList): SimulationPlan['goals'] {
  if (!isObject(given)) return null;
  const goalMs = (name: string): number | null => {
    const seconds = given[name];
    return typeof seconds === 'number' ? seconds * SECOND_MS : null;
  };
  const goals = {
    p50Ms: goalMs('p50_wait_seconds'),
    p95Ms: goalMs('p95_wait_seconds'),
    p99Ms: goalMs('p99_wait_seconds'),
  };
  if (Object.keys(given).length === 0) {
    faults.add('advise', 'names no goal; allowed: p50_wait_seconds, p95_wait_seconds, p99_wait_seconds');
  }
  return goals;
}
