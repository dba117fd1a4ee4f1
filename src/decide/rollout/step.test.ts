import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NOW_MS, revision, rollout, settings, world, worker } from '../sample-world.ts';
import { rolloutStep } from './step.ts';

const surging = world({
  targetRevision: 2,
  rollout: rollout({ state: 'starting', mode: 'surge' }),
  revisions: new Map([
    [1, revision(1)],
    [2, revision(2, { roomWorkers: 0 })],
  ]),
  workers: [
    worker('old', { revision: 1 }),
    worker('new', {
      revision: 2,
      state: 'pending',
      createdAtMs: NOW_MS,
      startedAtMs: null,
      readyAtMs: null,
    }),
  ],
});

it('a surge whose device was taken by somebody else does not wait for it for ever', () => {
  const soon = rolloutStep(surging, 1, NOW_MS);
  assert.equal(soon.event, null);
  assert.ok(soon.lookAgainAtMs !== null);
  const later = rolloutStep(surging, 1, soon.lookAgainAtMs);
  assert.equal(later.event, 'firstWorkerLost');
  assert.deepEqual(later.stop, ['new']);
});

it('and takes an old worker’s place instead', () => {
  const [old] = surging.workers;
  assert.ok(old !== undefined);
  const again = rolloutStep(
    { ...surging, workers: [old], rollout: rollout({ state: 'waiting', mode: 'surge' }) },
    1,
    NOW_MS,
  );
  assert.deepEqual([again.event, again.mode, again.drain], ['firstWorkerAsked', 'swap', ['old']]);
});

it('a target beside old workers that fill max_replicas and its surge takes a place instead of waiting for one', () => {
  const others = [worker('stable', { revision: 1 }), worker('superseded', { revision: 2 })];
  const crowded = world({
    settings: settings({ maxReplicas: 1 }),
    targetRevision: 3,
    rollout: rollout({ state: 'waiting' }),
    revisions: new Map([
      [1, revision(1)],
      [2, revision(2)],
      [3, revision(3, { roomWorkers: 10 })],
    ]),
    workers: others,
  });
  assert.equal(rolloutStep(crowded, 1, NOW_MS).mode, 'swap');
  assert.equal(rolloutStep({ ...crowded, workers: others.slice(0, 1) }, 1, NOW_MS).mode, 'surge');
});
