import type { Bench } from '../bench.ts';
import type { Figures } from '../load/message.ts';
import { cpuMs } from '../proc.ts';
import { interleave, number, ratioTo } from '../rounds.ts';
import type { Target } from '../subject.ts';
import { OpenPilotlight } from '../subjects/pilotlight.ts';
import { figure, ratioCell, type Goal, type Table } from '../table.ts';
import { SLOTS } from '../upstreams.ts';
import type { Measure } from './measure.ts';

const ACTIVE_SHARE = 0.01;
const CONNECTIONS = 100;
const CREATE_AT_ONCE = 8;

/** What an endpoint costs that nobody asks for, and what many of them cost a request. */
export const endpoints: Measure = {
  name: 'endpoints',
  async run(bench): Promise<Table> {
    const count = bench.options.size.endpoints;
    const rows: string[][] = [];
    const goals: Goal[] = [];
    for (const subject of bench.known(({ ours }) => ours)) {
      const figures = await bench.fresh(subject, async (opened) => {
        if (!(opened instanceof OpenPilotlight)) throw new Error(`${opened.name} is not ours`);
        return await many(bench, opened, count);
      });
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
      note: `${count} endpoints at zero workers, then ${count * ACTIVE_SHARE} of them with a worker and requests on ${CONNECTIONS} connections. Memory is what is left on the heap of the server after a collection. The cost of a request is held against the same server's with all requests at one endpoint.`,
      columns: ['', 'KiB per idle endpoint', 'CPU per request, × one endpoint'],
      rows,
      goals,
      faults: [],
    };
  },
};

async function many(
  bench: Bench,
  opened: OpenPilotlight,
  count: number,
): Promise<{ kibEach: number; lookup: ReturnType<typeof ratioTo> }> {
  // What the first endpoints bring with them is no endpoint's own.
  await createIdle(opened, 50, 0);
  await bench.settled(opened);
  const before = await opened.liveBytes();
  await createIdle(opened, count, 50);
  await bench.settled(opened);
  const kibEach = ((await opened.liveBytes()) - before) / count / 1_024;

  const active: Target[] = [];
  for (let index = 0; index < count * ACTIVE_SHARE; index += 1) {
    active.push(await opened.addEndpoint('plain', 1, SLOTS, `active ${index}`));
  }
  const one = { name: 'one', targets: [opened.target('plain')] };
  const spread = { name: 'spread', targets: active };
  const cost = async ({ targets }: { readonly targets: readonly Target[] }): Promise<Figures> => {
    const pids = opened.pids();
    const beforeMs = cpuMs(pids);
    const forMs = bench.options.size.roundMs;
    const figures = await bench.load.run({ kind: 'closed', targets, connections: CONNECTIONS, forMs });
    if (number(figures, 'refused') + number(figures, 'lost') > 0) {
      throw new Error(`${opened.name} failed requests at ${targets.length} endpoints`);
    }
    return { ...figures, cpuUs: (cpuMs(pids) - beforeMs) / number(figures, 'requests') };
  };
  await cost(spread);
  const rounds = await interleave([one, spread], bench.options.size.rounds, cost);
  return { kibEach, lookup: ratioTo(rounds, 'one', 'spread', 'cpuUs') };
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
