import assert from 'node:assert/strict';
import { PlannedClient, expectedOf } from '../support/same-traffic/client.ts';
import { planOf } from '../support/same-traffic/plan.ts';
import { PlannedWorker, ownAnswer } from '../support/same-traffic/worker.ts';
import { ENDPOINT, gatewayWorld, testBoth } from '../support/gateway-world.ts';
import type { WorkerId } from '../../src/base/ids.ts';

const SEED = Number(process.env['SEED'] ?? 1);
const REQUESTS = Number(process.env['PILOTLIGHT_TRAFFIC_REQUESTS'] ?? 600);
const CLIENTS = 24;
const SLOTS = 4;
const LONG_MS = 1e9;

/**
 * Requests and answers of all kinds, made from their numbers, cut into pieces anywhere, many at once over few
 * connections: every answer is held against what its number says, byte for byte. The clock stands still, so
 * whatever is forgotten stands still too.
 */
testBoth(`all of some traffic comes through unchanged (SEED=${SEED})`, async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, {
    endpoint: { slotsPerWorker: SLOTS, requestTimeoutMs: LONG_MS },
    own: ownAnswer,
    limits: {
      restMs: 1,
      connectTimeoutMs: LONG_MS,
      closeGraceMs: LONG_MS,
      discardMs: LONG_MS,
      fetchTimeoutMs: LONG_MS,
      headTimeoutMs: LONG_MS,
      idleTimeoutMs: LONG_MS,
    },
  });
  const workers = [new PlannedWorker(SLOTS), new PlannedWorker(SLOTS)];
  for (const [index, worker] of workers.entries()) {
    world.putWorker(await worker.listen(), { workerId: `planned${index}` as WorkerId });
    t.after(() => worker.close());
  }
  // A broken worker rests; each result lets enough time pass for that.
  const clients = Array.from(
    { length: CLIENTS },
    () => new PlannedClient(world.port, forwarder === 'general', () => world.clock.advance(20)),
  );
  const first = SEED * 1_000_000;
  const numbers = Array.from({ length: REQUESTS }, (_, index) => first + index);
  await Promise.all(
    clients.map((client, index) => client.run(numbers.filter((number) => number % CLIENTS === index))),
  );
  for (const client of clients) {
    for (const [number, result] of client.results) {
      const plan = planOf(number);
      const expected = expectedOf(plan);
      if (expected === 'broken') assert.match(result, /^(?:502|cut)$/, `request ${number}`);
      else assert.equal(result, expected, `request ${number}`);
    }
  }
  assert.deepEqual(
    workers.flatMap((worker) => worker.faults),
    [],
  );
  const load = world.gateway.load(ENDPOINT);
  assert.equal(load.waiting, 0);
});
