/**
 * How well a plan foretells the rollout that follows: `npm run bench:plan [-- --rounds=20]`. The real
 * control loops in simulated worlds, with start, stop and service times and arrivals drawn by chance;
 * each rollout has a world of its own. The last rows are a real server with its simulated driver, over
 * HTTP and in real time. Fails when the median error of a scenario is above 30 %.
 */
import { parseArgs } from 'node:util';
import { planLive } from './live.ts';
import { planAndRoll, type PlannedRollout } from './planned-rollout.ts';
import { SCENARIOS } from './scenarios.ts';

const LIMIT = 0.3;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds takes a number from 1; ${values.rounds} was given`);

interface Row {
  readonly scenario: string;
  readonly took: number;
  readonly expected: number;
  readonly medianError: number;
  readonly p90Error: number;
  readonly worstError: number;
  readonly waited: number;
  readonly expectedWaiting: number;
}

const rows: Row[] = [];
const errors: number[] = [];
for (const [index, scenario] of SCENARIOS.entries()) {
  const rollouts: PlannedRollout[] = [];
  for (let round = 0; round < rounds; round += 1) {
    rollouts.push(await planAndRoll(scenario, 1 + index * 10_000 + round));
  }
  rows.push(rowOf(scenario.name, rollouts));
}
for (const [place, rollouts] of await planLive(rounds)) rows.push(rowOf(`live, ${place}`, rollouts));

const median = quantile(errors, 0.5);
const missed = rows.filter(({ medianError }) => medianError > LIMIT);
if (values.json) {
  console.log(JSON.stringify({ rounds, median, rows }, null, 2));
} else {
  console.log(`${rounds} rollouts each; medians; seconds, and errors of the expected seconds in %\n`);
  console.log('| scenario | took | expected | median error | p90 | worst | waited | expected to wait |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const row of rows) {
    const cells = [
      row.scenario,
      row.took.toFixed(1),
      row.expected.toFixed(1),
      percent(row.medianError),
      percent(row.p90Error),
      percent(row.worstError),
      row.waited,
      row.expectedWaiting,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  console.log(`\nall ${errors.length} rollouts: median error ${percent(median)} %`);
}
for (const { scenario, medianError } of missed) {
  console.error(`missed: ${scenario}: ${percent(medianError)} %, allowed are ${percent(LIMIT)} %`);
}
process.exitCode = missed.length > 0 ? 1 : 0;

function rowOf(scenario: string, rollouts: readonly PlannedRollout[]): Row {
  const off = rollouts.map(({ expectedMs, tookMs }) => Math.abs(expectedMs - tookMs) / tookMs);
  errors.push(...off);
  const medianOf = (value: (rollout: PlannedRollout) => number): number => quantile(rollouts.map(value), 0.5);
  return {
    scenario,
    took: medianOf(({ tookMs }) => tookMs) / 1_000,
    expected: medianOf(({ expectedMs }) => expectedMs) / 1_000,
    medianError: quantile(off, 0.5),
    p90Error: quantile(off, 0.9),
    worstError: Math.max(...off),
    waited: medianOf(({ waited }) => waited),
    expectedWaiting: medianOf(({ expectedWaiting }) => expectedWaiting),
  };
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
