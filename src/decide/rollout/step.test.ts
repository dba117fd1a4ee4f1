import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NOW_MS, revision, rollout, world, worker } from '../sample-world.ts';
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
