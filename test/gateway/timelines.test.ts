import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { EndpointQueue } from '../../src/gateway/endpoint-queue.ts';
import { requestName } from '../../src/gateway/request-timelines.ts';
import { RecordingListener } from '../support/gateway-world.ts';
import { sampleEndpoint, sampleWorker } from '../support/traffic-samples.ts';

function open(slotsPerWorker = 1) {
  const clock = new ManualClock();
  const listener = new RecordingListener();
  const queue = new EndpointQueue(sampleEndpoint({ slotsPerWorker }), {
    clock,
    listener,
    limits: { waitingPerEndpoint: 10, restMs: 100 },
    onOver: () => undefined,
  });
  const enter = (id: string) => queue.enter(requestName(id, 'POST', '/v1/run?key=secret'));
  const worker = (id: string, revision = 1): void => queue.workerPut(sampleWorker(id, { revision }));
  /** What was told of each worker that left: outcome and id of its requests, newest first. */
  const left = (): string[][] =>
    listener.events.flatMap((event) =>
      event.kind === 'left'
        ? [event.requests.map(({ outcome, requestId }) => `${outcome} ${requestId}`)]
        : [],
    );
  return { clock, queue, enter, worker, left };
}

it('a request is shown while it waits, while it runs, and after its end', () => {
  const { clock, queue, enter, worker } = open();
  const arrivedAtMs = clock.nowMs();
  const ticket = enter('first');
  const shown = { requestId: 'first', method: 'POST', path: '/v1/run', arrivedAtMs };
  const none = { firstByteAtMs: null, endedAtMs: null, status: null, outcome: null };
  assert.deepEqual(queue.openRequests(10), [
    { ...shown, ...none, waitReason: 'noWorker', workerId: null, revision: null, startedAtMs: null },
  ]);
  clock.advance(2_000);
  worker('w1', 3);
  clock.advance(300);
  queue.answered(ticket, 201);
  const placed = {
    waitReason: 'noWorker',
    workerId: 'w1',
    revision: 3,
    startedAtMs: arrivedAtMs + 2_000,
    firstByteAtMs: arrivedAtMs + 2_300,
  };
  assert.deepEqual(queue.openRequests(10), [{ ...shown, ...none, ...placed, status: 201 }]);
  clock.advance(700);
  queue.release(ticket, 201, 'complete');
  assert.deepEqual(queue.openRequests(10), []);
  assert.deepEqual(queue.endedRequests(), [
    { ...shown, ...placed, endedAtMs: arrivedAtMs + 3_000, status: 201, outcome: 'complete' },
  ]);
});

describe('why it waits', () => {
  it('slots in use, and others before it', () => {
    const { queue, enter, worker } = open();
    worker('w1');
    for (const id of ['a', 'b', 'c']) enter(id);
    assert.deepEqual(
      queue.openRequests(10).map(({ requestId, waitReason }) => [requestId, waitReason]),
      [
        ['a', null],
        ['b', 'slotsInUse'],
        ['c', 'behindOthers'],
      ],
    );
  });

  it('no worker when the only one drains, and a worker that could not be reached', () => {
    const { queue, enter, worker } = open(2);
    worker('w1');
    const sent = enter('a');
    queue.retry(sent);
    assert.equal(queue.openRequests(10)[0]?.waitReason, 'notSent');
    queue.workerDrain('w1' as WorkerId);
    queue.leave(sent);
    enter('b');
    assert.equal(queue.openRequests(10)[0]?.waitReason, 'noWorker');
  });
});

it('each way to end is told', () => {
  const { clock, queue, enter, worker } = open();
  enter('late');
  clock.advance(60_000);
  queue.leave(enter('gone'));
  enter('refused');
  queue.refuseWaiting(new AppError('ENDPOINT_PAUSED', 'paused'));
  worker('w1');
  const running = enter('cut');
  queue.runningCut('w1' as WorkerId, new AppError('DRAIN_DEADLINE', 'too long'), false);
  assert.equal(running.cutError?.code, 'DRAIN_DEADLINE');
  queue.release(running, null, 'cut');
  assert.deepEqual(
    queue.endedRequests().map(({ requestId, outcome }) => [requestId, outcome]),
    [
      ['cut', 'cut'],
      ['refused', 'refused'],
      ['gone', 'clientGone'],
      ['late', 'timeout'],
    ],
  );
});

it('the last 100 are kept, and a long path is not', () => {
  const { queue, enter } = open();
  for (let count = 0; count < 130; count += 1) queue.leave(enter(`r${count}`));
  const ended = queue.endedRequests();
  assert.equal(ended.length, 100);
  assert.deepEqual([ended[0]?.requestId, ended.at(-1)?.requestId], ['r129', 'r30']);
  assert.equal(requestName('id', 'GET', `/${'x'.repeat(500)}`).path.length, 200);
  assert.equal(requestName('id', 'GET', '/a?b').path, '/a');
});

it('times of requests without a first byte are those of one revision', () => {
  const { clock, queue, enter, worker } = open(5);
  worker('w1', 1);
  const first = enter('a');
  enter('b');
  queue.answered(first, 200);
  assert.deepEqual(queue.unansweredSince(1), [clock.nowMs()]);
  assert.deepEqual(queue.unansweredSince(2), []);
});

describe('a removed worker', () => {
  it('that runs nothing is told at once, with its last ten requests', () => {
    const { queue, enter, worker, left } = open();
    worker('w');
    for (let index = 0; index < 12; index += 1) queue.release(enter(`r${index}`), 200, 'complete');
    queue.workerRemove('w' as WorkerId);
    assert.deepEqual(left(), [[11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((index) => `complete r${index}`)]);
  });

  it('with running requests is told when the last of them has ended, however it ended', () => {
    const { queue, enter, worker, left } = open(2);
    worker('w');
    const [first, second] = [enter('first'), enter('second')];
    queue.workerRemove('w' as WorkerId);
    queue.release(first, 200, 'complete');
    assert.deepEqual(left(), []);
    queue.release(second, null, 'broke');
    assert.deepEqual(left(), [['broke second', 'complete first']]);
  });

  it('to which the last request was never sent is told too', () => {
    const { queue, enter, worker, left } = open();
    worker('w');
    const ticket = enter('r');
    queue.workerRemove('w' as WorkerId);
    queue.retry(ticket);
    assert.deepEqual(left(), [[]]);
  });
});
