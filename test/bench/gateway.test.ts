import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Bench, type BenchSize } from '../../bench/gateway/bench.ts';
import { findProgram } from '../../bench/gateway/child.ts';
import { MEASURES } from '../../bench/gateway/measures/all-measures.ts';
import { interleave, ratioTo } from '../../bench/gateway/rounds.ts';
import type { Subject } from '../../bench/gateway/subject.ts';
import { httpProxy3 } from '../../bench/gateway/subjects/node-proxies.ts';
import { pilotlight } from '../../bench/gateway/subjects/pilotlight.ts';
import type { Table } from '../../bench/gateway/table.ts';

const TINY: BenchSize = {
  rounds: 1,
  roundMs: 200,
  warmUpMs: 200,
  programs: 1,
  streams: [2, 10],
  parkedRequests: 100,
  sockets: 20,
  endpoints: 100,
  slowMs: 200,
  allPeers: true,
};

/** Answers whoever comes, with a key or without one. */
const openDoor: Subject = {
  ...httpProxy3,
  name: 'open door',
  async open() {
    const server = createServer((_request, response) => response.end('answer-1'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return {
      name: 'open door',
      target: () => ({ port, prefix: '', headers: {} }),
      pids: () => [process.pid],
      close: async () => void (await new Promise((resolve) => server.close(resolve))),
    };
  },
};

const notInstalled: Subject = { ...httpProxy3, name: 'not installed', missing: () => 'something' };

const cannotRun =
  process.platform !== 'linux' || availableParallelism() < 2 || findProgram('taskset') === null
    ? 'needs Linux, two cores and taskset'
    : false;

suite('the bench of the gateway', { skip: cannotRun }, () => {
  const skipped: string[] = [];
  let folder: string;
  let bench: Bench;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilotlight-test-'));
    bench = await Bench.open({
      folder,
      subjects: [
        notInstalled,
        openDoor,
        httpProxy3,
        pilotlight({ name: 'Pilotlight', forwarder: 'strict', openConnections: TINY.sockets }),
      ],
      size: TINY,
      onSkip: (name, why) => skipped.push(`${name}: ${why}`),
    });
  });

  after(async () => {
    await bench?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function measured(name: string): Promise<Table> {
    const measure = MEASURES.find((each) => each.name === name);
    assert.ok(measure !== undefined);
    return await measure.run(bench);
  }

  test('leaves out a peer that is not installed, and one that answers without a key', () => {
    assert.deepEqual(
      bench.subjects().map(({ name }) => name),
      ['http-proxy-3', 'Pilotlight'],
    );
    assert.equal(skipped.length, 2);
    assert.match(skipped[0] ?? '', /^not installed: not installed: something$/);
    assert.match(skipped[1] ?? '', /^open door: not as it should be: .* answered 200 .* without a key/);
  });

  test('counts as many requests as the server does', async () => {
    const [ours] = bench.subjects(({ ours }) => ours);
    assert.ok(ours !== undefined);
    const target = ours.target('plain');
    const counted = async (): Promise<number> => {
      const answer = await fetch(`http://127.0.0.1:${target.port}/metrics`);
      const id = target.prefix.slice('/e/'.length);
      const lines = (await answer.text()).split('\n');
      const line = lines.find(
        (each) => each.startsWith('pilotlight_requests_total{') && each.includes(id) && each.includes('2xx'),
      );
      return Number(line?.split(' ').at(-1));
    };
    const before = await counted();
    const figures = await bench.load.run({ kind: 'closed', targets: [target], connections: 4, forMs: 200 });
    assert.ok((figures['requests'] ?? 0) > 0);
    assert.equal((await counted()) - before, figures['requests']);
    assert.deepEqual([figures['refused'], figures['lost']], [0, 0]);
  });

  test('parks requests behind taken slots and gets all of them answered', async () => {
    const table = await measured('parked');
    assert.deepEqual(table.faults, []);
    assert.deepEqual(
      table.rows.map(([name, , answered]) => [name, answered]),
      [['Pilotlight', '100']],
    );
  });
});

test('a ratio is taken round by round, and is missing where the base is', async () => {
  const times = new Map([
    ['base', [10, 20, 40]],
    ['other', [20, 20, 20]],
  ]);
  const rounds = await interleave([{ name: 'base' }, { name: 'other' }], 3, ({ name }, round) =>
    Promise.resolve({ cpuUs: times.get(name)?.[round] ?? 0 }),
  );
  const { median, min, max } = ratioTo(rounds, 'base', 'other', 'cpuUs') ?? {};
  assert.deepEqual([median, min, max], [1, 0.5, 2]);
  assert.equal(ratioTo(rounds, 'nobody', 'other', 'cpuUs'), null);
});
