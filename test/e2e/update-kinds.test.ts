import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Notes, release, type Note, type NotingAnswer } from '../support/noting-worker.ts';
import { API_KEY, ServerProcess, type EndpointShown } from '../support/server-process.ts';

/** Bounds the looking for one state; nothing here is judged by the time it takes. */
const LOOK_LIMIT_MS = 60_000;

interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** One endpoint whose workers note what reaches them. */
class Endpoint {
  readonly #server: ServerProcess;
  readonly #notes: Notes;
  readonly id: string;
  readonly url: string;

  private constructor(server: ServerProcess, notes: Notes, shown: EndpointShown) {
    this.#server = server;
    this.#notes = notes;
    this.id = shown.id;
    this.url = shown.url;
  }

  static async create(
    server: ServerProcess,
    context: TestContext,
    workerConfig: Record<string, unknown>,
    productId: 'cpu' | 'gpu',
  ): Promise<Endpoint> {
    const notes = await Notes.open();
    context.after(async () => {
      await notes.remove();
    });
    const id = await server.create({
      ...notes.fields,
      product_id: productId,
      worker_config: {
        // Bounds what a failed test leaves held.
        request_timeout: 60,
        ...workerConfig,
      },
    });
    return new Endpoint(server, notes, await server.get(id));
  }

  async update(body: unknown): Promise<{ readonly revision: number; readonly rollout: object | null }> {
    return await this.#server.update(this.id, body);
  }

  async get(): Promise<EndpointShown> {
    return await this.#server.get(this.id);
  }

  async until(holds: (shown: EndpointShown) => boolean): Promise<EndpointShown> {
    return await this.#server.until(this.id, holds, AbortSignal.timeout(LOOK_LIMIT_MS));
  }

  async noted(holds: (notes: readonly Note[]) => boolean): Promise<Note[]> {
    return await this.#notes.until((notes) => holds(this.#own(notes)), AbortSignal.timeout(LOOK_LIMIT_MS));
  }

  async notes(event: Note['event']): Promise<Note[]> {
    return this.#own(await this.#notes.read()).filter((note) => note.event === event);
  }

  /** Rejects when the answer is not the worker's. */
  async ask(path = '/work'): Promise<NotingAnswer> {
    const answer = await this.send(path);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return JSON.parse(text) as NotingAnswer;
  }

  async send(path: string): Promise<Response> {
    return await fetch(`${this.url}${path}`, { headers: { authorization: `Bearer ${API_KEY}` } });
  }

  #own(notes: readonly Note[]): Note[] {
    return notes.filter(({ endpoint }) => endpoint === this.id);
  }
}

const counting =
  (event: Note['event'], count: number) =>
  (notes: readonly Note[]): boolean =>
    notes.filter((note) => note.event === event).length >= count;

describe('kinds of update', () => {
  let server: ServerProcess;
  before(async () => {
    server = await ServerProcess.start({ gpus: 1 });
  });
  after(async () => {
    await server.dispose();
  });
  const create = (
    context: TestContext,
    workerConfig: Record<string, unknown>,
    productId: 'cpu' | 'gpu' = 'cpu',
  ): Promise<Endpoint> => Endpoint.create(server, context, workerConfig, productId);

  it('settings alone restart nothing', async (context) => {
    const endpoint = await create(context, { max_replicas: 2 });
    const { pid } = await endpoint.ask();
    const answer = await endpoint.update({
      name: 'renamed',
      policy: { type: 'concurrency', value: 3 },
      worker_config: {
        max_replicas: 5,
        min_replicas: 1,
        idle_timeout: 900,
        max_concurrent_per_worker: 7,
        request_timeout: 77,
      },
    });
    assert.deepEqual([answer.revision, answer.rollout], [1, null]);
    assert.equal((await endpoint.ask()).pid, pid);
    assert.equal((await endpoint.notes('start')).length, 1);
  });

  it('at zero workers starts nothing; the next request wakes the new revision', async (context) => {
    const endpoint = await create(context, { max_replicas: 1 });
    assert.equal((await endpoint.update({ command: 'noting.mjs --second' })).revision, 2);
    assert.deepEqual((await endpoint.get()).workers, []);
    assert.equal((await endpoint.ask()).revision, 2);
    assert.deepEqual(
      (await endpoint.notes('start')).map(({ revision }) => revision),
      [2],
    );
  });

  it('a newer one takes the place of one that still runs', async (context) => {
    const endpoint = await create(context, { max_replicas: 1, min_replicas: 1 });
    await endpoint.ask();
    // It never gets healthy, so its rollout would go on for ten minutes.
    await endpoint.update({ command: '-e "setInterval(() => {}, 1000)"' });
    await endpoint.until(({ workers }) =>
      workers.some(({ revision, status }) => revision === 2 && status.status === 'starting'),
    );
    assert.equal((await endpoint.ask()).revision, 1);
    assert.equal((await endpoint.update({ command: 'noting.mjs --third' })).revision, 3);
    await endpoint.until(
      ({ status, workers }) => status.status === 'running' && workers.every(({ revision }) => revision === 3),
    );
    assert.equal((await endpoint.ask()).revision, 3);
  });

  it('taken back while it runs leaves the old worker as it is', async (context) => {
    const endpoint = await create(context, { max_replicas: 1, min_replicas: 1 });
    const { pid } = await endpoint.ask();
    await endpoint.update({ command: '-e "setInterval(() => {}, 1000)"' });
    await endpoint.until(({ workers }) => workers.some(({ revision }) => revision === 2));
    const answer = await endpoint.update({ command: 'noting.mjs' });
    assert.equal(answer.rollout, null);
    const shown = await endpoint.until(
      ({ status, workers }) => status.status === 'running' && workers.every(({ revision }) => revision === 1),
    );
    assert.equal(shown['command'], 'noting.mjs');
    assert.equal((await endpoint.ask()).pid, pid);
  });

  it('a new health check is asked of the workers that run', async (context) => {
    // On the only device there is, so that nobody can be started in the unhealthy worker's stead.
    const endpoint = await create(context, { max_replicas: 1, min_replicas: 1 }, 'gpu');
    assert.equal((await endpoint.update({ health_check: { path: '' } })).rollout, null);
    const { pid } = await endpoint.ask('/sick');
    // Its port accepts, which is all that is asked of it so far.
    assert.equal((await endpoint.ask()).pid, pid);
    await endpoint.update({ health_check: { path: '/healthz' } });
    await endpoint.until(({ workers }) => workers.some(({ status }) => status.status === 'unhealthy'));
    await endpoint.update({ health_check: { path: '' } });
    await endpoint.until(({ workers }) => workers.some(({ status }) => status.status === 'ready'));
    assert.equal((await endpoint.ask()).pid, pid);
    assert.equal((await endpoint.notes('start')).length, 1);
  });

  it('max 0 pauses: what runs finishes, what waits is told so; raising it serves again', async (context) => {
    const endpoint = await create(context, { max_replicas: 1 });
    const running = endpoint.ask('/hold');
    const [held] = (await endpoint.noted(counting('begin', 1))).filter(({ event }) => event === 'begin');
    const waiting = endpoint.send('/work');
    await endpoint.update({ worker_config: { max_replicas: 0 } });
    for (const answer of [await waiting, await endpoint.send('/work')]) {
      assert.equal(answer.status, 503);
      const { reason, message } = (await answer.json()) as Refusal;
      assert.equal(reason, 'ENDPOINT_PAUSED');
      assert.match(message, /max_replicas/);
    }
    const paused = await endpoint.get();
    assert.equal(paused.status.status, 'stopped');
    assert.deepEqual(
      paused.workers.map(({ status }) => status.status),
      ['draining'],
    );
    assert.ok(held !== undefined);
    await release(held);
    assert.equal((await running).pid, held.pid);
    await endpoint.noted(counting('stop', 1));
    await endpoint.update({ worker_config: { max_replicas: 1 } });
    assert.notEqual((await endpoint.ask()).pid, held.pid);
    assert.equal((await endpoint.get()).status.status, 'running');
  });

  it('a raised min starts workers at once, without a request', async (context) => {
    const endpoint = await create(context, { max_replicas: 3 });
    assert.equal((await endpoint.notes('start')).length, 0);
    await endpoint.update({ worker_config: { max_replicas: 3, min_replicas: 2 } });
    await endpoint.until(
      ({ workers }) => workers.filter(({ status }) => status.status === 'ready').length === 2,
    );
    assert.equal((await endpoint.notes('start')).length, 2);
  });

  it('a lowered max lets running requests finish', async (context) => {
    const endpoint = await create(context, {
      max_replicas: 2,
      min_replicas: 2,
      max_concurrent_per_worker: 1,
    });
    const running = [endpoint.ask('/hold'), endpoint.ask('/hold')];
    const begun = (await endpoint.noted(counting('begin', 2))).filter(({ event }) => event === 'begin');
    assert.equal(new Set(begun.map(({ pid }) => pid)).size, 2, 'each worker has one');
    await endpoint.update({ worker_config: { max_replicas: 1, min_replicas: 1 } });
    await endpoint.until(({ workers }) => workers.filter(({ drain }) => drain).length === 1);
    for (const worker of begun) await release(worker);
    const answers = await Promise.all(running);
    assert.deepEqual(new Set(answers.map(({ pid }) => pid)), new Set(begun.map(({ pid }) => pid)));
    await endpoint.noted(counting('stop', 1));
    await endpoint.until(({ workers }) => workers.length === 1 && workers[0]?.drain === false);
  });

  it('a lowered max_concurrent_per_worker lets running requests finish and holds from then on', async (context) => {
    const endpoint = await create(context, { max_replicas: 1, max_concurrent_per_worker: 4 });
    const running = Array.from({ length: 4 }, () => endpoint.ask('/hold'));
    const [worker] = (await endpoint.noted(counting('begin', 4))).filter(({ event }) => event === 'begin');
    assert.ok(worker !== undefined);
    const waiting = Array.from({ length: 12 }, () => endpoint.ask('/work?ms=5'));
    await endpoint.update({ worker_config: { max_replicas: 1, max_concurrent_per_worker: 2 } });
    await release(worker);
    await Promise.all([...running, ...waiting]);
    const begun = await endpoint.notes('begin');
    assert.equal(begun.length, 16);
    assert.equal(Math.max(...begun.slice(0, 4).map((note) => note.running)), 4);
    assert.equal(Math.max(...begun.slice(4).map((note) => note.running)), 2);

    await endpoint.update({ worker_config: { max_replicas: 1, max_concurrent_per_worker: 3 } });
    const more = Array.from({ length: 3 }, () => endpoint.ask('/hold'));
    const all = await endpoint.noted(counting('begin', 19));
    await release(worker);
    await Promise.all(more);
    assert.equal(all.filter(({ event }) => event === 'begin').at(-1)?.running, 3);
    assert.equal((await endpoint.notes('start')).length, 1);
  });

  it('under a limit of 2 a worker never sees a third request, also when clients leave', async (context) => {
    const endpoint = await create(context, { max_replicas: 1, max_concurrent_per_worker: 2 });
    const clients = Array.from({ length: 60 }, async (_, number) => {
      if (number % 3 !== 0) return await endpoint.ask('/work?ms=3');
      // This one leaves while it waits, while it runs, or not at all: whatever it meets at that time.
      const sent = fetch(`${endpoint.url}/work?ms=3`, {
        headers: { authorization: `Bearer ${API_KEY}` },
        signal: AbortSignal.timeout(number * 2),
      });
      return await sent.then(
        (answer) => answer.text(),
        (error: unknown) => String(error),
      );
    });
    await Promise.all(clients);
    const begun = await endpoint.notes('begin');
    assert.ok(begun.length >= 40, `${begun.length} began`);
    assert.equal(Math.max(...begun.map(({ running }) => running)), 2);
  });
});
