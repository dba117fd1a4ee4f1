import type { Bench } from '../bench.ts';
import type { Figures } from '../load/message.ts';
import { cpuMs } from '../proc.ts';
import { interleave, number, ratioTo } from '../rounds.ts';
import type { OpenSubject, Target } from '../subject.ts';
import { OpenPilotlight } from '../subjects/pilotlight.ts';
import { figure, ratioCell, type Goal, type Table } from '../table.ts';
import { SLOTS } from '../upstreams.ts';
import type { Measure } from './measure.ts';

const ACTIVE_SHARE = 0.01;
const CONNECTIONS = 100;
const CREATE_AT_ONCE = 8;
/** After so many the API's code is compiled and its caches are full: they weigh as much as hundreds of endpoints. */
const FIRST = 1_000;

/** What an endpoint costs that nobody asks for, and what many of them cost a request. */
export const endpoints: Measure = {
  name: 'endpoints',
  async run(bench): Promise<Table> {
    const count = bench.options.size.endpoints;
    const rows: string[][] = [];
    const goals: Goal[] = [];
    for (const subject of bench.known(({ ours, several }) => ours && several !== true)) {
      const figures = await bench.fresh(
        subject,
        async (large) =>
          await bench.fresh(subject, async (small) => await compare(bench, ours(large), ours(small), count)),
      );
      rows.push([subject.name, figure(figures.kibEach), ratioCell(figures.lookup)]);
      goals.push({
        name: `${subject.name}: memory per idle endpoint`,
        limit: 2,
        unit: ' KiB',
        seen: figures.kibEach,
      });
    }
    return {
      title: 'Many endpoints',
      note: `${count} endpoints at zero workers, then ${count * ACTIVE_SHARE} of them with a worker and requests on ${CONNECTIONS} connections. Memory is what is left on the heap of the server after a collection. The cost of a request is held against that of a server with the active ones alone.`,
      columns: ['', 'KiB per idle endpoint', 'CPU per request, × without the idle ones'],
      rows,
      goals,
      faults: [],
    };
  },
};

interface Side {
  readonly name: string;
  readonly server: OpenPilotlight;
  readonly targets: readonly Target[];
}

function ours(opened: OpenSubject): OpenPilotlight {
  if (!(opened instanceof OpenPilotlight)) throw new Error(`${opened.name} is not ours`);
  return opened;
}

async function compare(
  bench: Bench,
  large: OpenPilotlight,
  small: OpenPilotlight,
  count: number,
): Promise<{ kibEach: number; lookup: ReturnType<typeof ratioTo> }> {
  // What the first endpoints bring with them is no endpoint's own.
  await createIdle(large, FIRST, 0);
  await bench.settled(large);
  const before = await large.liveBytes();
  await createIdle(large, count, FIRST);
  await bench.settled(large);
  const kibEach = ((await large.liveBytes()) - before) / count / 1_024;

  const sides: Side[] = [];
  for (const [name, server] of [
    ['small', small],
    ['large', large],
  ] as const) {
    const targets: Target[] = [];
    for (let index = 0; index < count * ACTIVE_SHARE; index += 1) {
      targets.push(await server.addEndpoint('plain', 1, SLOTS, `active ${index}`));
    }
    sides.push({ name, server, targets });
  }
  const cost = async ({ server, targets }: Side): Promise<Figures> => {
    const pids = server.pids();
    const beforeMs = cpuMs(pids);
    const forMs = bench.options.size.roundMs;
    const figures = await bench.load.run({ kind: 'closed', targets, connections: CONNECTIONS, forMs });
    if (number(figures, 'refused') + number(figures, 'lost') > 0) {
      throw new Error(`${server.name} failed requests at ${targets.length} endpoints`);
    }
    return { ...figures, cpuUs: (cpuMs(pids) - beforeMs) / number(figures, 'requests') };
  };
  for (const side of sides) await cost(side);
  const rounds = await interleave(sides, bench.options.size.rounds, cost);
  return { kibEach, lookup: ratioTo(rounds, 'small', 'large', 'cpuUs') };
}

async function createIdle({ client }: OpenPilotlight, count: number, from: number): Promise<void> {
  for (let created = 0; created < count; created += CREATE_AT_ONCE) {
    const some = Math.min(CREATE_AT_ONCE, count - created);
    await Promise.all(
      Array.from(
        { length: some },
        async (_, index) =>
          await client.call('createEndpoint', {
            body: {
              type: 'sync',
              name: `idle ${from + created + index}`,
              product_id: 'cpu',
              image: 'host',
              command: 'true',
              worker_config: { max_replicas: 1 },
            },
          }),
      ),
    );
  }
}
