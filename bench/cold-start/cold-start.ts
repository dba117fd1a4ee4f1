/**
 * How long a request that wakes an endpoint from zero waits beyond the worker's own start. Exit
 * code 1 when the median is not under the limit. `--json` for programs, `--rounds=N` for more rounds.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ChildServer } from '../child-server.ts';
import { figuresOf, type Figures } from '../figures.ts';
import { PilotlightWorld } from './pilotlight-world.ts';
import { wake, type Wake } from './wake.ts';

const LISTEN_AFTER_MS = 300;
const POLL_EVERY_MS = 200;
const LIMIT_MS = 60;
/** Of a notice by descriptor, beyond the spawn: the poll's for one of ours, and our p95. */
const GOAL = { ratio: 30, p95Ms: 10 };
const SIDES = ['noticed', 'posted', 'asked'] as const;

/** Milliseconds; total = the worker's start + its answer + the share. The overhead is a part of the share. */
interface Side {
  readonly total: Figures;
  readonly workerStart: Figures;
  readonly share: Figures;
  readonly overhead: Figures;
}

interface Result {
  readonly rounds: number;
  readonly workerListensAfterMs: number;
  readonly limitMs: number;
  /** The worker tells that it listens, by its descriptor and by HTTP. */
  readonly noticed: Side;
  readonly posted: Side;
  /** The worker tells nothing. */
  readonly asked: Side;
  readonly polling: Side;
  /** Of the polling baseline for one of Pilotlight's with a notice, by their medians. */
  readonly shareRatio: number;
  readonly overheadRatio: number;
}

async function measure(rounds: number, interrupted: AbortSignal): Promise<Result> {
  const peer = await ChildServer.start(join(import.meta.dirname, 'polling-peer.ts'), [], {
    ...process.env,
    LISTEN_AFTER_MS: String(LISTEN_AFTER_MS),
  });
  const worlds = {
    noticed: await PilotlightWorld.open(LISTEN_AFTER_MS, 'fd'),
    posted: await PilotlightWorld.open(LISTEN_AFTER_MS, 'url'),
    asked: await PilotlightWorld.open(LISTEN_AFTER_MS, 'none'),
  };
  const wakes = { noticed: [] as Wake[], posted: [] as Wake[], asked: [] as Wake[], polling: [] as Wake[] };
  try {
    for (let round = 0; round < rounds; round += 1) {
      interrupted.throwIfAborted();
      // In turns, so that whatever else the machine does meets all of them.
      for (const side of SIDES) {
        for (const each of SIDES) await worlds[each].atZero();
        wakes[side].push(await wake(worlds[side].url, worlds[side].headers));
      }
      for (const each of SIDES) await worlds[each].atZero();
      // Evenly over the poll's rhythm: with chance the two would differ from run to run.
      const phaseMs = ((round + 0.5) / rounds) * POLL_EVERY_MS;
      wakes.polling.push(await wake(peer.url, { 'poll-phase-ms': String(phaseMs) }));
    }
  } finally {
    for (const each of SIDES) await worlds[each].close();
    await peer.close();
  }
  const noticed = summary(wakes.noticed);
  const polling = summary(wakes.polling);
  return {
    rounds,
    workerListensAfterMs: LISTEN_AFTER_MS,
    limitMs: LIMIT_MS,
    noticed,
    posted: summary(wakes.posted),
    asked: summary(wakes.asked),
    polling,
    shareRatio: polling.share.median / noticed.share.median,
    overheadRatio: polling.overhead.median / noticed.overhead.median,
  };
}

function summary(wakes: readonly Wake[]): Side {
  return {
    total: figuresOf(wakes.map(({ totalMs }) => totalMs)),
    workerStart: figuresOf(wakes.map(({ workerStartMs }) => workerStartMs)),
    share: figuresOf(wakes.map(({ shareMs }) => shareMs)),
    overhead: figuresOf(wakes.map(({ overheadMs }) => overheadMs)),
  };
}

function print(result: Result): void {
  const sides: readonly (readonly [string, Side])[] = [
    ['Pilotlight, noticed by descriptor', result.noticed],
    ['Pilotlight, noticed by HTTP', result.posted],
    ['Pilotlight, asked', result.asked],
    [`poll each ${POLL_EVERY_MS} ms`, result.polling],
  ];
  console.log(`${result.rounds} wakes from zero, worker listens ${LISTEN_AFTER_MS} ms after its start; ms\n`);
  console.log(row('', ['median', 'p95', 'min', 'max']));
  for (const [name, side] of sides) {
    const rows: readonly (readonly [string, Figures])[] = [
      ['arrival to first byte', side.total],
      ["the worker's own start", side.workerStart],
      ['its own share', side.share],
      ['of that beyond the spawn', side.overhead],
    ];
    for (const [what, { median, p95, min, max }] of rows) {
      console.log(
        row(
          `${name}: ${what}`,
          [median, p95, min, max].map((value) => value.toFixed(1)),
        ),
      );
    }
  }
  console.log(
    `\nThe poll's share is ${result.shareRatio.toFixed(1)} times Pilotlight's with a notice by descriptor, and beyond the spawn ${result.overheadRatio.toFixed(1)} times.`,
  );
  const { overhead } = result.noticed;
  const met = result.overheadRatio >= GOAL.ratio && overhead.p95 <= GOAL.p95Ms;
  console.log(
    `Goal: ${GOAL.ratio} times, and a p95 of ${GOAL.p95Ms} ms at most: ${met ? 'met' : 'missed'} (p95 ${overhead.p95.toFixed(1)}).`,
  );
  if (result.noticed.workerStart.median > LISTEN_AFTER_MS * 1.1) {
    console.log(`This machine is busy: the worker itself was late, so these figures say little. Try again.`);
  }
}

function row(name: string, cells: readonly string[]): string {
  return `${name.padEnd(66)}${cells.map((cell) => cell.padStart(9)).join('')}`;
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '20' } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000) {
  console.error(`--rounds is "${values.rounds}"; it takes a whole number from 1 to 1000`);
  process.exit(2);
}
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted; everything was cleaned up')));
const result = await measure(rounds, interrupted.signal);
if (values.json) console.log(JSON.stringify(result, null, 2));
else print(result);
if (!(result.asked.share.median < LIMIT_MS)) {
  console.error(
    `FAILED: the median share is ${result.asked.share.median.toFixed(1)} ms, the limit ${LIMIT_MS} ms`,
  );
  process.exitCode = 1;
}
