import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  guardReport,
  NOW_MS,
  planOptions,
  revision,
  rollout,
  settings,
  world,
  worker,
} from '../sample-world.ts';
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

it('a first worker that runs already, from before the server died, is not asked for again', () => {
  const { event, mode, startTarget } = rolloutStep(
    { ...surging, rollout: rollout({ state: 'waiting' }) },
    1,
    NOW_MS,
  );
  assert.deepEqual([event, mode, startTarget], ['firstWorkerAsked', 'surge', false]);
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

const proving = world({
  targetRevision: 2,
  rollout: rollout({ state: 'baking', mode: 'surge' }),
  revisions: new Map([
    [1, revision(1)],
    [2, revision(2)],
  ]),
  workers: [worker('old'), worker('new', { revision: 2, readyAtMs: NOW_MS })],
  guard: guardReport(),
});
const LATE_MS = NOW_MS + 10_000;
const doubtful = guardReport({
  doubtful: true,
  target: { answered: 2, ended: 2, failed: 1, unanswered: 0, deaths: 0 },
});

describe('a proof', () => {
  it('ends by time, or by answers', () => {
    const soon = rolloutStep(proving, 1, NOW_MS + 9_999);
    assert.deepEqual([soon.event, soon.lookAgainAtMs], [null, LATE_MS]);
    assert.equal(rolloutStep(proving, 1, LATE_MS).event, 'proven');
    const guard = guardReport({ target: { ...guardReport().target, answered: 20 } });
    assert.equal(rolloutStep({ ...proving, guard }, 1, NOW_MS).event, 'proven');
  });

  it('goes on for ten times as long while something speaks against the target, and no longer', () => {
    const held = rolloutStep({ ...proving, guard: doubtful }, 1, LATE_MS);
    assert.deepEqual([held.event, held.lookAgainAtMs], [null, NOW_MS + 100_000]);
    assert.match(held.message, /being proven for longer: 1 of 2 requests failed/);
    assert.equal(rolloutStep({ ...proving, guard: doubtful }, 1, NOW_MS + 100_000).event, 'proven');
  });

  it('is lost where no more requests come and chance explains the failures badly', () => {
    const guard = { ...doubtful, failing: true };
    assert.equal(rolloutStep({ ...proving, guard }, 1, NOW_MS + 99_999).event, null);
    assert.equal(rolloutStep({ ...proving, guard }, 1, NOW_MS + 100_000).event, 'gaveUp');
  });

  it('ends at once by the verdict, also of a paused rollout, and not of a promoted one', () => {
    const guard = guardReport({ tripped: 'it is bad' });
    const step = rolloutStep({ ...proving, guard }, 1, NOW_MS);
    assert.deepEqual([step.event, step.message, step.stop], ['gaveUp', 'it is bad', ['new']]);
    const asked = (order: 'pause' | 'promote') =>
      rolloutStep({ ...proving, guard, rollout: rollout({ state: 'baking', order }) }, 1, NOW_MS).event;
    assert.deepEqual([asked('pause'), asked('promote')], ['gaveUp', 'proven']);
  });

  it('looks again when the patience with an unanswered request ends', () => {
    const guard = guardReport({ patienceEndsAtMs: NOW_MS + 3_000 });
    assert.equal(rolloutStep({ ...proving, guard }, 1, NOW_MS).lookAgainAtMs, NOW_MS + 3_000);
  });

  it('of a first step of several workers begins when all of it stands', () => {
    const options = planOptions({ firstStep: 2 });
    assert.equal(rolloutStep({ ...proving, options }, 1, LATE_MS).event, null);
    const second = worker('second', { revision: 2, readyAtMs: NOW_MS + 5_000 });
    const whole = { ...proving, options, workers: [...proving.workers, second] };
    assert.equal(rolloutStep(whole, 1, LATE_MS).lookAgainAtMs, NOW_MS + 15_000);
    assert.equal(rolloutStep(whole, 1, NOW_MS + 15_000).event, 'proven');
  });
});

describe('the replacement of old workers', () => {
  const starting = worker('second', {
    revision: 2,
    state: 'starting',
    startedAtMs: NOW_MS - 1_000,
    readyAtMs: null,
  });
  const inLine = { ...starting, state: 'pending', startedAtMs: null, createdAtMs: NOW_MS } as const;
  const last = worker('last', { state: 'stopping' });
  const ready = proving.workers.slice(1);
  const step = (workers: typeof proving.workers, workersBefore = 2, nowMs = NOW_MS) =>
    rolloutStep({ ...proving, rollout: rollout({ state: 'rolling', workersBefore }), workers }, 1, nowMs);
  const { startDeadlineMs } = proving.options;

  it('is not over while the successor of the last one starts, or waits for its devices', () => {
    const deadlineMs = NOW_MS - 1_000 + startDeadlineMs;
    const held = step([...ready, starting]);
    assert.deepEqual([held.event, held.lookAgainAtMs], [null, deadlineMs]);
    assert.equal(step([...ready, starting], 2, deadlineMs).event, 'finished');
    const swapping = step([...ready, inLine, last]);
    assert.deepEqual([swapping.event, swapping.lookAgainAtMs], [null, NOW_MS + startDeadlineMs]);
  });

  it('does not wait for workers beyond their number, or for devices that others hold', () => {
    assert.equal(step([...ready, starting], 1).event, 'finished');
    assert.equal(step([...ready, inLine]).event, 'finished');
    assert.equal(step(ready).event, 'finished');
  });
});

describe('a watch', () => {
  const alone = {
    ...proving,
    rollout: rollout({ state: 'watching', stateSinceMs: NOW_MS }),
    workers: proving.workers.slice(1),
  };

  it('ends after its time, later with a doubt, and by the verdict', () => {
    assert.equal(rolloutStep(alone, 1, NOW_MS + 59_999).event, null);
    assert.equal(rolloutStep(alone, 1, NOW_MS + 60_000).event, 'watched');
    assert.equal(rolloutStep({ ...alone, guard: doubtful }, 1, NOW_MS + 60_000).event, null);
    assert.equal(rolloutStep({ ...alone, guard: doubtful }, 1, NOW_MS + 600_000).event, 'watched');
    const guard = guardReport({ tripped: 'it is bad' });
    assert.equal(rolloutStep({ ...alone, guard }, 1, NOW_MS).event, 'gaveUp');
  });
});

it('an abort goes back from every state that is not over', () => {
  for (const state of ['waiting', 'starting', 'baking', 'rolling', 'watching'] as const) {
    const step = rolloutStep({ ...proving, rollout: rollout({ state, order: 'abort' }) }, 1, NOW_MS);
    assert.deepEqual([step.event, step.stop], ['abortAsked', ['new']], state);
  }
});
