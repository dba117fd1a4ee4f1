/**
 * What a request costs at our gateway, beside other proxies on the same machine in the same minutes.
 * `--long`: more rounds and full counts. `--only cpu,sse`: some measures. `--subjects "nginx,Pilotlight strict"`:
 * some proxies. `--rounds 5`: as many. `--write`: the tables go into docs/performance.md. `--json`: for programs.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bench, type BenchSize } from './bench.ts';
import { writeToDocument, type Block } from './document.ts';
import { MEASURES } from './measures/all-measures.ts';
import type { Measure } from './measures/measure.ts';
import { allSubjects } from './subjects/all-subjects.ts';
import { markdown, type Table } from './table.ts';

const SHORT: BenchSize = {
  rounds: 3,
  roundMs: 1_000,
  warmUpMs: 3_000,
  programs: 4,
  streams: [50, 1_000],
  parkedRequests: 5_000,
  sockets: 1_000,
  endpoints: 1_000,
  slowMs: 3_000,
  allPeers: false,
};
const LONG: BenchSize = {
  rounds: 9,
  roundMs: 2_000,
  warmUpMs: 8_000,
  programs: 4,
  streams: [50, 1_000],
  parkedRequests: 19_000,
  sockets: 10_000,
  endpoints: 10_000,
  slowMs: 20_000,
  allPeers: true,
};

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    only: { type: 'string' },
    subjects: { type: 'string' },
    rounds: { type: 'string' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const usual = values.long ? LONG : SHORT;
const size = { ...usual, rounds: Number(values.rounds ?? usual.rounds) };
if (!(Number.isInteger(size.rounds) && size.rounds > 0)) {
  console.error(`--rounds: "${values.rounds}" is not a number of rounds, such as 5`);
  process.exit(2);
}
const measures = chosenOf(MEASURES, values.only, '--only');
const subjects = chosenOf(allSubjects(size.sockets), values.subjects, '--subjects');
if (process.platform !== 'linux' || availableParallelism() < 2) {
  console.error('This bench pins programs to two cores of a Linux machine, and there are none.');
  process.exit(2);
}

const folder = await mkdtemp(join(tmpdir(), 'pilotlight-bench-'));
const skipped: string[] = [];
let bench: Bench | null = null;
try {
  bench = await Bench.open({
    folder,
    subjects,
    size,
    onSkip: (name, why) => {
      skipped.push(`${name} (${why})`);
      console.error(`skipped: ${name}, ${why}`);
    },
  });
  const tables: Table[] = [];
  const blocks: Block[] = [];
  for (const measure of measures) {
    console.error(`measuring: ${measure.name}`);
    const table = await measure.run(bench);
    tables.push(table);
    blocks.push({ measure: measure.name, text: markdown([table]) });
  }
  const text = markdown(tables);
  console.log(values.json ? JSON.stringify({ skipped, tables }, null, 2) : text);
  if (values.write) writeToDocument(blocks, skipped, commandLine);
  const faults = tables.flatMap((table) => table.faults);
  for (const fault of faults) console.error(`FAILED: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
} finally {
  await bench?.close();
  await rm(folder, { recursive: true, force: true });
}

function chosenOf<Named extends Measure | { readonly name: string }>(
  all: readonly Named[],
  given: string | undefined,
  flag: string,
): readonly Named[] {
  if (given === undefined) return all;
  const names = given.split(',');
  const unknown = names.filter((name) => all.every((each) => each.name !== name));
  if (unknown.length > 0) {
    console.error(
      `${flag}: there is no "${unknown.join('", "')}"; there are ${all.map(({ name }) => name).join(', ')}`,
    );
    process.exit(2);
  }
  return all.filter(({ name }) => names.includes(name));
}

/** That which makes one measure's tables again. */
function commandLine(measure: string): string {
  const flags = ['--only', measure];
  if (values.long) flags.unshift('--long');
  if (values.rounds !== undefined) flags.push('--rounds', values.rounds);
  if (values.subjects !== undefined) flags.push('--subjects', `"${values.subjects}"`);
  return `npm run bench:gateway -- ${flags.join(' ')}`;
}
