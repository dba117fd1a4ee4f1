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

/** Milliseconds; total = the worker's start + its answer + the share. */
interface Side {
  readonly total: Figures;
  readonly workerStart: Figures;
  readonly share: Figures;
}

interface Result {
  readonly rounds: number;
  readonly workerListensAfterMs: number;
  readonly limitMs: number;
  readonly pilotlight: Side;
  readonly polling: Side;
  /** Share of the polling baseline for one of Pilotlight's, by their medians. */
  readonly ratio: number;
}

async function measure(rounds: number, interrupted: AbortSignal): Promise<Result> {
  const peer = await ChildServer.start(join(import.meta.dirname, 'polling-peer.ts'), [], {
    ...process.env,
    LISTEN_AFTER_MS: String(LISTEN_AFTER_MS),
  });
  const world = await PilotlightWorld.open(LISTEN_AFTER_MS);
  const ours: Wake[] = [];
  const polled: Wake[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      interrupted.throwIfAborted();
      // In turns, so that whatever else the machine does meets both.
      await world.atZero();
      ours.push(await wake(world.url, world.headers));
      await world.atZero();
      // Evenly over the poll's rhythm: with chance the two would differ from run to run.
      const phaseMs = ((round + 0.5) / rounds) * POLL_EVERY_MS;
      polled.push(await wake(peer.url, { 'poll-phase-ms': String(phaseMs) }));
    }
  } finally {
    await world.close();
    await peer.close();
  }
  const pilotlight = summary(ours);
  const polling = summary(polled);
  return {
    rounds,
    workerListensAfterMs: LISTEN_AFTER_MS,
    limitMs: LIMIT_MS,
    pilotlight,
    polling,
    ratio: polling.share.median / pilotlight.share.median,
  };
}

function summary(wakes: readonly Wake[]): Side {
  return {
    total: figuresOf(wakes.map(({ totalMs }) => totalMs)),
    workerStart: figuresOf(wakes.map(({ workerStartMs }) => workerStartMs)),
    share: figuresOf(wakes.map(({ shareMs }) => shareMs)),
  };
}

function print(result: Result): void {
  const rows: readonly (readonly [string, Figures])[] = [
    ['Pilotlight: arrival to first byte', result.pilotlight.total],
    ["Pilotlight: the worker's own start", result.pilotlight.workerStart],
    ['Pilotlight: its own share', result.pilotlight.share],
    [`poll each ${POLL_EVERY_MS} ms: arrival to first byte`, result.polling.total],
    [`poll each ${POLL_EVERY_MS} ms: the worker's own start`, result.polling.workerStart],
    [`poll each ${POLL_EVERY_MS} ms: its own share`, result.polling.share],
  ];
  console.log(`${result.rounds} wakes from zero, worker listens ${LISTEN_AFTER_MS} ms after its start; ms\n`);
  console.log(row('', ['median', 'p95', 'min', 'max']));
  for (const [name, { median, p95, min, max }] of rows) {
    console.log(
      row(
        name,
        [median, p95, min, max].map((value) => value.toFixed(1)),
      ),
    );
  }
  console.log(`\nThe poll's share is ${result.ratio.toFixed(1)} times Pilotlight's.`);
  if (result.pilotlight.workerStart.median > LISTEN_AFTER_MS * 1.1) {
    console.log(`This machine is busy: the worker itself was late, so these figures say little. Try again.`);
  }
}

function row(name: string, cells: readonly string[]): string {
  return `${name.padEnd(38)}${cells.map((cell) => cell.padStart(9)).join('')}`;
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
if (!(result.pilotlight.share.median < LIMIT_MS)) {
  console.error(
    `FAILED: the median share is ${result.pilotlight.share.median.toFixed(1)} ms, the limit ${LIMIT_MS} ms`,
  );
  process.exitCode = 1;
}
