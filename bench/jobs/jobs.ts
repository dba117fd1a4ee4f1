/**
 * How many durable jobs a second the queue takes and completes, beside BullMQ and pg-boss at equal
 * durability; what a waiting job costs in memory; and what taking costs when a million wait.
 * `npm run bench:jobs [-- --rounds=5 --seconds=4 --waiting=1000000 --json]`
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBullMq } from './bullmq.ts';
import { depth } from './depth.ts';
import { openPgBoss } from './pg-boss.ts';
import { openPilotlight } from './pilotlight.ts';
import { CLIENTS, type Subject } from './subject.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    waiting: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
});

interface Figure {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

type Measure = 'completed' | 'enqueued';

/** Clients in a closed loop: each sends its next job when the last one is done. */
async function measure(work: () => Promise<void>, seconds: number): Promise<Figure> {
  const times: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1_000;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      for (let from = performance.now(); from < until; from = performance.now()) {
        await work();
        times.push(performance.now() - from);
      }
    }),
  );
  const tookMs = performance.now() - began;
  times.sort((first, second) => first - second);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0;
  return { perSecond: (times.length / tookMs) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function round(subject: Subject, seconds: number): Promise<Record<Measure, Figure>> {
  await subject.startWorkers();
  await measure(() => subject.roundTrip(), seconds / 4);
  const completed = await measure(() => subject.roundTrip(), seconds);
  await subject.stopWorkers();
  const enqueued = await measure(() => subject.enqueue(), seconds);
  await subject.clear();
  return { completed, enqueued };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((first, second) => first - second);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const folder = await mkdtemp(join(tmpdir(), 'pilotlight-bench-jobs-'));
const subjects: Subject[] = [];
const missing: string[] = [];
try {
  execFileSync('chmod', ['755', folder]);
  subjects.push(await openPilotlight(folder));
  if (isInstalled('redis-server')) subjects.push(await openBullMq(folder));
  else missing.push('BullMQ: redis-server is not installed (apt-get install redis-server)');
  if (isInstalled('pg_config')) subjects.push(await openPgBoss(folder));
  else missing.push('pg-boss: Postgres is not installed (apt-get install postgresql libpq-dev)');
  const figures = new Map<string, Record<Measure, Figure>[]>(subjects.map(({ name }) => [name, []]));
  for (let index = 0; index < Number(values.rounds); index += 1) {
    for (const subject of subjects) {
      figures.get(subject.name)?.push(await round(subject, Number(values.seconds)));
    }
  }
  const rows = subjects.map(({ name }) => {
    const rounds = figures.get(name) ?? [];
    const ours = figures.get('Pilotlight') ?? [];
    const of = (measured: Measure) => ({
      perSecond: median(rounds.map((one) => one[measured].perSecond)),
      p50Ms: median(rounds.map((one) => one[measured].p50Ms)),
      p99Ms: median(rounds.map((one) => one[measured].p99Ms)),
      // Of each round by itself: what disturbed the machine disturbed both.
      ratio: median(rounds.map((one, at) => (ours[at]?.[measured].perSecond ?? 0) / one[measured].perSecond)),
    });
    return { name, completed: of('completed'), enqueued: of('enqueued') };
  });
  const waiting = await depth(folder, Number(values.waiting));
  if (values.json) console.log(JSON.stringify({ rows, waiting, missing }, null, 2));
  else print(rows, waiting);
} finally {
  for (const subject of subjects) await subject.close();
  await rm(folder, { recursive: true, force: true });
}

function print(
  rows: readonly {
    name: string;
    completed: Figure & { ratio: number };
    enqueued: Figure & { ratio: number };
  }[],
  waiting: Awaited<ReturnType<typeof depth>>,
): void {
  for (const line of missing) console.log(line);
  console.log('| | completed/s | p50 ms | p99 ms | ratio | enqueued/s | p50 ms | p99 ms | ratio |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { name, completed, enqueued } of rows) {
    const cells = [completed, enqueued].flatMap(({ perSecond, p50Ms, p99Ms, ratio }) => [
      perSecond.toFixed(0),
      p50Ms.toFixed(1),
      p99Ms.toFixed(1),
      ratio.toFixed(1),
    ]);
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
  console.log('');
  console.log(
    `${waiting.jobs} waiting jobs: ${waiting.heapBytes.toFixed(0)} bytes of heap and ${waiting.residentBytes.toFixed(0)} bytes of the process each`,
  );
  console.log(
    `taking and answering one: ${waiting.fewMs.toFixed(2)} ms with ${waiting.few} waiting, ${waiting.manyMs.toFixed(2)} ms with ${waiting.jobs}: ${waiting.ratio.toFixed(2)} times`,
  );
}
