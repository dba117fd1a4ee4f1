import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { EndpointId, WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { PushWorkers } from '../../src/jobs/push/push-workers.ts';
import type { JobTarget } from '../../src/model/job-target.ts';
import type { TrafficWorker } from '../../src/ports/traffic.ts';
import { silentLog } from '../support/silent-log.ts';
import { StubJobWorkers } from './stub-job-workers.ts';

const ENDPOINT = 'ep1' as EndpointId;
const WORKER = 'w1' as WorkerId;
const LIMIT = { timeout: 20_000 };

type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => void;

/** A plain HTTP worker that jobs are sent to. */
class PushWorld {
  readonly clock = new ManualClock();
  readonly jobs = new StubJobWorkers();
  readonly push = new PushWorkers({
    clock: this.clock,
    log: silentLog,
    workers: this.jobs,
    outputBytes: 200,
  });
  readonly seen: {
    readonly target: string;
    readonly headers: IncomingMessage['headers'];
    readonly body: string;
  }[] = [];
  readonly #server: Server;

  private constructor(answer: Answer) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        this.seen.push({ target: `${request.method} ${request.url}`, headers: request.headers, body });
        answer(request, body, response);
      });
    });
  }

  static async open(answer: Answer): Promise<PushWorld> {
    const world = new PushWorld(answer);
    world.#server.listen(0, '127.0.0.1');
    await once(world.#server, 'listening');
    return world;
  }

  put(change: Partial<TrafficWorker> = {}): void {
    this.push.workerPut(ENDPOINT, {
      workerId: WORKER,
      revision: 1,
      address: { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port },
      preference: 0,
      sampleLimit: null,
      startedAtMs: 0,
      ...change,
    });
  }

  async untilTimer(delayMs: number): Promise<void> {
    const dueMs = this.clock.monotonicMs() + delayMs;
    while (this.clock.nextDueMs() !== dueMs) await new Promise((resolve) => setImmediate(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.push.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const json: Answer = (_request, body, response) => {
  response.setHeader('content-type', 'application/json').end(`{"got": ${body}}`);
};

describe('jobs are sent to workers that do not ask', LIMIT, () => {
  test('as id and input, and the answer is the output, digit by digit', async () => {
    await using world = await PushWorld.open(json);
    world.put();
    world.jobs.give(['job-1', '{"seed":18446744073709551615}']);
    assert.equal(
      await world.jobs.calls(/^answer/),
      'answer w1 job-1 output {"got": {"id":"job-1","input":{"seed":18446744073709551615}}}',
    );
    const headers = world.seen[0]?.headers ?? {};
    assert.equal(world.seen[0]?.target, 'POST /');
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['x-pilotlight-job-id'], 'job-1');
    assert.equal(headers['x-pilotlight-attempt'], '1');
  });

  test('as the input alone where the endpoint says so, to the path it names', async () => {
    await using world = await PushWorld.open(json);
    const jobTarget: JobTarget = { path: '/v1/chat/completions', body: 'input' };
    world.put({ jobTarget });
    world.jobs.give(['job-1', '{"model":"m"}']);
    assert.equal(await world.jobs.calls(/^answer/), 'answer w1 job-1 output {"got": {"model":"m"}}');
    assert.equal(world.seen[0]?.target, 'POST /v1/chat/completions');
  });

  const ANSWERS: readonly (readonly [what: string, status: number, body: string, told: string])[] = [
    ['a text', 200, 'plain "text"', 'output "plain \\"text\\""'],
    ['nothing', 204, '', 'output null'],
    ['an error', 500, 'out of memory', 'error The worker answered 500: out of memory'],
    ['a refusal', 404, '', 'error The worker answered 404: '],
    ['more than is kept', 200, `"${'x'.repeat(300)}"`, 'tooLarge 302'],
  ];
  for (const [what, status, body, told] of ANSWERS) {
    test(`an answer that is ${what}`, async () => {
      await using world = await PushWorld.open((_request, _body, response) => {
        response.writeHead(status).end(body);
      });
      world.put();
      world.jobs.give(['job-1', '1']);
      assert.equal(await world.jobs.calls(/^answer/), `answer w1 job-1 ${told}`);
    });
  }

  test('several at a time, as many as are given', async () => {
    const gate = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    let count = 0;
    await using world = await PushWorld.open((_request, body, response) => {
      count += 1;
      if (count === 3) arrived.resolve();
      void gate.promise.then(() => response.end(body));
    });
    world.put();
    world.jobs.give(['a', '1'], ['b', '2']);
    world.jobs.give(['c', '3']);
    await arrived.promise;
    gate.resolve();
    await world.jobs.calls(/^answer/, 3);
    // The first ask tells that nothing runs: a former server's jobs are lost to this one.
    assert.deepEqual(world.jobs.called.filter((call) => call.startsWith('take')).slice(0, 2), [
      'take ep1 w1 count=1000 idle=true',
      'take ep1 w1 count=1000 idle=null',
    ]);
  });

  test('a worker that refuses the connection gives the job back, and rests', async () => {
    await using world = await PushWorld.open(json);
    const closed = createServer();
    closed.listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    world.put({ address: { host: '127.0.0.1', port } });
    world.jobs.give(['job-1', '1']);
    await world.jobs.calls(/^giveBack w1 job-1/);
    assert.equal(world.jobs.called.filter((call) => call.startsWith('answer')).length, 0);
  });

  test('a connection that breaks fails the job, if its worker lives on', async () => {
    await using world = await PushWorld.open((request) => request.socket.destroy());
    world.put();
    world.jobs.give(['job-1', '1']);
    await world.untilTimer(5_000);
    world.clock.advance(5_000);
    assert.match(
      await world.jobs.calls(/^answer/),
      /error The worker closed the connection without an answer/,
    );
  });

  test('a connection that breaks with its worker leaves the job to be lost', async () => {
    await using world = await PushWorld.open((request) => request.socket.destroy());
    world.put();
    world.jobs.give(['job-1', '1']);
    await world.untilTimer(5_000);
    world.push.workerRemove(WORKER);
    world.clock.advance(10_000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(world.jobs.called.filter((call) => call.startsWith('answer')).length, 0);
  });

  test('a job that is stopped has its request closed, and its worker is free', async () => {
    const begun = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    await using world = await PushWorld.open((request) => {
      request.socket.once('close', () => closed.resolve());
      begun.resolve();
    });
    world.put();
    world.jobs.give(['job-1', '1']);
    await begun.promise;
    await world.jobs.calls(/^stops/);
    world.jobs.stop('job-1');
    await closed.promise;
    await world.jobs.calls(/^ping w1 $/);
    assert.equal(world.jobs.called.filter((call) => call.startsWith('answer')).length, 0);
  });

  test('a server that stops takes no more, and waits for what runs', async () => {
    const begun = Promise.withResolvers<ServerResponse>();
    await using world = await PushWorld.open((_request, _body, response) => begun.resolve(response));
    world.put();
    world.jobs.give(['job-1', '1']);
    const response = await begun.promise;
    const drained = world.push.beginDrain();
    await world.jobs.calls(/^take aborted/);
    response.end('"done"');
    await drained;
    assert.equal(world.jobs.called.filter((call) => call.startsWith('answer')).length, 1);
  });
});
