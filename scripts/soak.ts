/**
 * Runs simulated worlds, each checked after every event, until the time is over or one breaks.
 *
 *   npm run soak                                    for an hour, from a new seed
 *   npm run soak -- --hours 4 --seed 7
 *   npm run soak -- --seed 123 --path 4:1:0         the one world that a failure named
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { failureText, findBroken } from '../test/simulate/proof/prove.ts';
import { runWorld } from '../test/simulate/proof/run-world.ts';

const HOUR_MS = 3_600_000;
const BATCH = 500;
const SEEDS = 2 ** 31;

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '1' },
    seed: { type: 'string' },
    path: { type: 'string' },
    /** Prints all that happened in the world of `--path`. */
    trace: { type: 'boolean', default: false },
  },
});
const hours = numberOf('hours', values.hours, 0, 10_000);
let seed = values.seed === undefined ? randomInt(SEEDS) : numberOf('seed', values.seed, -SEEDS, SEEDS);

if (values.path === undefined) await soak();
else await repeat(values.path);

async function repeat(path: string): Promise<void> {
  const broken = await findBroken({
    seed,
    path,
    worlds: 1,
    shrinks: false,
    run: async (plan) => {
      const trace = await runWorld(plan);
      if (values.trace) console.log(trace);
    },
  });
  if (broken === null) {
    console.log('This world holds.');
    return;
  }
  console.error(failureText(broken));
  if (broken.errorInstance instanceof Error) console.error(broken.errorInstance.stack);
  process.exitCode = 1;
}

async function soak(): Promise<void> {
  const beganMs = Date.now();
  const endMs = beganMs + hours * HOUR_MS;
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  let worlds = 0;
  console.log(`From seed ${seed} for ${hours} h; Ctrl-C ends it.`);
  while (Date.now() < endMs && !stop.signal.aborted) {
    const broken = await findBroken({ seed, worlds: BATCH, signal: stop.signal });
    if (broken !== null) {
      console.error(failureText(broken));
      process.exitCode = 1;
      return;
    }
    worlds += BATCH;
    seed = (seed + 1) % SEEDS;
    const tookMs = Date.now() - beganMs;
    const left = Math.max(0, (endMs - Date.now()) / HOUR_MS).toFixed(2);
    console.log(
      `${worlds} worlds hold, ${Math.round(worlds / (tookMs / 60_000))} a minute, next seed ${seed}, ${left} h left`,
    );
  }
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  console.error(`--${name} is "${text}"; it takes a number from ${least} to ${most}.`);
  process.exit(2);
}
