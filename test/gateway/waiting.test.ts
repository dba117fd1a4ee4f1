import assert from 'node:assert/strict';
import { AppError } from '../../src/base/errors.ts';
import type { ServerResponse } from 'node:http';
import {
  ENDPOINT,
  gatewayWorld,
  testBoth,
  readAnswer,
  reasonOf,
  type Answer,
} from '../support/gateway-world.ts';

testBoth('a request without a worker is told of in the turn in which it came', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  let told = false;
  let inTurn = false;
  world.listener.onEvent = (event) => {
    if (event.kind === 'waiting') told = true;
  };
  // Runs right after the gateway's own listener, in the same turn.
  const note = (): void => {
    inTurn = told;
  };
  if (forwarder === 'general') world.server.on('request', note);
  else world.server.on('connection', (socket) => socket.on('data', note));
  const answer = world.send('/late');
  await world.listener.seen('waiting');
  assert.equal(inTurn, true);
  world.clock.advance(1_234);
  await world.worker((request, response) => response.end(request.url));
  const { body, headers } = await answer;
  assert.equal(body, '/late');
  assert.equal(headers['x-pilotlight-wait-ms'], '1234');
  assert.equal(headers['x-pilotlight-cold-start'], 'true');
  assert.equal(headers['x-pilotlight-revision'], '1');
  const warm = await world.send('/');
  assert.equal(warm.headers['x-pilotlight-cold-start'], 'false');
  assert.equal(warm.headers['x-pilotlight-wait-ms'], '0');
});

testBoth('200 requests are served in the order in which they came', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { endpoint: { slotsPerWorker: 3 } });
  const answers: Promise<Answer>[] = [];
  for (let index = 0; index < 200; index += 1) {
    answers.push(world.send(`/${index}`));
    await world.listener.seen('waiting', index + 1);
  }
  const load = world.gateway.load(ENDPOINT);
  assert.equal(load.waiting, 200);
  assert.equal(load.earliestDeadlineMs, world.clock.nowMs() + 60_000);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  await world.worker((request, response) => {
    order.push(Number(request.url?.slice(1)));
    running += 1;
    most = Math.max(most, running);
    setImmediate(() => {
      running -= 1;
      response.end();
    });
  });
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  assert.ok(most <= 3);
  // The slots were given in order; over three connections two neighbours may arrive the other way round.
  order.forEach((index, position) =>
    assert.ok(Math.abs(index - position) < 3, `${index} came as number ${position}`),
  );
});

testBoth('a request never goes past those that wait', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const open: ServerResponse[] = [];
  const seen: string[] = [];
  await world.worker((request, response) => {
    seen.push(request.url ?? '');
    open.push(response);
  });
  const first = world.send('/first');
  await world.listener.seen('started');
  const second = world.send('/second');
  await world.listener.seen('waiting');
  const third: Promise<Answer>[] = [];
  world.listener.onEvent = (event) => {
    // In the turn in which the slot comes back, before it is given on.
    if (event.kind === 'ended' && third.length === 0) third.push(world.send('/third'));
  };
  while (open.length === 0) await new Promise((resolve) => setImmediate(resolve));
  open.shift()?.end();
  await first;
  await world.listener.seen('started', 2);
  while (seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
  open.shift()?.end();
  await second;
  while (seen.length < 3) await new Promise((resolve) => setImmediate(resolve));
  open.shift()?.end();
  await Promise.all(third);
  assert.deepEqual(seen, ['/first', '/second', '/third']);
});

testBoth('the queue is bounded and says so', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { limits: { waitingPerEndpoint: 2 } });
  const waiting = [world.send('/a'), world.send('/b')];
  await world.listener.seen('waiting', 2);
  const refused = await world.send('/c');
  assert.equal(refused.status, 429);
  assert.equal(reasonOf(refused), 'QUEUE_FULL');
  assert.equal(refused.headers['retry-after'], '1');
  await world.worker((_request, response) => response.end('ok'));
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
  assert.equal(world.listener.count('ended'), 2);
});

testBoth(
  'a request that waits past request_timeout is answered 504, in the order of the deadlines',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder, { endpoint: { requestTimeoutMs: 5_000 } });
    const first = world.send('/a');
    await world.listener.seen('waiting');
    world.clock.advance(3_000);
    const second = world.send('/b');
    await world.listener.seen('waiting', 2);
    world.clock.advance(2_000);
    const late = await first;
    assert.equal(late.status, 504);
    assert.equal(reasonOf(late), 'REQUEST_TIMEOUT_WAITING');
    assert.equal(world.gateway.load(ENDPOINT).waiting, 1);
    await world.worker((_request, response) => response.end('ok'));
    assert.equal((await second).body, 'ok');
    assert.equal(world.listener.count('gone'), 1);
    assert.deepEqual(world.outcomes, ['request_timeout_waiting', '2xx']);
  },
);

testBoth('a shorter request_timeout counts at once for those that wait', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const answer = world.send('/a');
  await world.listener.seen('waiting');
  world.put({ requestTimeoutMs: 1_000 });
  world.clock.advance(1_000);
  assert.equal((await answer).status, 504);
});

testBoth('a client that leaves while it waits leaves the queue at once', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const socket = await world.raw();
  socket.write(
    `POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer key-of-the-owner\r\nContent-Length: 5\r\n\r\nab`,
  );
  await world.listener.seen('waiting');
  socket.destroy();
  await world.listener.seen('gone');
  assert.equal(world.gateway.load(ENDPOINT).waiting, 0);
  assert.equal(world.clock.timerCount, 0);
  while (world.gateway.inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(world.outcomes, ['client_gone']);
});

testBoth('those that wait can be refused with a reason, and later ones are not', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const refused = world.send('/a');
  await world.listener.seen('waiting');
  world.gateway.waitingRefuse(ENDPOINT, new AppError('ENDPOINT_FAILED', 'The image does not start.'));
  const answer = await refused;
  assert.equal(answer.status, 503);
  assert.equal(reasonOf(answer), 'ENDPOINT_FAILED');
  const later = world.send('/b');
  await world.listener.seen('waiting', 2);
  await world.worker((_request, response) => response.end('ok'));
  assert.equal((await later).status, 200);
});

testBoth('an endpoint that refuses answers new requests with its reason', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  world.put({ refusal: new AppError('ENDPOINT_PAUSED', 'max_replicas is 0.') });
  const answer = await world.send('/');
  assert.equal(answer.status, 503);
  assert.equal(reasonOf(answer), 'ENDPOINT_PAUSED');
});

testBoth(
  'a removed endpoint refuses those that wait, lets running ones end and is unknown after',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    let finish = (): void => undefined;
    const worker = await world.worker((_request, response) => {
      response.write('a');
      finish = () => response.end('b');
    });
    const { answer } = await world.open('/running');
    const waiting = world.send('/waiting');
    await world.listener.seen('waiting');
    world.gateway.endpointRemove(
      ENDPOINT,
      new AppError('SERVERLESS_ENDPOINT_NOT_FOUND', 'The endpoint was deleted.'),
    );
    assert.equal(reasonOf(await waiting), 'SERVERLESS_ENDPOINT_NOT_FOUND');
    assert.equal(reasonOf(await world.send('/')), 'SERVERLESS_ENDPOINT_NOT_FOUND');
    world.gateway.workerDrain(ENDPOINT, worker.id);
    assert.equal(world.listener.count('drained'), 0);
    finish();
    assert.equal((await readAnswer(answer)).body, 'ab');
    await world.listener.seen('drained');
    world.gateway.workerRemove(ENDPOINT, worker.id);
    assert.equal(world.gateway.load(ENDPOINT).workers.size, 0);
  },
);

testBoth('10,000 idle endpoints hold no timers', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  for (let index = 0; index < 10_000; index += 1) {
    world.gateway.endpointPut({
      endpointId: `idle${index}` as typeof ENDPOINT,
      type: 'sync',
      appName: 'idle',
      healthCheckPath: '',
      ownerId: 'nobody' as never,
      slotsPerWorker: 1,
      requestTimeoutMs: 60_000,
      refusal: null,
    });
  }
  assert.equal(world.clock.timerCount, 0);
});
