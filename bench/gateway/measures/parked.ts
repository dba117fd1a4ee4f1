import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import type { Figures } from '../load/message.ts';
import { memoryKib } from '../proc.ts';
import { number } from '../rounds.ts';
import type { OpenSubject } from '../subject.ts';
import { OpenPilotlight } from '../subjects/pilotlight.ts';
import { figure, type Goal, type Table } from '../table.ts';
import { SLOTS } from '../upstreams.ts';
import { chosen, OURS, type Measure } from './measure.ts';

const STEADY_MS = 1_000;

/** What a request costs that waits for a slot, and how quickly those that wait are served once there are slots. */
export const parked: Measure = {
  name: 'parked',
  async run(bench): Promise<Table> {
    const wanted = bench.options.size.parkedRequests;
    const count = bench.connections(wanted, 1);
    const held = bench.options.size.programs * SLOTS;
    const rows: string[][] = [];
    const goals: Goal[] = [];
    const faults: string[] = [];
    const kib = new Map<string, number>();
    for (const subject of bench.known((each) => each.queues && chosen(bench)(each))) {
      const figures = await bench.fresh(subject, async (opened) => await park(bench, opened, count));
      const { name } = subject;
      const value = (key: string): number => number(figures, key);
      kib.set(name, value('kibEach'));
      rows.push([
        name,
        figure(value('kibEach')),
        String(value('answered')),
        String(value('refused')),
        String(value('lost')),
        figure(value('flushShare')),
        String(value('mostRunning')),
      ]);
      if (!name.startsWith(OURS)) continue;
      goals.push({
        name: `${name}: flush of parked requests, × its steady rate`,
        limit: 0.4,
        atLeast: true,
        seen: value('flushShare'),
      });
      if (value('answered') !== count)
        faults.push(`${name} answered ${value('answered')} of ${count} parked requests`);
      if (value('early') > 0)
        faults.push(`${name} let ${value('early')} parked requests through while all slots were taken`);
      if (value('mostRunning') > SLOTS) {
        faults.push(`${name} let ${value('mostRunning')} requests at a worker with ${SLOTS} slots`);
      }
    }
    const base = kib.get('HAProxy');
    for (const [name, each] of kib) {
      if (!name.startsWith(OURS)) continue;
      goals.push({
        name: `${name}: memory per parked request, × HAProxy`,
        limit: 0.8,
        seen: base === undefined ? null : each / base,
      });
    }
    const fewer = count < wanted ? ` (the limit of open files allows no ${wanted})` : '';
    return {
      title: 'Parked requests',
      note: `${count} requests${fewer} behind ${held} that hold every slot, on a new process each. Memory is resident memory. The rate of the flush is held against the rate of the same proxy with ${held} connections.`,
      columns: [
        '',
        'KiB each',
        'answered',
        'refused',
        'lost',
        'flush, × steady',
        `most at a worker of ${SLOTS}`,
      ],
      rows,
      goals,
      faults,
    };
  },
};

async function park(bench: Bench, subject: OpenSubject, count: number): Promise<Figures> {
  const held = bench.options.size.programs * SLOTS;
  const target = subject.target('queued');
  const kib: number[] = [];
  const figures = await bench.load.run(
    { kind: 'parked', target, count, held, file: join(bench.options.folder, `release-${target.port}`) },
    async (pause) => {
      if (pause === 2) return;
      // Else the garbage of its start would give room to some of them.
      if (kib.length === 0 && subject instanceof OpenPilotlight) await subject.liveBytes();
      await bench.settled(subject);
      kib.push(memoryKib(subject.pids()));
    },
  );
  // Not before: what it leaves on the heap would hold some of the parked ones.
  const steady = await bench.load.run({
    kind: 'closed',
    targets: [target],
    connections: held,
    forMs: STEADY_MS,
  });
  const [before = Number.NaN, after = Number.NaN] = kib;
  const steadyPerMs = number(steady, 'requests') / number(steady, 'tookMs');
  return {
    ...figures,
    kibEach: (after - before) / count,
    flushShare: count / number(figures, 'flushMs') / steadyPerMs,
    mostRunning: Math.max(number(figures, 'mostRunning'), number(steady, 'mostRunning')),
  };
}
