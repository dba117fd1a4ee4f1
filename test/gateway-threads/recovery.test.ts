import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { EndpointId, WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { EndpointQueue } from '../../src/gateway/endpoint-queue.ts';
import { EventRing } from '../../src/gateway/threads/event-ring.ts';
import { SharedPlaces } from '../../src/gateway/threads/shared-places.ts';
import { SharedWorkerSlots } from '../../src/gateway/threads/shared-worker-slots.ts';
import {
  ANSWERED,
  FLAGS,
  OPEN,
  RESTING,
  SharedTable,
  tableMemory,
  type Row,
} from '../../src/gateway/threads/shared-table.ts';
import type { ThreadOrder } from '../../src/gateway/threads/thread-message.ts';
import { ThreadRequests } from '../../src/gateway/threads/thread-requests.ts';
import { ThreadTraffic } from '../../src/gateway/threads/thread-traffic.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import type { TrafficEndpoint } from '../../src/ports/traffic.ts';
import { ENDPOINT, RecordingListener, REQUEST } from '../support/gateway-world.ts';
import { sampleEndpoint, sampleWorker } from '../support/traffic-samples.ts';

const OTHER = 'other0endpoint' as EndpointId;
const TIMEOUT_MS = 60_000;
/** Later than a lock that was not to be had is tried again. */
const LATER_MS = 20;

const endpoint = (endpointId: EndpointId): TrafficEndpoint => sampleEndpoint({ endpointId });

const GONE = new AppError('SERVERLESS_ENDPOINT_NOT_FOUND', 'It was deleted.');

/** The main thread's side, and of each gateway thread only what it was ordered. */
function world(threads: number) {
  const clock = new ManualClock();
  const listener = new RecordingListener();
  const woken: number[] = [];
  const traffic = new ThreadTraffic({
    clock,
    listener,
    metrics: {} as Metrics,
    arrivals: { arrivalRecord: () => undefined },
    table: tableMemory(2, 10),
    closeGraceMs: 2_000,
    wake: (thread) => woken.push(thread),
  });
  const orders: ThreadOrder[][] = [];
  const start = (thread: number): void => {
    const given: ThreadOrder[] = [];
    orders[thread] = given;
    traffic.threadStarted(thread, {
      ring: new EventRing(EventRing.memory()),
      order: (order) => given.push(order),
    });
  };
  for (let thread = 0; thread < threads; thread += 1) start(thread);
  const { table } = traffic;
  /** The row of what was put last. */
  const rowOf = (kind: 'endpointPut' | 'workerPut'): Row => {
    const put = orders[0]?.findLast((order) => order.kind === kind);
    assert.ok(put !== undefined && 'row' in put);
    return put.row;
  };
  return { clock, listener, woken, traffic, table, orders, start, rowOf };
}

function served() {
  const made = world(2);
  made.traffic.endpointPut(endpoint(ENDPOINT));
  made.traffic.workerPut(ENDPOINT, sampleWorker('w'));
  return { ...made, line: made.rowOf('endpointPut'), slots: made.rowOf('workerPut') };
}

test('a thread that dies with a slot given back and not given on leaves it to the one that waits', async () => {
  const { traffic, table, woken, line, slots } = served();
  const waits = table.requestsOf(1);
  table.enter(waits, line, line, 1);
  await traffic.threadGone(0);
  assert.equal(table.listOf(waits), slots);
  assert.deepEqual(woken, [1]);
});

test('a thread that dies before it tells that a worker is drained leaves a worker that is', async () => {
  const { traffic, table, listener, line, slots } = served();
  const runs = table.requestsOf(0);
  table.enter(runs, line, slots, 1);
  traffic.workerDrain(ENDPOINT, 'w' as WorkerId);
  table.remove(runs);
  assert.deepEqual(listener.events, []);
  await traffic.threadGone(0);
  assert.deepEqual(listener.events, [{ kind: 'drained', endpointId: ENDPOINT, workerId: 'w' }]);
});

test('a thread that dies while it takes a slot back leaves a worker that is known to be idle', async () => {
  const { traffic, table, clock, line, slots } = served();
  const runs = table.requestsOf(0);
  table.enter(runs, line, slots, 1);
  table.lock(line, 1);
  table.remove(runs);
  clock.advance(5);
  await traffic.threadGone(0);
  assert.equal(traffic.load(ENDPOINT).workers.get('w' as WorkerId)?.idleSinceMs, clock.nowMs());
});

test('a thread that is started while an endpoint is on its way out is not told of it', () => {
  const { traffic, orders, start } = served();
  traffic.workerRemove(ENDPOINT, 'w' as WorkerId);
  traffic.endpointRemove(ENDPOINT, GONE);
  start(1);
  assert.deepEqual(orders[1], []);
});

test('a change that comes late does not change what has become the row of another worker', async () => {
  const { traffic, table, clock, orders, rowOf } = world(1);
  traffic.endpointPut(endpoint(ENDPOINT));
  const line = rowOf('endpointPut');
  traffic.workerPut(ENDPOINT, sampleWorker('first'));
  assert.ok(table.lock(line, 2));
  traffic.workerRemove(ENDPOINT, 'first' as WorkerId);
  assert.ok(!orders[0]?.some(({ kind }) => kind === 'workerRemove'));
  await traffic.threadGone(0);
  traffic.endpointPut(endpoint(OTHER));
  traffic.workerPut(OTHER, sampleWorker('second'));
  table.unlock(line);
  clock.advance(LATER_MS);
  const second = traffic.load(OTHER).workers.get('second' as WorkerId) as unknown as { row: Row };
  assert.equal(table.get(second.row, FLAGS), OPEN);
});

test('what was ordered is done for everybody whose answer comes after, whoever asked first', async () => {
  const { traffic, orders } = served();
  const answered: string[] = [];
  const first = traffic.settled().then(() => answered.push('first'));
  const second = traffic.settled().then(() => answered.push('second'));
  const asked = orders[0]?.filter(({ kind }) => kind === 'settle') ?? [];
  assert.equal(asked.length, 1);
  const [order] = asked;
  assert.ok(order?.kind === 'settle');
  traffic.report(0, { kind: 'settled', number: order.number });
  await new Promise(setImmediate);
  assert.deepEqual(answered, [], 'the other thread has not done it yet');
  traffic.report(1, { kind: 'settled', number: order.number });
  await Promise.all([first, second]);
  await traffic.settled();
});

function queueOf(made: ReturnType<typeof served>): {
  readonly queue: EndpointQueue;
  readonly slots: SharedWorkerSlots;
} {
  const { clock, listener, table, line, slots: row } = made;
  const requests = new ThreadRequests(table, 0, () => undefined);
  const queue = new EndpointQueue(endpoint(ENDPOINT), {
    clock,
    listener,
    limits: { waitingPerEndpoint: 10, restMs: 100 },
    onOver: () => undefined,
    placesFor: (host) => new SharedPlaces(host, { requests, row: line, rowOfWorker: () => row }),
  });
  queue.workerPut(sampleWorker('w'));
  const slots = queue.workers.get('w' as WorkerId);
  assert.ok(slots instanceof SharedWorkerSlots);
  return { queue, slots };
}

test('a request whose slot nobody could tell it of gives it back when its time is over', () => {
  const made = served();
  const { queue } = queueOf(made);
  const { table, line, slots: row, clock } = made;
  const others = table.requestsOf(1);
  table.enter(others, line, row, 1);
  const ticket = queue.enter(REQUEST);
  // As another thread does, which then dies before it has put it into the inbox.
  table.remove(others);
  table.give(ticket.row, row, 2);
  clock.advance(TIMEOUT_MS);
  assert.equal(ticket.state, 'ended');
  assert.equal(table.running(row), 0);
});

test('a request that got its answer while it was to be closed for having none can be closed later', () => {
  const made = served();
  const { queue, slots } = queueOf(made);
  const { traffic, table } = made;
  const ticket = queue.enter(REQUEST);
  assert.equal(traffic.runningCut(ENDPOINT, 'w' as WorkerId, GONE, true), 1);
  queue.answered(ticket, 200);
  table.mark(ticket.row, ANSWERED);
  assert.equal(slots.closeRunning(GONE, true), 0);
  assert.equal(traffic.runningCut(ENDPOINT, 'w' as WorkerId, GONE, true), 0);
  assert.equal(traffic.runningCut(ENDPOINT, 'w' as WorkerId, GONE, false), 1);
  assert.equal(slots.closeRunning(GONE, false), 1);
  assert.equal(traffic.runningCut(ENDPOINT, 'w' as WorkerId, GONE, false), 0, 'it counts once');
});

test('a rest ends under the lock, so that nobody gets in line unseen', () => {
  const { line, slots: row, table: made } = served();
  let locked: boolean | null = null;
  class Watched extends SharedTable {
    override set(changed: Row, field: number, value: number): void {
      if (field === RESTING) locked = !this.lock(line, 2, 2);
      super.set(changed, field, value);
    }
  }
  const table = new Watched(made.memory);
  const times = { nowMs: 0, monotonicMs: 0 };
  const slots = new SharedWorkerSlots(sampleWorker('w'), times, { table, endpoint: line, row, thread: 0 });
  assert.ok(slots.beginRest());
  assert.equal(slots.open, false);
  slots.endRest();
  assert.equal(locked, true);
  assert.equal(slots.open, true);
  assert.ok(table.lock(line, 2, 2), 'and it is free again');
});
