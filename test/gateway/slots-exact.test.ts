import assert from 'node:assert/strict';
import { request as httpRequest, type RequestListener } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { seededRandom } from '../../src/base/random.ts';
import { ENDPOINT, KEY, gatewayWorld, testBoth, type GatewayWorld } from '../support/gateway-world.ts';

/** Counts a request as running until its answer has ended or its connection has closed. */
function countingWorker(): {
  handler: RequestListener;
  most: () => number;
  finishOne: () => boolean;
  served: () => number;
} {
  let running = 0;
  let most = 0;
  let served = 0;
  const open = new Set<() => void>();
  return {
    handler(request, response) {
      running += 1;
      served += 1;
      most = Math.max(most, running);
      const over = (): void => {
        if (open.delete(finish)) running -= 1;
      };
      const finish = (): void => {
        if (!response.writableEnded) response.end('done');
      };
      open.add(finish);
      response.once('finish', over);
      response.once('close', over);
      request.resume();
      response.write('begun ');
    },
    most: () => most,
    served: () => served,
    finishOne() {
      const [first] = open;
      first?.();
      return first !== undefined;
    },
  };
}

interface Sender {
  readonly ended: Promise<'answered' | 'left'>;
  leave(): void;
}

function send(world: GatewayWorld, body: string | undefined): Sender {
  const request = httpRequest({
    host: '127.0.0.1',
    port: world.port,
    path: `/e/${ENDPOINT}/`,
    method: body === undefined ? 'GET' : 'POST',
    agent: false,
    headers: { authorization: `Bearer ${KEY}` },
  });
  const ended = new Promise<'answered' | 'left'>((resolve) => {
    request.on('response', (answer) => {
      answer.on('end', () => {
        resolve('answered');
      });
      answer.on('error', () => {
        resolve('left');
      });
      answer.resume();
    });
    request.on('error', () => {
      resolve('left');
    });
  });
  request.end(body);
  return {
    ended,
    leave() {
      request.destroy();
    },
  };
}

for (const slots of [1, 4]) {
  testBoth(
    `a worker never sees more than ${slots} requests, with 64 clients that leave at random`,
    async (t, forwarder) => {
      const world = await gatewayWorld(t, forwarder, { endpoint: { slotsPerWorker: slots } });
      const worker = countingWorker();
      await world.worker(worker.handler);
      const random = seededRandom(slots);
      const senders: Sender[] = [];
      for (let round = 0; round < 6; round += 1) {
        const batch: Sender[] = [];
        for (let index = 0; index < 64; index += 1) {
          batch.push(
            send(world, random.next() < 0.5 ? undefined : 'x'.repeat(Math.floor(random.next() * 200_000))),
          );
        }
        senders.push(...batch);
        // Some leave while they wait, some while they run; then the rest are finished one by one.
        for (const sender of batch) {
          if (random.next() < 0.6) {
            await new Promise((resolve) => setImmediate(resolve));
            sender.leave();
          }
          if (random.next() < 0.3) worker.finishOne();
        }
        let open = batch.length;
        for (const sender of batch) void sender.ended.then(() => (open -= 1));
        while (open > 0) {
          worker.finishOne();
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      await Promise.all(senders.map((sender) => sender.ended));
      while (world.gateway.inFlight > 0) {
        worker.finishOne();
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(worker.most(), slots);
      const load = world.gateway.load(ENDPOINT);
      assert.equal(load.running, 0);
      assert.equal(load.waiting, 0);
      const admitted = world.listener.count('ended') + world.listener.count('gone');
      assert.equal(admitted, world.outcomes.length);
      assert.ok(world.listener.outcomes().some((outcome) => outcome.end === 'clientGone'));
      assert.ok(world.listener.outcomes().some((outcome) => outcome.end === 'complete'));
    },
  );
}

testBoth(
  'the slot of a client that left is held until the worker has closed its side',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const arrived: (() => void)[] = [];
    let closeWorkerSide = (): void => undefined;
    // Keeps its side open after the client's end, as a worker does that is busy and looks later.
    const busy = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => arrived.shift()?.());
      closeWorkerSide = () => {
        socket.end();
      };
    });
    busy.listen(0, '127.0.0.1');
    await new Promise((resolve) => busy.once('listening', resolve));
    t.after(() => busy.close());
    const { port } = busy.address() as { port: number };

    const firstArrived = new Promise<void>((resolve) => arrived.push(resolve));
    world.putWorker(port);
    const first = send(world, undefined);
    await firstArrived;
    const second = send(world, undefined);
    await world.listener.seen('waiting');
    first.leave();
    assert.equal(await first.ended, 'left');
    // The gateway has seen the client leave once it counts no more waiting time for it; its side is still held.
    for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(world.gateway.load(ENDPOINT).waiting, 1);
    assert.equal(world.listener.count('ended'), 0);

    const secondArrived = new Promise<void>((resolve) => arrived.push(resolve));
    closeWorkerSide();
    await secondArrived;
    assert.equal(world.listener.outcomes()[0]?.end, 'clientGone');
    second.leave();
    // This one never closes: after the grace it is reset, and the slot comes back.
    await second.ended;
    for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(world.listener.count('ended'), 1);
    world.clock.advance(world.gateway.limits.closeGraceMs);
    await world.listener.seen('ended', 2);
    assert.equal(world.gateway.load(ENDPOINT).running, 0);
  },
);

testBoth(
  'the slot comes back also when a worker reads nothing of an upload that ran out of time',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const sockets: Socket[] = [];
    const stuck = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => undefined);
      sockets.push(socket);
    });
    stuck.listen(0, '127.0.0.1');
    await new Promise((resolve) => stuck.once('listening', resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      stuck.close();
    });
    world.putWorker((stuck.address() as { port: number }).port);
    const client = await world.raw();
    client.write(
      `POST /e/${ENDPOINT}/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nContent-Length: 900000000\r\n\r\n`,
    );
    // Until nothing moves any more: all buffers on the way are full.
    const chunk = Buffer.alloc(1_000_000);
    while (client.write(chunk) || (await drained(client)));
    world.clock.advance(60_000);
    // The end of our side cannot be sent behind all that waits to be sent.
    for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(world.listener.count('ended'), 0);
    world.clock.advance(world.gateway.limits.closeGraceMs);
    await world.listener.seen('ended');
    assert.equal(world.listener.outcomes()[0]?.end, 'timeout');
  },
);

/** Whether the connection takes more within many turns of the event loop. */
async function drained(socket: Socket): Promise<boolean> {
  let more = false;
  socket.once('drain', () => (more = true));
  for (let turns = 0; turns < 2_000 && !more; turns += 1)
    await new Promise((resolve) => setImmediate(resolve));
  return more;
}
