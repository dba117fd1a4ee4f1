import { MIB } from '../../../src/base/units.ts';
import type { Figures } from '../load/message.ts';
import { cpuMs } from '../proc.ts';
import { interleave, number, ratioTo } from '../rounds.ts';
import { ratioCell, type Table } from '../table.ts';
import { BASE, chosen, OURS, type Measure } from './measure.ts';

const BYTES = 64 * MIB;

/** What large bodies cost, each way. */
export const bulk: Measure = {
  name: 'bulk',
  async run(bench): Promise<Table> {
    const subjects = bench.subjects(chosen(bench));
    const cells = new Map(subjects.map(({ name }) => [name, [name]]));
    const faults: string[] = [];
    for (const kind of ['download', 'upload'] as const) {
      const rounds = await interleave(
        subjects,
        bench.options.size.rounds,
        async (subject): Promise<Figures> => {
          const pids = subject.pids();
          const beforeMs = cpuMs(pids);
          const target = subject.target('open');
          const figures = await bench.load.run({
            kind,
            target,
            bytes: BYTES,
            bytesPerSecond: 0,
            forMs: 60_000,
          });
          if (number(figures, 'bytes') !== BYTES && subject.name.startsWith(OURS)) {
            faults.push(`${subject.name} passed on ${number(figures, 'bytes')} of ${BYTES} bytes (${kind})`);
          }
          return { ...figures, cpuMs: cpuMs(pids) - beforeMs };
        },
      );
      for (const { name } of subjects) {
        cells
          .get(name)
          ?.push(
            ratioCell(ratioTo(rounds, BASE, name, 'cpuMs')),
            ratioCell(ratioTo(rounds, BASE, name, 'tookMs')),
          );
      }
    }
    return {
      title: 'Large bodies',
      note: '64 MiB on one connection, each way, nothing buffered.',
      columns: ['', 'CPU down, × nginx', 'time down, × nginx', 'CPU up, × nginx', 'time up, × nginx'],
      rows: [...cells.values()],
      goals: [],
      faults,
    };
  },
};
