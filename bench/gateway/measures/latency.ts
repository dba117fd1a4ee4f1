import { figuresOf, type Figures as Spread } from '../../figures.ts';
import type { Figures } from '../load/message.ts';
import { interleave, number, valuesOf, type Rounds } from '../rounds.ts';
import { figure, ratioCell, type Table } from '../table.ts';
import { BASE, chosen, OURS, type Measure } from './measure.ts';

const LOADS = [
  { connections: 1, perSecond: 300, limit: 1.25 },
  { connections: 16, perSecond: 3_000, limit: null },
] as const;
const WARM_UP_CONNECTIONS = 16;

/** How much later an answer comes through a proxy, at a load far below its limit. */
export const latency: Measure = {
  name: 'latency',
  async run(bench): Promise<Table> {
    const { direct } = bench;
    const subjects = [direct, ...bench.subjects(chosen(bench))];
    // A server that has served nothing yet runs code that was never compiled.
    for (const subject of subjects) {
      const target = subject.target('plain');
      const forMs = bench.options.size.warmUpMs;
      await bench.load.run({ kind: 'closed', targets: [target], connections: WARM_UP_CONNECTIONS, forMs });
    }
    const names = subjects.slice(1).map(({ name }) => name);
    const cells = new Map(names.map((name) => [name, [name]]));
    const goals = [];
    for (const { connections, perSecond, limit } of LOADS) {
      const rounds = await interleave(
        subjects,
        bench.options.size.rounds,
        async (subject): Promise<Figures> =>
          await bench.load.run({
            kind: 'open',
            target: subject.target('plain'),
            connections,
            perSecond,
            forMs: bench.options.size.roundMs,
          }),
      );
      for (const name of names) {
        const added = figuresOf(addedUs(rounds, name));
        const ratio = addedRatio(rounds, name);
        cells.get(name)?.push(figure(added.median), ratioCell(ratio));
        if (limit === null || !name.startsWith(OURS)) continue;
        goals.push({
          name: `${name}: added p50 at ${connections} connection, × nginx`,
          limit,
          seen: ratio?.median ?? null,
        });
      }
    }
    return {
      title: 'Added latency',
      note: 'Median time to the answer less that of a request to the program itself in the same round. Open loop: 300 requests a second on 1 connection, 3,000 on 16.',
      columns: ['', 'added p50 at 1, µs', '× nginx', 'added p50 at 16, µs', '× nginx'],
      rows: [...cells.values()],
      goals,
      faults: [],
    };
  },
};

function addedUs(rounds: Rounds, name: string): number[] {
  const direct = rounds.get('direct') ?? [];
  return valuesOf(
    rounds,
    name,
    (figures, round) => number(figures, 'p50Us') - number(direct[round], 'p50Us'),
  );
}

function addedRatio(rounds: Rounds, name: string): Spread | null {
  const base = addedUs(rounds, BASE);
  const ratios = addedUs(rounds, name).map((added, round) => added / (base[round] ?? Number.NaN));
  return ratios.length > 0 && ratios.every(Number.isFinite) ? figuresOf(ratios) : null;
}
