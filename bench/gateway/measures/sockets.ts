import type { Bench } from '../bench.ts';
import type { Figures } from '../load/message.ts';
import { memoryKib } from '../proc.ts';
import { number } from '../rounds.ts';
import type { OpenSubject } from '../subject.ts';
import { OpenPilotlight } from '../subjects/pilotlight.ts';
import { figure, type Table } from '../table.ts';
import { chosen, OURS, type Measure } from './measure.ts';

/** What a WebSocket costs that says nothing, and whether it is still there afterwards. */
export const sockets: Measure = {
  name: 'sockets',
  async run(bench): Promise<Table> {
    const wanted = bench.options.size.sockets;
    const count = bench.connections(wanted, 2);
    const rows: string[][] = [];
    const faults: string[] = [];
    for (const subject of bench.known(chosen(bench))) {
      const figures = await bench.fresh(subject, async (opened) => await hold(bench, opened, count));
      const alive = number(figures, 'alive');
      rows.push([subject.name, figure(number(figures, 'kibEach')), String(alive)]);
      if (subject.name.startsWith(OURS) && alive !== count) {
        faults.push(`${subject.name} held ${alive} of ${count} WebSockets`);
      }
    }
    const fewer = count < wanted ? ` (the limit of open files allows no ${wanted})` : '';
    return {
      title: 'Idle WebSockets',
      note: `${count} of them${fewer} on a new process each, then a message there and back on each. Memory is resident memory.`,
      columns: ['', 'KiB each', 'alive'],
      rows,
      goals: [],
      faults,
    };
  },
};

async function hold(bench: Bench, subject: OpenSubject, count: number): Promise<Figures> {
  const kib: number[] = [];
  const figures = await bench.load.run(
    { kind: 'sockets', target: subject.target('open'), count },
    async () => {
      // Else the garbage of its start would give room to some of them.
      if (kib.length === 0 && subject instanceof OpenPilotlight) await subject.liveBytes();
      await bench.settled(subject);
      kib.push(memoryKib(subject.pids()));
    },
  );
  const [before = Number.NaN, after = Number.NaN] = kib;
  return { ...figures, kibEach: (after - before) / count };
}
