import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { EndpointQueue } from '../../src/gateway/endpoint-queue.ts';
import { ENDPOINT, OWNER, RecordingListener } from '../support/gateway-world.ts';

it('gives a worker that broke a request off nothing for a moment, in which its end becomes known', () => {
  const clock = new ManualClock();
  const queue = new EndpointQueue(
    {
      endpointId: ENDPOINT,
      appName: 'app',
      ownerId: OWNER,
      slotsPerWorker: 1,
      requestTimeoutMs: 60_000,
      refusal: null,
    },
    {
      clock,
      listener: new RecordingListener(),
      limits: { waitingPerEndpoint: 10, restMs: 100 },
      onOver: () => undefined,
    },
  );
  const worker = (workerId: string) => ({
    workerId: workerId as WorkerId,
    revision: 1,
    address: { host: '127.0.0.1', port: 1 },
    preference: 0,
    sampleLimit: null,
    startedAtMs: 0,
  });
  queue.workerPut(worker('dying'));
  const broken = queue.enter();
  const waiting = queue.enter();
  assert.equal(broken.worker?.worker.workerId, 'dying');

  queue.release(broken, null, 'broke');
  assert.equal(waiting.worker, null, 'it is not given to the worker that just broke one off');
  queue.workerRemove('dying' as WorkerId);
  queue.workerPut(worker('new'));
  assert.equal(waiting.worker?.worker.workerId, 'new');

  const next = queue.enter();
  queue.release(waiting, null, 'broke');
  clock.advance(99);
  assert.equal(next.worker, null);
  clock.advance(1);
  assert.equal(next.worker?.worker.workerId, 'new', 'one that lives on is given requests again');
});
