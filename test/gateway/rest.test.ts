import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { EndpointQueue } from '../../src/gateway/endpoint-queue.ts';
import type { Ticket } from '../../src/gateway/ticket.ts';
import { REQUEST, RecordingListener } from '../support/gateway-world.ts';
import { sampleEndpoint, sampleWorker } from '../support/traffic-samples.ts';

const workerOf = (ticket: Ticket): string | null => ticket.worker?.worker.workerId ?? null;

it('gives a worker that broke a request off nothing for a moment, in which its end becomes known', () => {
  const clock = new ManualClock();
  const queue = new EndpointQueue(sampleEndpoint(), {
    clock,
    listener: new RecordingListener(),
    limits: { waitingPerEndpoint: 10, restMs: 100 },
    onOver: () => undefined,
  });
  queue.workerPut(sampleWorker('dying'));
  const broken = queue.enter(REQUEST);
  const waiting = queue.enter(REQUEST);
  assert.equal(workerOf(broken), 'dying');

  queue.release(broken, null, 'broke');
  assert.equal(workerOf(waiting), null, 'it is not given to the worker that just broke one off');
  queue.workerRemove('dying' as WorkerId);
  queue.workerPut(sampleWorker('new'));
  assert.equal(workerOf(waiting), 'new');

  const next = queue.enter(REQUEST);
  queue.release(waiting, null, 'broke');
  clock.advance(99);
  assert.equal(workerOf(next), null);
  clock.advance(1);
  assert.equal(workerOf(next), 'new', 'one that lives on is given requests again');
});
