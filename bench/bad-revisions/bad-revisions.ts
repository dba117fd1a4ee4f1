/**
 * What a bad revision costs: `npm run bench:bad-revisions [-- --rounds=5 --sound=200 --no-live]`. Each
 * fault is rolled out under load to 1 and to 8 workers, with and without a free device, in simulated
 * worlds on the real control code and queues; then so many equally good revisions; then some of the
 * faults on processes of this machine. Fails when a fault is not found, a request is lost that the bad
 * revision had nothing to do with, one is given to it after the verdict, or more than 1 of 100 equally
 * good revisions is taken back.
 */
import { parseArgs } from 'node:util';
import { FAULTS, SOUND } from './fault.ts';
import { runLive } from './live.ts';
import { simulateRollout, type RolloutResult, type Scene } from './simulated-rollout.ts';

const FALSE_RETURNS_MAX = 0.01;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    sound: { type: 'string', default: '200' },
    'no-live': { type: 'boolean', default: false },
  },
});
const rounds = countOf('rounds', values.rounds, 1);
const sound = countOf('sound', values.sound, 0);
const faults: string[] = [];

console.log(
  `Simulated, ${rounds} rollouts each: median (most). Seconds from the PUT, and from the verdict.\n`,
);
console.log(
  '| revision | workers | free device | found after | bad answers | lost by us | given after the verdict | only stable serves after |',
);
console.log('| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |');
for (const fault of FAULTS) {
  for (const workers of [1, 8]) {
    for (const freeDevice of [true, false]) {
      const results: RolloutResult[] = [];
      for (let round = 0; round < rounds; round += 1) {
        results.push(await simulateRollout(fault, { workers, freeDevice, seed: 1 + round }));
      }
      const lost = sum(results, 'lost');
      const after = sum(results, 'givenAfter');
      const missed = results.filter(({ detectedMs }) => detectedMs === null).length;
      const place = `${fault.name}, ${workers} worker(s), ${freeDevice ? 'a' : 'no'} free device`;
      if (missed > 0) faults.push(`${place}: not found in ${missed} of ${rounds}`);
      if (lost > 0) faults.push(`${place}: ${lost} requests lost`);
      if (after > 0) faults.push(`${place}: ${after} requests given to it after the verdict`);
      row([
        fault.name,
        workers,
        freeDevice ? 'yes' : 'no',
        spread(
          results.map(({ detectedMs }) => detectedMs),
          1_000,
        ),
        spread(results.map(({ badAnswers }) => badAnswers)),
        lost,
        after,
        spread(
          results.map(({ restoredMs }) => restoredMs),
          1_000,
        ),
      ]);
    }
  }
}

let returned = 0;
let requests = 0;
let lostBeside = 0;
for (let round = 0; round < sound; round += 1) {
  const result = await simulateRollout(SOUND, soundScene(round));
  requests += result.requests;
  lostBeside += result.lost;
  if (result.state === 'done') continue;
  returned += 1;
  console.log(`\nReturned: ${JSON.stringify(soundScene(round))}: ${result.state}, ${result.message}`);
}
if (sound > 0) {
  console.log(
    `\n${sound} rollouts to an equally good revision, ${requests} requests: ${returned} returned, ${lostBeside} requests lost.`,
  );
  if (returned > sound * FALSE_RETURNS_MAX)
    faults.push(`${returned} of ${sound} equally good revisions were taken back`);
  if (lostBeside > 0) faults.push(`${lostBeside} requests lost in rollouts to an equally good revision`);
}

if (!values['no-live']) {
  console.log('\nOn processes of this machine, 1 worker:\n');
  console.log(
    '| revision | free device | found after | bad answers | lost by us | only stable serves after | requests |',
  );
  console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: |');
  await runLive((result) => {
    row([
      result.name,
      result.place === 'free' ? 'yes' : 'no',
      (result.detectedMs / 1_000).toFixed(1),
      result.badAnswers,
      result.lost,
      (result.restoredMs / 1_000).toFixed(1),
      result.requests,
    ]);
    if (result.lost > 0) faults.push(`live, ${result.name}: ${result.lost} requests lost`);
  });
}

for (const fault of faults) console.error(`FAILED: ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;

/** Endpoints of several sizes, that fail now and then or never, with times that spread little or much. */
function soundScene(round: number): Scene {
  return {
    workers: [1, 1, 2, 8][round % 4] ?? 1,
    freeDevice: round % 3 !== 0,
    seed: 1_000 + round,
    failureShare: [0, 0.002, 0.01, 0.05, 0.2][round % 5] ?? 0,
    spread: [0.2, 0.5, 1][round % 3] ?? 0.5,
    requestsPerSecond: [2, 8, 20][Math.floor(round / 4) % 3] ?? 8,
    historyMs: [20_000, 120_000][round % 2] ?? 120_000,
  };
}

function row(cells: readonly (string | number)[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

function sum(results: readonly RolloutResult[], name: 'lost' | 'givenAfter'): number {
  return results.reduce((total, result) => total + result[name], 0);
}

/** "median (most)", in units of `unit`; "never" where it did not come. */
function spread(numbers: readonly (number | null)[], unit = 1): string {
  const sorted = numbers.map((value) => value ?? Infinity).sort((a, b) => a - b);
  const shown = (value: number): string =>
    value === Infinity ? 'never' : unit === 1 ? String(value) : (value / unit).toFixed(1);
  return `${shown(sorted[Math.floor(sorted.length / 2)] ?? Infinity)} (${shown(sorted.at(-1) ?? Infinity)})`;
}

function countOf(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`--${name} takes a number from ${least}; ${text} was given`);
  return value;
}
