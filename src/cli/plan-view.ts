import type { PlanStep, UpdatePlan } from '../client/schema.ts';
import { changeRows } from './field-changes.ts';
import { printable } from './output.ts';
import type { Cell, Colour, Output } from './output.ts';

const STEPS_SHOWN = 20;

/** A plan as tables: what changes, what is done, what it costs. */
export function showPlan(plan: UpdatePlan, endpointId: string, output: Output): void {
  output.line(`Plan for ${endpointId}, revision ${plan.revision}: ${printable(plan.message)}`);
  if (plan.effect === 'none') return;
  output.line();
  output.table(['CHANGED', 'CLASS', 'BEFORE', 'AFTER'], changeRows(plan.changed));
  if (plan.steps.length > 0) {
    output.line();
    output.table(['AT', 'STEP', 'REVISION', 'GPUS', 'WHY'], plan.steps.slice(0, STEPS_SHOWN).map(stepRow));
    const hidden = plan.steps.length - STEPS_SHOWN + plan.steps_left_out;
    if (hidden > 0) output.line(`and ${hidden} more; --json shows them`);
  }
  output.line();
  const rows = impactRows(plan);
  for (const line of output.aligned(rows.map(([name, text]) => [{ text: name, colour: 'dim' }, { text }]))) {
    output.line(line);
  }
}

function stepRow(step: PlanStep): Cell[] {
  const whom = step.worker ?? step.mode ?? '';
  return [
    { text: step.at_seconds === null ? '?' : secondsText(step.at_seconds) },
    { text: `${step.action} ${whom}`.trim(), colour: actionColour(step.action) },
    { text: String(step.revision) },
    { text: step.devices.length === 0 ? '-' : step.devices.join(',') },
    { text: step.why },
  ];
}

function actionColour(action: PlanStep['action']): Colour | undefined {
  if (action === 'start' || action === 'prove' || action === 'finish') return 'green';
  return action === 'fail' ? 'red' : 'yellow';
}

function impactRows({ effect, impact }: UpdatePlan): [string, string][] {
  const { measured } = impact;
  const known = [
    ['pull', measured.pull_seconds],
    ['start', measured.start_seconds],
    ['drain', measured.drain_seconds],
    ['stop', measured.stop_seconds],
  ] as const;
  const times = known
    .map(([name, value]) => `${name} ${value === null ? 'not measured' : secondsText(value)}`)
    .join(', ');
  const rows: [string, string][] = [];
  if (effect !== 'settings') {
    rows.push(['workers to replace', String(impact.workers_to_replace)], ['expected time', timeText(impact)]);
    rows.push(['measured here', times]);
    if (impact.guarded_seconds > 0) rows.push(['guarded after it', secondsText(impact.guarded_seconds)]);
    rows.push(['requests waiting', waitText(impact)]);
    rows.push(['extra worker time', valueText(impact.extra_worker_seconds)]);
  }
  const price = impact.price_change_per_hour;
  if (price !== null) {
    rows.push(['price per hour', `${signed(price.at_min)} at min, ${signed(price.at_max)} at max`]);
  }
  return rows;
}

type Impact = UpdatePlan['impact'];

function timeText({
  expected_seconds: expected,
  at_least_seconds: least,
  not_measured: open,
}: Impact): string {
  if (expected !== null) return secondsText(expected);
  return open.length === 0 ? 'unknown' : `unknown, at least ${secondsText(least)}`;
}

function waitText({
  requests_waiting: requests,
  longest_wait_seconds: longest,
  requests_per_second: rate,
}: Impact): string {
  if (requests === null || longest === null) return 'unknown';
  const wait = requests === 0 ? '' : `, the longest for ${secondsText(longest)}`;
  return `${requests} at ${rate} per second${wait}`;
}

function valueText(seconds: number | null): string {
  return seconds === null ? 'unknown' : secondsText(seconds);
}

function secondsText(seconds: number): string {
  return `${Number(seconds.toFixed(1))} s`;
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value);
}
