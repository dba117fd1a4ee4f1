import assert from 'node:assert/strict';
import { AppError } from '../../src/base/errors.ts';
import { ENDPOINT, gatewayWorld, testBoth, type RecordedArrival } from '../support/gateway-world.ts';

type Shown = Omit<RecordedArrival, 'endpointId' | 'endedAtMs'>;

function shown({ waitMs, runMs, sizeClass, outcome }: RecordedArrival): Shown {
  return { waitMs, runMs, sizeClass, outcome };
}

testBoth(
  'a request is taken down with its wait, its run, the class of its body and how it ended',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const held = Promise.withResolvers<void>();
    const asked = world.send('/slow?secret=1', { body: 'x'.repeat(1_000) });
    await world.listener.seen('waiting');
    world.clock.advance(1_500);
    await world.worker((request, response) => {
      request.resume();
      void held.promise.then(() => response.end('done'));
    });
    await world.listener.seen('started');
    world.clock.advance(700);
    held.resolve();
    assert.equal((await asked).status, 200);
    await world.listener.seen('ended');
    assert.deepEqual(world.arrivals, [
      {
        endpointId: ENDPOINT,
        endedAtMs: world.clock.nowMs(),
        waitMs: 1_500,
        runMs: 700,
        sizeClass: 10,
        outcome: 'answered',
      },
    ]);
  },
);

testBoth('a body without a length counts by what was read of it', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((request, response) => {
    request.resume().on('end', () => response.end());
  });
  const headers = { 'transfer-encoding': 'chunked' };
  assert.equal((await world.send('/', { body: 'x'.repeat(70_000), headers })).status, 200);
  await world.listener.seen('ended');
  assert.deepEqual(world.arrivals.map(shown), [{ waitMs: 0, runMs: 0, sizeClass: 17, outcome: 'answered' }]);
});

testBoth('each way to end has its name', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { limits: { waitingPerEndpoint: 1 } });
  const last = async (count: number): Promise<Shown> => {
    const arrival = world.arrivals[count - 1];
    assert.equal(world.arrivals.length, count);
    return arrival === undefined ? assert.fail() : shown(arrival);
  };
  const plain = { waitMs: 0, runMs: 0, sizeClass: 0 };

  const waiting = world.send('/');
  await world.listener.seen('waiting');
  assert.equal((await world.send('/')).status, 429);
  assert.deepEqual(await last(1), { ...plain, outcome: 'refused' });
  world.clock.advance(60_000);
  assert.equal((await waiting).status, 504);
  assert.deepEqual(await last(2), { ...plain, waitMs: 60_000, outcome: 'timedOutWaiting' });

  world.put({ refusal: new AppError('ENDPOINT_PAUSED', 'paused') });
  assert.equal((await world.send('/')).status, 503);
  assert.deepEqual(await last(3), { ...plain, outcome: 'refused' });
  world.put();

  const worker = await world.worker((request, response) => {
    if (request.url === '/fails') response.writeHead(500).end();
    else if (request.url === '/breaks') request.socket.destroy();
  });
  assert.equal((await world.send('/fails')).status, 500);
  assert.deepEqual(await last(4), { ...plain, outcome: 'failed' });
  assert.equal((await world.send('/breaks')).status, 502);
  assert.deepEqual(await last(5), { ...plain, outcome: 'broke' });

  world.gateway.workerRemove(ENDPOINT, worker.id);
  await world.worker(() => undefined);
  const hanging = world.send('/hangs');
  await world.listener.seen('started', 3);
  world.clock.advance(60_000);
  assert.equal((await hanging).status, 504);
  await world.listener.seen('ended', 3);
  assert.deepEqual(await last(6), { ...plain, runMs: 60_000, outcome: 'timedOutRunning' });
});

testBoth(
  'a request that has no right to be here, or leads nowhere, is not taken down',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    assert.equal((await world.send('/', { headers: { authorization: 'Bearer nobody' } })).status, 401);
    assert.equal((await world.send('/', { path: '/e/nowhere/' })).status, 404);
    assert.deepEqual(world.arrivals, []);
  },
);
