import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../src/base/errors.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { EndpointQueue } from '../../src/gateway/endpoint-queue.ts';
import type { Ticket } from '../../src/gateway/ticket.ts';
import { REQUEST, RecordingListener } from '../support/gateway-world.ts';
import { sampleEndpoint } from '../support/traffic-samples.ts';

const LIMIT = 6;
const TIMEOUT_MS = 1_000;
const WORKERS = ['w0', 'w1', 'w2'] as WorkerId[];

interface Model {
  /** Tickets in order of arrival, with what is known of each. */
  readonly tickets: Ticket[];
  readonly workers: Map<
    WorkerId,
    { draining: boolean; given: number; sampleLimit: number | null; preference: number }
  >;
  slots: number;
}

interface Real {
  readonly clock: ManualClock;
  readonly listener: RecordingListener;
  readonly queue: EndpointQueue;
}

type Command = fc.Command<Model, Real>;

function running(model: Model, workerId: WorkerId): Ticket[] {
  // A worker that was removed and put again is another one, though requests of the first still run.
  return model.tickets.filter(
    ({ worker }) => worker !== null && !worker.removed && worker.worker.workerId === workerId,
  );
}

/** Holds after every step, whatever the step was. */
function check(model: Model, real: Real): void {
  const load = real.queue;
  const waiting = model.tickets.filter((ticket) => ticket.waitingEntry !== null);
  // One that had its turn and could not use it comes back, also into a full queue.
  const back = waiting.filter((ticket) => retried.has(ticket)).length;
  assert.ok(load.waiting <= LIMIT + back, 'the queue is bounded');
  assert.equal(load.waiting, waiting.length);
  assert.equal(load.running, model.tickets.filter((ticket) => ticket.worker !== null).length);
  for (const [workerId, seen] of load.workers) {
    const known = model.workers.get(workerId);
    assert.ok(known, 'only known workers are shown');
    assert.equal(seen.running, running(model, workerId).length);
    assert.equal(seen.idleSinceMs === null, seen.running > 0);
    // Nobody waits while a slot is free.
    const resting = real.queue.waiting > 0 && restingWorkers.has(workerId);
    const free =
      !known.draining &&
      !resting &&
      seen.running < model.slots &&
      (known.sampleLimit === null || known.given < known.sampleLimit);
    if (free) assert.equal(load.waiting, 0, `${workerId} has a free slot while ${load.waiting} wait`);
  }
  // The slots are given in order of arrival: no waiting request is older than one that has never
  // been tried and runs already.
  const oldest = waiting.find((ticket) => !retried.has(ticket));
  if (oldest !== undefined) {
    const index = model.tickets.indexOf(oldest);
    for (const later of model.tickets.slice(index + 1)) {
      assert.ok(
        later.worker === null || startedBefore.has(later),
        'a later request went past an earlier one',
      );
    }
  }
  for (const ticket of model.tickets) if (ticket.worker !== null) startedBefore.add(ticket);
}

const restingWorkers = new Set<WorkerId>();
const retried = new Set<Ticket>();
const startedBefore = new Set<Ticket>();

/** Reads off what the queue gave since the last step, as the slots' sample counts need it. */
function account(model: Model, real: Real, before: number): void {
  for (const event of real.listener.events.slice(before)) {
    if (event.kind !== 'started') continue;
    const worker = model.workers.get(event.workerId);
    assert.ok(worker, 'a request started on a worker that is not there');
    assert.equal(worker.draining, false, 'a draining worker got a request');
    worker.given += 1;
    assert.ok(
      worker.sampleLimit === null || worker.given <= worker.sampleLimit,
      'a worker got more than its sample',
    );
    const slots = real.queue.workers.get(event.workerId)?.running ?? 0;
    assert.ok(slots <= Math.max(model.slots, slotsBefore), 'more than its slots');
  }
}
let slotsBefore = 0;

function command(name: string, run: (model: Model, real: Real) => void): Command {
  return {
    check: () => true,
    run(model, real) {
      const before = real.listener.events.length;
      run(model, real);
      account(model, real, before);
      check(model, real);
      slotsBefore = model.slots;
    },
    toString: () => name,
  };
}

const arrive = fc.constant(
  command('arrive', (model, real) => {
    const full = real.queue.waiting >= LIMIT;
    try {
      model.tickets.push(real.queue.enter(REQUEST));
      assert.ok(!full || real.queue.waiting <= LIMIT);
    } catch (error) {
      assert.ok(error instanceof AppError && error.code === 'QUEUE_FULL');
      assert.ok(full, 'refused although there was room');
    }
  }),
);
const leave = fc.nat(20).map((index) =>
  command(`leave(${index})`, (model, real) => {
    const waiting = model.tickets.filter((ticket) => ticket.waitingEntry !== null);
    const ticket = waiting[index % Math.max(1, waiting.length)];
    if (ticket !== undefined) real.queue.leave(ticket);
  }),
);
const finish = fc.nat(20).map((index) =>
  command(`finish(${index})`, (model, real) => {
    const holding = model.tickets.filter((ticket) => ticket.worker !== null);
    const ticket = holding[index % Math.max(1, holding.length)];
    if (ticket === undefined) return;
    real.queue.release(ticket, 200, 'complete');
  }),
);
const retry = fc.nat(20).map((index) =>
  command(`retry(${index})`, (model, real) => {
    const holding = model.tickets.filter((ticket) => ticket.worker !== null && ticket.cutReason === null);
    const ticket = holding[index % Math.max(1, holding.length)];
    if (ticket === undefined || ticket.worker === null) return;
    retried.add(ticket);
    const { workerId } = ticket.worker.worker;
    if (!ticket.worker.removed) restingWorkers.add(workerId);
    real.queue.retry(ticket);
  }),
);
const workerPut = fc
  .record({
    workerId: fc.constantFrom(...WORKERS),
    preference: fc.nat(1),
    sampleLimit: fc.option(fc.nat(3), { nil: null }),
  })
  .map((given) =>
    command(`workerPut(${JSON.stringify(given)})`, (model, real) => {
      const { workerId, preference, sampleLimit } = given;
      const before = model.workers.get(workerId)?.given ?? 0;
      model.workers.set(workerId, { draining: false, given: before, sampleLimit, preference });
      real.queue.workerPut({
        ...given,
        revision: 1,
        address: { host: '127.0.0.1', port: 1 },
        startedAtMs: 0,
      });
    }),
  );
const drain = fc.constantFrom(...WORKERS).map((workerId) =>
  command(`drain(${workerId})`, (model, real) => {
    const worker = model.workers.get(workerId);
    if (worker !== undefined) worker.draining = true;
    const drained = real.listener.count('drained');
    const idle = running(model, workerId).length === 0;
    real.queue.workerDrain(workerId);
    if (worker !== undefined) assert.equal(real.listener.count('drained') - drained, idle ? 1 : 0);
  }),
);
const remove = fc.constantFrom(...WORKERS).map((workerId) =>
  command(`remove(${workerId})`, (model, real) => {
    model.workers.delete(workerId);
    restingWorkers.delete(workerId);
    real.queue.workerRemove(workerId);
  }),
);
const slots = fc.integer({ min: 1, max: 3 }).map((count) =>
  command(`slots(${count})`, (model, real) => {
    model.slots = count;
    real.queue.put({ ...real.queue.endpoint, slotsPerWorker: count });
  }),
);
const pass = fc.constantFrom(50, 400, 1_100).map((durationMs) =>
  command(`pass(${durationMs})`, (_model, real) => {
    restingWorkers.clear();
    // Whole rests pass first, so that the model needs to know of none.
    real.clock.advance(Math.max(durationMs, 17 * 20));
    for (const ticket of _model.tickets) {
      const late = ticket.arrivedMonotonicMs + TIMEOUT_MS <= real.clock.monotonicMs();
      if (late) assert.ok(ticket.waitingEntry === null, 'nobody waits past the deadline');
      if (late && ticket.worker !== null) assert.equal(ticket.cutReason, 'timeout');
    }
  }),
);

test('bounds hold, order is kept and all returns to zero, whatever happens', () => {
  fc.assert(
    fc.property(
      fc.commands(
        [
          arrive,
          arrive,
          arrive,
          leave,
          finish,
          finish,
          retry,
          workerPut,
          workerPut,
          drain,
          remove,
          slots,
          pass,
        ],
        {
          size: 'large',
          maxCommands: 80,
        },
      ),
      (commands) => {
        restingWorkers.clear();
        retried.clear();
        startedBefore.clear();
        slotsBefore = 0;
        const clock = new ManualClock();
        const listener = new RecordingListener();
        let over = 0;
        const queue = new EndpointQueue(sampleEndpoint({ requestTimeoutMs: TIMEOUT_MS }), {
          clock,
          listener,
          limits: { waitingPerEndpoint: LIMIT, restMs: 20 },
          onOver: () => {
            over += 1;
          },
        });
        const model: Model = { tickets: [], workers: new Map(), slots: 1 };
        const real: Real = { clock, listener, queue };
        fc.modelRun(() => ({ model, real }), commands);
        // The end: all that waits is refused, all that runs is given back, all workers go.
        queue.remove(new AppError('SERVERLESS_ENDPOINT_NOT_FOUND', 'deleted'));
        for (const ticket of model.tickets) if (ticket.worker !== null) queue.release(ticket, null, 'broke');
        for (const workerId of WORKERS) queue.workerRemove(workerId);
        assert.deepEqual(
          {
            running: queue.running,
            waiting: queue.waiting,
            workers: queue.workers.size,
          },
          { running: 0, waiting: 0, workers: 0 },
        );
        assert.equal(clock.timerCount, 0, 'an endpoint without requests holds no timer');
        assert.ok(over >= 1);
        for (const ticket of model.tickets) assert.equal(ticket.state, 'ended');
      },
    ),
    { numRuns: 400 },
  );
});
