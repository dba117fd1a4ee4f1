import { figuresOf } from '../../figures.ts';
import type { Bench } from '../bench.ts';
import type { Figures } from '../load/message.ts';
import { cpuMs } from '../proc.ts';
import { interleave, number, ratioTo, valuesOf, type Rounds } from '../rounds.ts';
import type { OpenSubject } from '../subject.ts';
import { figure, ratioCell, type Goal, type Table } from '../table.ts';
import { BASE, chosen, OURS, type Measure } from './measure.ts';

interface StreamLoad {
  readonly streams: number;
  readonly everyMs: number;
}

/** What one event of a stream costs, and how much later it comes. */
export const sse: Measure = {
  name: 'sse',
  async run(bench): Promise<Table> {
    const subjects = bench.subjects(chosen(bench));
    const cells = new Map(subjects.map(({ name }) => [name, [name]]));
    const goals: Goal[] = [];
    const faults: string[] = [];
    const [few, many] = bench.options.size.streams;
    const { roundMs, rounds: count, warmUpMs } = bench.options.size;
    // Compilers of hot code are part of no round.
    for (const subject of subjects) {
      await eventCost(bench, subject, { streams: few, everyMs: 10 }, warmUpMs);
    }
    for (const load of [
      { streams: few, everyMs: 10 },
      { streams: many, everyMs: 100 },
    ]) {
      const rounds = await interleave(
        subjects,
        count,
        async (subject) => await eventCost(bench, subject, load, roundMs),
      );
      for (const { name } of subjects) {
        const ratio = ratioTo(rounds, BASE, name, 'cpuUs');
        const laterUs = laterThanBase(rounds, name);
        cells.get(name)?.push(ratioCell(ratio), laterUs === null ? '' : figure(laterUs));
        if (!name.startsWith(OURS)) continue;
        const at = `${name}, ${load.streams} streams`;
        goals.push(
          { name: `${at}: CPU per event, × nginx`, limit: 1.4, seen: ratio?.median ?? null },
          {
            name: `${at}: p50 later than nginx's`,
            limit: 0.1,
            unit: ' ms',
            seen: laterUs === null ? null : laterUs / 1_000,
          },
        );
        const failed = valuesOf(rounds, name, (figures) => number(figures, 'failed'));
        if (failed.some((count) => count > 0)) faults.push(`${at}: a stream broke`);
      }
    }
    return {
      title: 'Streams of events',
      note: `${few} streams of 100 events a second, then ${many} of 10. “later” is the median delay from the writing of an event to its arrival, less nginx’s in the same round.`,
      columns: [
        '',
        `CPU per event at ${few}, × nginx`,
        `later at ${few}, µs`,
        `CPU at ${many}, × nginx`,
        `later at ${many}, µs`,
      ],
      rows: [...cells.values()],
      goals,
      faults,
    };
  },
};

async function eventCost(
  bench: Bench,
  subject: OpenSubject,
  { streams, everyMs }: StreamLoad,
  forMs: number,
): Promise<Figures> {
  const pids = subject.pids();
  const seenMs: number[] = [];
  const figures = await bench.load.run(
    { kind: 'events', target: subject.target('open'), streams, everyMs, forMs },
    () => void seenMs.push(cpuMs(pids)),
  );
  const [beforeMs = Number.NaN, afterMs = Number.NaN] = seenMs;
  return { ...figures, cpuUs: ((afterMs - beforeMs) * 1_000) / number(figures, 'events') };
}

function laterThanBase(rounds: Rounds, name: string): number | null {
  const base = rounds.get(BASE) ?? [];
  const later = valuesOf(
    rounds,
    name,
    (figures, round) => number(figures, 'p50Us') - number(base[round], 'p50Us'),
  );
  return later.length > 0 && later.every(Number.isFinite) ? figuresOf(later).median : null;
}
