import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planEndpoint } from './endpoint-plan.ts';
import { NOW_MS, revision, rollout, settings, taughtLoad, worker, world } from './sample-world.ts';
import type { EndpointWorld } from './world.ts';

/** Two busy workers, one request that waits: a second long, so that a start of a minute is not worth it. */
function busyWorld(change: Partial<EndpointWorld>): EndpointWorld {
  const given = settings({ maxReplicas: 3, maxConcurrentPerWorker: 1 });
  return world({
    settings: given,
    waiting: 1,
    load: taughtLoad(1_000, 60_000, given),
    revisions: new Map([
      [1, revision(1)],
      [2, revision(2)],
    ]),
    ...change,
  });
}

const OLD = [worker('old1', { running: 1 }), worker('old2', { running: 1 })];

test('a first worker beside the old ones is no reason to start another old one', () => {
  assert.deepEqual(planEndpoint(busyWorld({ workers: OLD }), NOW_MS).workers.start, []);
  for (const state of ['starting', 'ready'] as const) {
    const plan = planEndpoint(
      busyWorld({
        workers: [...OLD, worker('new', { revision: 2, state })],
        targetRevision: 2,
        rollout: rollout({ state: state === 'ready' ? 'baking' : 'starting', mode: 'surge' }),
      }),
      NOW_MS,
    );
    assert.deepEqual(plan.workers.start, [], state);
  }
});

test('requests that the first worker has are no reason to start an old one either', () => {
  const plan = planEndpoint(
    busyWorld({
      waiting: 0,
      waitingSinceMs: [],
      workers: [...OLD, worker('new', { revision: 2, running: 1 })],
      targetRevision: 2,
      rollout: rollout({ state: 'baking', mode: 'surge' }),
    }),
    NOW_MS,
  );
  assert.deepEqual([plan.need.workers, plan.workers.start], [2, []]);
});

// The model of its load takes ten times the memory of all else that an endpoint has.
test('an endpoint that nobody asks for is decided without a look at its load', () => {
  const asleep: EndpointWorld = {
    ...world(),
    get load(): never {
      throw new Error('its load was looked at');
    },
  };
  assert.deepEqual(planEndpoint(asleep, NOW_MS).workers.start, []);
  assert.throws(
    () => planEndpoint(Object.defineProperty(asleep, 'waiting', { value: 1 }), NOW_MS),
    /looked at/,
  );
});
