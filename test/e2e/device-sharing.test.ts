import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Notes, type Note, type NotingAnswer } from '../support/noting-worker.ts';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

const DEVICES = 2;
const REQUEST_TIMEOUT_SECONDS = 120;
/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 240_000;

type Kind = 'steady' | 'rare' | 'burst';
interface Member {
  readonly kind: Kind;
  readonly gpuNum: number;
  readonly url: string;
  readonly id: string;
  served: number;
  longestMs: number;
  readonly failures: string[];
}

const KINDS: readonly (readonly [Kind, number])[] = [
  ['steady', 1],
  ['steady', 1],
  ['steady', 1],
  ['rare', 1],
  ['rare', 1],
  ['rare', 1],
  ['rare', 2],
  ['burst', 1],
  ['burst', 1],
  ['burst', 1],
];
const STEADY_CLIENTS = 2;
const ROUNDS = 2;
const BURST = 8;
/** Requests of the steady ones between two of a rare one's, or two bursts: a pause counted in work, not time. */
const PAUSE_REQUESTS = 30;

/** Ten endpoints and what their clients saw. */
class SharedMachine {
  readonly members: Member[] = [];
  readonly #server: ServerProcess;
  readonly #watchers = new Set<{ readonly total: number; readonly reached: () => void }>();
  #steadyEnded = 0;
  #over = false;

  constructor(server: ServerProcess) {
    this.#server = server;
  }

  async add(kind: Kind, gpuNum: number, fields: Record<string, unknown>): Promise<void> {
    const id = await this.#server.create({
      ...fields,
      name: `${kind}-${this.members.length}`,
      product_id: 'gpu',
      worker_config: {
        max_replicas: DEVICES,
        gpu_num: gpuNum,
        max_concurrent_per_worker: 2,
        request_timeout: REQUEST_TIMEOUT_SECONDS,
      },
    });
    const { url } = await this.#server.get(id);
    this.members.push({ kind, gpuNum, url, id, served: 0, longestMs: 0, failures: [] });
  }

  /** Steady clients go on until the others are through. */
  async run(): Promise<void> {
    const of = (kind: Kind): Member[] => this.members.filter((member) => member.kind === kind);
    const steady = of('steady').flatMap((member) =>
      Array.from({ length: STEADY_CLIENTS }, () => this.#steady(member)),
    );
    await Promise.all([
      ...of('rare').map((member, index) => this.#rounds(member, 1, index)),
      ...of('burst').map((member, index) => this.#rounds(member, BURST, index)),
    ]);
    this.#over = true;
    await Promise.all(steady);
  }

  async #steady(member: Member): Promise<void> {
    while (!this.#over) {
      await this.#ask(member);
      this.#steadyEnded += 1;
      for (const watcher of this.#watchers) {
        if (this.#steadyEnded >= watcher.total) {
          this.#watchers.delete(watcher);
          watcher.reached();
        }
      }
    }
  }

  /** `index` spreads the endpoints of a kind, so that they do not all come at once. */
  async #rounds(member: Member, atOnce: number, index: number): Promise<void> {
    await this.#pause(5 * (index + 1));
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(Array.from({ length: atOnce }, () => this.#ask(member)));
      if (round + 1 < ROUNDS) await this.#pause(PAUSE_REQUESTS);
    }
  }

  async #pause(requests: number): Promise<void> {
    const total = this.#steadyEnded + requests;
    await new Promise<void>((reached) => this.#watchers.add({ total, reached }));
  }

  async #ask(member: Member): Promise<void> {
    const begunMs = performance.now();
    try {
      const answer = await fetch(`${member.url}/work?ms=40`, {
        method: 'POST',
        body: 'x',
        headers: { authorization: `Bearer ${API_KEY}` },
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`status ${answer.status}: ${text.slice(0, 300)}`);
      const { endpoint } = JSON.parse(text) as NotingAnswer;
      if (endpoint !== member.id) throw new Error(`answered by endpoint ${endpoint}`);
      member.served += 1;
    } catch (error) {
      member.failures.push(String(error));
    }
    member.longestMs = Math.max(member.longestMs, performance.now() - begunMs);
  }
}

interface Tenure {
  readonly worker: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Who had each device when, oldest first. A worker that noted no end has it still. */
function tenures(notes: readonly Note[]): Map<string, Tenure[]> {
  const devices = new Map<string, Tenure[]>();
  for (const start of notes.filter(({ event }) => event === 'start')) {
    const stop = notes.find(({ event, worker }) => event === 'stop' && worker === start.worker);
    for (const device of start.devices) {
      const list = devices.get(device) ?? [];
      list.push({ worker: start.worker, fromMs: start.atMs, toMs: stop?.atMs ?? Infinity });
      devices.set(device, list);
    }
  }
  return devices;
}

describe(`${KINDS.length} endpoints on ${DEVICES} devices`, () => {
  let server: ServerProcess;
  let notes: Notes;
  before(async () => {
    notes = await Notes.open();
    server = await ServerProcess.start({ gpus: DEVICES });
  });
  after(async () => {
    await server.dispose();
    await notes.remove();
  });

  it(
    'all are served under a mixed load, and no device is given twice',
    { timeout: TIME_OUT_MS },
    async () => {
      const machine = new SharedMachine(server);
      for (const [kind, gpuNum] of KINDS) await machine.add(kind, gpuNum, notes.fields);
      await machine.run();
      const noted = await notes.read();

      for (const { id, kind, served, longestMs, failures } of machine.members) {
        assert.deepEqual(failures, [], `${kind} endpoint ${id}, ${served} served`);
        const expected = kind === 'steady' ? PAUSE_REQUESTS / 3 : ROUNDS * (kind === 'burst' ? BURST : 1);
        assert.ok(served >= expected, `${kind} endpoint ${id}: ${served} served`);
        assert.ok(
          longestMs < REQUEST_TIMEOUT_SECONDS * 1_000,
          `${kind} endpoint ${id} waited ${longestMs} ms`,
        );
      }

      const byDevice = tenures(noted);
      assert.deepEqual([...byDevice.keys()].sort(), ['0', '1']);
      for (const [device, list] of byDevice) {
        for (const [index, tenure] of list.entries()) {
          const next = list[index + 1];
          assert.ok(
            next === undefined || tenure.toMs <= next.fromMs,
            `device ${device} was given to ${next?.worker} at ${next?.fromMs} and held by ${tenure.worker} until ${tenure.toMs}`,
          );
        }
      }
      for (const { id, gpuNum } of machine.members) {
        const starts = noted.filter(({ event, endpoint }) => event === 'start' && endpoint === id);
        assert.ok(starts.length > 0, `endpoint ${id} never had a worker`);
        for (const { devices } of starts) assert.equal(new Set(devices).size, gpuNum);
      }
      for (const { running } of noted) assert.ok(running <= 2, `${running} requests at one worker`);
    },
  );
});
