import type { Bench } from '../bench.ts';
import type { Figures } from '../load/message.ts';
import { cpuMs } from '../proc.ts';
import { interleave, number, ratioTo, valuesOf } from '../rounds.ts';
import type { OpenSubject } from '../subject.ts';
import { ratioCell, type Goal, type Table } from '../table.ts';
import { wrk, wrkIsThere } from '../wrk.ts';
import { BASE, OURS, type Measure } from './measure.ts';

const CONNECTIONS = 64;
const GOALS: readonly (readonly [string, number])[] = [
  [BASE, 1.3],
  ['HAProxy', 1.4],
  ['Go ReverseProxy', 0.5],
  ['Caddy', 0.3],
];
/** What several gateway threads cost, in that of one. */
const SEVERAL: readonly [several: string, one: string, limit: number] = [
  'Pilotlight strict 2 threads',
  'Pilotlight strict',
  1.03,
];

/** What one small request costs the proxy's core when that core is full. */
export const cpu: Measure = {
  name: 'cpu',
  async run(bench): Promise<Table> {
    const subjects = bench.subjects();
    // Compilers of hot code, and pools of connections, are part of no round.
    for (const subject of subjects) {
      // Each thread compiles for itself, and is given its part of the requests.
      const times = subject.name === SEVERAL[0] ? 3 : 1;
      await requestCost(bench, subject, times * bench.options.size.warmUpMs);
    }
    const rounds = await interleave(
      subjects,
      bench.options.size.rounds,
      async (subject) => await requestCost(bench, subject, bench.options.size.roundMs),
    );
    const rows = subjects.map(({ name }) => [
      name,
      ...['nginx', 'HAProxy'].map((base) => ratioCell(ratioTo(rounds, base, name, 'cpuUs'))),
      ratioCell(ratioTo(rounds, BASE, name, 'perSecond')),
    ]);
    const ours = subjects.filter(({ name }) => name.startsWith(OURS));
    const goals = ours.flatMap(({ name }) =>
      GOALS.map(([base, limit]): Goal => ({
        name: `${name}: CPU per request, × ${base}`,
        limit,
        seen: ratioTo(rounds, base, name, 'cpuUs')?.median ?? null,
      })),
    );
    const [several, one, limit] = SEVERAL;
    if (ours.some(({ name }) => name === several)) {
      const seen = ratioTo(rounds, one, several, 'cpuUs')?.median ?? null;
      goals.push({ name: `${several}: CPU per request, × ${one}`, limit, seen });
    }
    const faults = ours.flatMap(({ name }) => {
      const failed = valuesOf(
        rounds,
        name,
        (figures) => number(figures, 'refused') + number(figures, 'lost'),
      );
      const sum = failed.reduce((sum, count) => sum + count, 0);
      return sum > 0 ? [`${name} failed ${sum} requests`] : [];
    });
    return {
      title: 'CPU per request',
      note: `${CONNECTIONS} keep-alive connections, closed loop by ${wrkIsThere() ? 'wrk' : 'the bench’s own load (wrk is not installed, so the proxies are not at their limit)'}, POST of 110 bytes, 131 bytes of answer, ${bench.options.size.rounds} rounds. Median of the ratios of each round (least and most).`,
      columns: ['', 'CPU, × nginx', 'CPU, × HAProxy', 'requests/s, × nginx'],
      rows,
      goals,
      faults,
    };
  },
};

async function requestCost(bench: Bench, subject: OpenSubject, forMs: number): Promise<Figures> {
  const { folder } = bench.options;
  const target = subject.target('plain');
  const pids = subject.pids();
  const beforeMs = cpuMs(pids);
  const beganMs = performance.now();
  const figures = wrkIsThere()
    ? await wrk(folder, target, CONNECTIONS, Math.max(1, Math.round(forMs / 1_000)))
    : await bench.load.run({
        kind: 'closed',
        targets: [target],
        connections: CONNECTIONS,
        forMs,
      });
  const tookMs = performance.now() - beganMs;
  const requests = number(figures, 'requests');
  return {
    ...figures,
    cpuUs: ((cpuMs(pids) - beforeMs) * 1_000) / requests,
    perSecond: requests / (tookMs / 1_000),
  };
}
