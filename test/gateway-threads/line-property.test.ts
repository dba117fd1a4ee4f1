import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../src/base/errors.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { EndpointQueue } from '../../src/gateway/endpoint-queue.ts';
import type { SharedEndpoint } from '../../src/gateway/threads/shared-endpoint.ts';
import type { Ticket } from '../../src/gateway/ticket.ts';
import { ENDPOINT, RecordingListener, REQUEST } from '../support/gateway-world.ts';
import { CLOSE_GRACE_MS, SharedQueues } from '../support/shared-queues.ts';
import { sampleEndpoint, sampleWorker } from '../support/traffic-samples.ts';

const THREADS = 3;
const LIMITS = { waitingPerEndpoint: 6, restMs: 20 };
const TIMEOUT_MS = 1_000;
const WORKERS = ['w0', 'w1', 'w2'] as WorkerId[];
const GIVEN = sampleEndpoint({ requestTimeoutMs: TIMEOUT_MS });

/** The same request in the one queue, and in the queue of one of the threads. */
interface Pair {
  readonly plain: Ticket;
  readonly shared: Ticket;
  readonly queue: EndpointQueue;
}

class Both {
  readonly clock = new ManualClock();
  readonly plainTold = new RecordingListener();
  readonly sharedTold = new RecordingListener();
  readonly plain: EndpointQueue;
  readonly shared: SharedQueues;
  readonly pairs: Pair[] = [];
  /** A worker that was removed never comes back: one that is put in its place has a name of its own. */
  readonly #lives = new Map<WorkerId, number>();

  constructor() {
    this.plain = new EndpointQueue(GIVEN, {
      clock: this.clock,
      listener: this.plainTold,
      limits: LIMITS,
      onOver: () => undefined,
    });
    this.shared = new SharedQueues(THREADS, this.clock, this.sharedTold, LIMITS);
    this.shared.traffic.endpointPut(GIVEN);
  }

  arrive(thread: number): void {
    const queue = this.shared.queues[thread] as EndpointQueue;
    const plain = entered(this.plain);
    const shared = entered(queue);
    assert.equal(shared === null, plain === null, 'one was refused');
    if (plain !== null && shared !== null) this.pairs.push({ plain, shared, queue });
  }

  now(workerId: WorkerId): WorkerId {
    return `${workerId}-${this.#lives.get(workerId) ?? 0}` as WorkerId;
  }

  remove(workerId: WorkerId): void {
    this.plain.workerRemove(this.now(workerId));
    this.shared.traffic.workerRemove(ENDPOINT, this.now(workerId));
    this.#lives.set(workerId, (this.#lives.get(workerId) ?? 0) + 1);
  }

  /** One of those that are `there`. */
  pick(index: number, there: (pair: Pair) => boolean): Pair | undefined {
    const some = this.pairs.filter(there);
    return some[index % Math.max(1, some.length)];
  }

  check(): void {
    const load = this.shared.traffic.load(ENDPOINT);
    for (const { plain, shared } of this.pairs) {
      assert.equal(shared.state, plain.state);
      assert.equal(shared.worker?.worker.workerId, plain.worker?.worker.workerId);
      assert.equal(shared.beside, plain.beside);
      assert.equal(shared.cutReason, plain.cutReason);
    }
    assert.equal(load.waiting, this.plain.waiting);
    assert.equal(load.running, this.plain.running);
    assert.deepEqual(load.waitingSinceMs, this.plain.waitingSinceMs);
    assert.equal(load.earliestDeadlineMs, this.plain.earliestDeadlineMs);
    assert.deepEqual([...load.workers.keys()], [...this.plain.workers.keys()]);
    for (const [workerId, worker] of this.plain.workers) {
      const seen = load.workers.get(workerId);
      assert.equal(seen?.running, worker.running);
      assert.equal(seen?.idleSinceMs, worker.idleSinceMs);
      const inOrder = (timesMs: readonly number[] = []): readonly number[] =>
        timesMs.toSorted((a, b) => a - b);
      assert.deepEqual(inOrder(seen?.runningSinceMs), inOrder(worker.runningSinceMs));
    }
    for (const kind of ['waiting', 'gone', 'started', 'ended', 'drained', 'left'] as const)
      assert.equal(this.sharedTold.count(kind), this.plainTold.count(kind), kind);
  }
}

function entered(queue: EndpointQueue): Ticket | null {
  try {
    return queue.enter(REQUEST);
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'QUEUE_FULL');
    return null;
  }
}

type Step = fc.Command<object, Both>;

function step(name: string, run: (both: Both) => void): Step {
  return {
    check: () => true,
    run(_model, both) {
      // No two things happen at the same time, so what is sorted by time is in order.
      both.clock.advance(1);
      run(both);
      both.check();
    },
    toString: () => name,
  };
}

const waits = ({ plain }: Pair): boolean => plain.waitingEntry !== null;
const runs = ({ plain }: Pair): boolean => plain.worker !== null;
const steps = [
  fc.nat(THREADS - 1).map((thread) => step(`arrive(${thread})`, (both) => both.arrive(thread))),
  fc.nat(THREADS - 1).map((thread) => step(`arrive(${thread})`, (both) => both.arrive(thread))),
  fc.nat(THREADS - 1).map((thread) => step(`arrive(${thread})`, (both) => both.arrive(thread))),
  fc.nat(20).map((index) =>
    step(`leave(${index})`, (both) => {
      const pair = both.pick(index, waits);
      if (pair === undefined) return;
      both.plain.leave(pair.plain);
      pair.queue.leave(pair.shared);
    }),
  ),
  ...['complete', 'broke', 'complete'].map((end) =>
    fc.nat(20).map((index) =>
      step(`${end}(${index})`, (both) => {
        const pair = both.pick(index, runs);
        if (pair === undefined) return;
        both.plain.release(pair.plain, 200, end as 'complete');
        pair.queue.release(pair.shared, 200, end as 'complete');
      }),
    ),
  ),
  fc.nat(20).map((index) =>
    step(`retry(${index})`, (both) => {
      const pair = both.pick(index, (one) => runs(one) && one.plain.cutReason === null);
      if (pair === undefined) return;
      both.plain.retry(pair.plain);
      pair.queue.retry(pair.shared);
    }),
  ),
  ...[0, 1].map(() =>
    fc
      .record({
        workerId: fc.constantFrom(...WORKERS),
        preference: fc.constantFrom(0, 0.5, 1),
        sampleLimit: fc.option(fc.nat(3), { nil: null }),
      })
      .map((given) =>
        step(`workerPut(${JSON.stringify(given)})`, (both) => {
          const workerId = both.now(given.workerId);
          const address = { host: '127.0.0.1', port: 1 };
          const worker = { ...given, workerId, revision: 1, address, startedAtMs: 0 };
          both.plain.workerPut(worker);
          both.shared.traffic.workerPut(ENDPOINT, worker);
        }),
      ),
  ),
  fc.constantFrom(...WORKERS).map((workerId) =>
    step(`drain(${workerId})`, (both) => {
      both.plain.workerDrain(both.now(workerId));
      both.shared.traffic.workerDrain(ENDPOINT, both.now(workerId));
    }),
  ),
  fc.constantFrom(...WORKERS).map((workerId) => step(`remove(${workerId})`, (both) => both.remove(workerId))),
  fc.integer({ min: 1, max: 3 }).map((slotsPerWorker) =>
    step(`slots(${slotsPerWorker})`, (both) => {
      both.plain.put({ ...both.plain.endpoint, slotsPerWorker });
      both.shared.traffic.endpointPut({ ...GIVEN, slotsPerWorker });
    }),
  ),
  fc.constantFrom(50, 400, 1_100).map((forMs) => step(`pass(${forMs})`, (both) => both.clock.advance(forMs))),
];

test('the lines and slots of three threads are those of one queue, whatever happens', () => {
  fc.assert(
    fc.property(fc.commands(steps, { size: 'large', maxCommands: 80 }), (commands) => {
      fc.modelRun(() => ({ model: {}, real: new Both() }), commands);
    }),
    { numRuns: 300 },
  );
});

test('what a thread that dies held is given to others once its connections are surely closed', async () => {
  const both = new Both();
  const { traffic, queues } = both.shared;
  const [first, second] = queues as [EndpointQueue, EndpointQueue];
  const told = both.sharedTold;
  traffic.endpointPut({ ...GIVEN, requestTimeoutMs: 60_000 });
  for (const workerId of WORKERS.slice(0, 2)) {
    traffic.workerPut(ENDPOINT, sampleWorker(workerId, { revision: 3 }));
  }
  const held = [second.enter(REQUEST), second.enter(REQUEST)];
  assert.deepEqual(
    held.map(({ worker }) => worker?.worker.workerId),
    ['w0', 'w1'],
  );
  second.enter(REQUEST);
  const waiting = first.enter(REQUEST);
  traffic.workerDrain(ENDPOINT, 'w1' as WorkerId);
  await traffic.threadGone(1);
  const load = traffic.load(ENDPOINT);
  assert.deepEqual([load.waiting, load.running, told.count('gone')], [1, 2, 1]);
  assert.deepEqual([told.count('ended'), told.count('drained')], [0, 0], 'a worker may still be at it');
  both.clock.advance(CLOSE_GRACE_MS);
  assert.equal(waiting.worker?.worker.workerId, 'w0');
  assert.deepEqual([load.waiting, load.running], [0, 1]);
  assert.deepEqual(
    told.outcomes().map(({ workerId, revision, status, end }) => [workerId, revision, status, end]),
    [
      ['w0', 3, null, 'clientGone'],
      ['w1', 3, null, 'clientGone'],
    ],
  );
  assert.equal(told.count('drained'), 1);
});

test('a lock that a dead thread holds keeps control waiting for nothing: the change is made when the death is known', async () => {
  const both = new Both();
  const { traffic } = both.shared;
  const workerId = 'w0' as WorkerId;
  traffic.workerPut(ENDPOINT, sampleWorker(workerId));
  const [first, , third] = both.shared.queues as [EndpointQueue, EndpointQueue, EndpointQueue];
  third.release(third.enter(REQUEST), 200, 'complete');
  const running = first.enter(REQUEST);
  const { row } = traffic.load(ENDPOINT) as SharedEndpoint;
  assert.ok(traffic.table.lock(row, 3), 'thread 2 takes the lock and dies');
  traffic.workerDrain(ENDPOINT, workerId);
  traffic.workerPut(ENDPOINT, sampleWorker(workerId, { sampleLimit: 2 }));
  traffic.workerDrain(ENDPOINT, workerId);
  both.clock.advance(50);
  await traffic.threadGone(2);
  both.clock.advance(50);
  first.release(running, 200, 'complete');
  assert.equal(both.sharedTold.count('drained'), 1);
});
