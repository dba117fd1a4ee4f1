import { openPilotlight, type PilotlightQueue } from './pilotlight.ts';

const FEW = 1_000;
const LANES = 1_000;
const ROUNDS = 20;
const TAKES = 50;

export interface Depth {
  readonly jobs: number;
  readonly few: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly fewMs: number;
  readonly manyMs: number;
  readonly ratio: number;
}

/** What a waiting job costs in memory, and whether taking one costs more where many wait. */
export async function depth(folder: string, jobs: number): Promise<Depth> {
  const few = await openPilotlight(folder);
  const many = await openPilotlight(folder);
  try {
    await fill(few, FEW);
    const before = memory();
    await fill(many, jobs);
    const after = memory();
    const fewMs: number[] = [];
    const manyMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      fewMs.push(await takes(few));
      manyMs.push(await takes(many));
    }
    return {
      jobs,
      few: FEW,
      heapBytes: (after.heap - before.heap) / jobs,
      residentBytes: (after.resident - before.resident) / jobs,
      fewMs: median(fewMs),
      manyMs: median(manyMs),
      ratio: median(manyMs.map((ms, index) => ms / (fewMs[index] ?? ms))),
    };
  } finally {
    await few.close();
    await many.close();
  }
}

async function fill(queue: PilotlightQueue, jobs: number): Promise<void> {
  let left = jobs;
  await Promise.all(
    Array.from({ length: Math.min(LANES, jobs) }, async () => {
      while (left > 0) {
        left -= 1;
        await queue.enqueue();
      }
    }),
  );
}

/** Mean of one take with its answer; the jobs taken are replaced, outside of the time. */
async function takes(queue: PilotlightQueue): Promise<number> {
  const began = performance.now();
  for (let taken = 0; taken < TAKES; taken += 1) await queue.takeOne();
  const tookMs = (performance.now() - began) / TAKES;
  await fill(queue, TAKES);
  return tookMs;
}

function memory(): { readonly heap: number; readonly resident: number } {
  if (globalThis.gc === undefined) throw new Error('run it with --expose-gc, as npm run bench:jobs does');
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((first, second) => first - second);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
