import { MIB } from '../../../src/base/units.ts';
import type { Bench } from '../bench.ts';
import { memoryKib } from '../proc.ts';
import type { OpenSubject } from '../subject.ts';
import { figure, type Goal, type Table } from '../table.ts';
import { chosen, OURS, type Measure } from './measure.ts';

const BYTES = 256 * MIB;
const WARM_BYTES = 8 * MIB;
const LOOK_MS = 50;
const SIDES = [
  { kind: 'download', bytesPerSecond: MIB, name: 'slow reader' },
  { kind: 'upload', bytesPerSecond: 2 * MIB, name: 'slow worker' },
] as const;

/** How much of a body a proxy keeps when the other side does not take it. */
export const slow: Measure = {
  name: 'slow',
  async run(bench): Promise<Table> {
    const rows: string[][] = [];
    const goals: Goal[] = [];
    for (const subject of bench.subjects(chosen(bench))) {
      const row = [subject.name];
      for (const side of SIDES) {
        const grownMib = await growth(bench, subject, side);
        row.push(figure(grownMib));
        if (!subject.name.startsWith(OURS)) continue;
        goals.push({
          name: `${subject.name}: growth with a ${side.name}`,
          limit: 8,
          unit: ' MiB',
          seen: grownMib,
        });
      }
      rows.push(row);
    }
    return {
      title: 'Slow reader, slow worker',
      note: 'Growth of resident memory, in MiB, while one end of a body of 256 MiB takes 1 MiB a second (reader) or 2 (worker), after one of 8 MiB at full speed.',
      columns: ['', 'slow reader', 'slow worker'],
      rows,
      goals,
      faults: [],
    };
  },
};

async function growth(
  bench: Bench,
  subject: OpenSubject,
  { kind, bytesPerSecond }: (typeof SIDES)[number],
): Promise<number> {
  const target = subject.target('open');
  const forMs = bench.options.size.slowMs;
  await bench.load.run({ kind, target, bytes: WARM_BYTES, bytesPerSecond: 0, forMs: 60_000 });
  await bench.settled(subject);
  const pids = subject.pids();
  const beforeKib = memoryKib(pids);
  let mostKib = beforeKib;
  const look = setInterval(() => {
    mostKib = Math.max(mostKib, memoryKib(pids));
  }, LOOK_MS);
  try {
    await bench.load.run({ kind, target, bytes: BYTES, bytesPerSecond, forMs });
  } finally {
    clearInterval(look);
  }
  return (mostKib - beforeKib) / 1_024;
}
