/**
 * Our scaler beside other systems' rules, on traces. `npm run bench:autoscale [-- FOLDER]` reads
 * `*.csv` and `*.csv.gz` of a folder (`../shared/traces`, relative to the repository, unless given),
 * prints the result and writes `docs/autoscaling.md` and its plot. What peers did is kept in
 * `bench/autoscale/.cache`, so a second run takes less.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawnTraces } from './drawn.ts';
import { curvesSvg } from './plot.ts';
import { reportMarkdown, type ReportGroup } from './report.ts';
import { CELLS, PRICES, Runs } from './runs.ts';
import { geometricMean, scoresOf, type CellRuns } from './scores.ts';
import { SHAPED_ON, sourcesOf } from './sources.ts';
import { syntheticTraces } from './synthetic.ts';
import { readTraces, type Trace } from './traces.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const SHORT_REQUESTS_MAX = 15_000;
const PLOTTED_MAX = 4;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    output: { type: 'string', default: join(ROOT, 'docs') },
    'without-generated': { type: 'boolean', default: false },
    'shaping-only': { type: 'boolean', default: false },
  },
});
const folder = resolve(positionals[0] ?? join(ROOT, '../shared/traces'));
if (!existsSync(folder)) {
  console.error(
    `There is no folder ${folder}. Name one with traces: npm run bench:autoscale -- FOLDER (*.csv or *.csv.gz with the columns arrival_s,prompt_tokens,output_tokens).`,
  );
  process.exit(2);
}
const read = readTraces(folder).filter(
  (trace) =>
    (!values.short || trace.arrivalS.length <= SHORT_REQUESTS_MAX) &&
    (!values['shaping-only'] || SHAPED_ON.has(trace.name)),
);
const generated = made(syntheticTraces);
const drawn = made(drawnTraces);
const plotted = new Set(read.filter((_, index) => index % 2 === 0).slice(0, PLOTTED_MAX));

const runs = new Runs(!values.short);
const shaped = read.filter((trace) => SHAPED_ON.has(trace.name));
const unseen = read.filter((trace) => !SHAPED_ON.has(trace.name));
const groups: ReportGroup[] = [
  { title: 'shaped on', runs: runAll(shaped) },
  { title: positionals.length === 0 ? 'kept out' : 'not seen while shaping', runs: runAll(unseen) },
  { title: 'generated', runs: runAll(generated) },
  { title: 'drawn', runs: runAll(drawn) },
].filter((group) => group.runs.length > 0);
runs.save();

const plotRows = groups.flatMap((group) => group.runs).filter(({ curve }) => curve.length > 0);
const command = [
  'npm run bench:autoscale',
  ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : []),
];
const markdown = reportMarkdown({
  groups,
  prices: PRICES,
  sources: sourcesOf(
    read.map((trace) => trace.name),
    generated.length > 0,
  ),
  plotFile: plotRows.length > 0 ? 'autoscaling.svg' : null,
  command: command.join(' ').replace(folder, positionals[0] ?? ''),
});
const output = resolve(values.output);
mkdirSync(output, { recursive: true });
writeFileSync(join(output, 'autoscaling.md'), markdown);
if (plotRows.length > 0) writeFileSync(join(output, 'autoscaling.svg'), curvesSvg(plotRows));
console.log(markdown);
console.error(`written to ${relative(process.cwd(), output) || '.'}/autoscaling.md`);

function made(traces: () => readonly Trace[]): readonly Trace[] {
  if (values['without-generated'] || values['shaping-only']) return [];
  return traces().filter((trace) => !values.short || trace.arrivalS.length <= SHORT_REQUESTS_MAX);
}

function runAll(traces: readonly Trace[]): CellRuns[] {
  return traces.flatMap((trace) => {
    const startedMs = performance.now();
    const done = CELLS.map((cell) =>
      runs.of(trace, cell, plotted.has(trace) && cell.slots === 1 && cell.startS === 30),
    );
    const mean = geometricMean(scoresOf(done, PRICES).map((score) => score.ratio));
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    console.error(
      `${trace.name}: ${trace.arrivalS.length} requests, ${mean.toFixed(3)} of the best peers (${seconds} s)`,
    );
    return done;
  });
}
