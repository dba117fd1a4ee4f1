import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NOW_MS, settings, taughtLoad, world, worker } from '../sample-world.ts';
import type { WorkerView } from '../world.ts';
import { releaseIdle } from './idle-release.ts';

const GIVEN = settings({ idleTimeoutSeconds: 60 });
const idle = (id: string, sinceMs: number) => worker(id, { idleSinceMs: NOW_MS - sinceMs });
const busy = (id: string, running: number, createdAtMs = NOW_MS - 500_000) =>
  worker(id, { running, idleSinceMs: null, createdAtMs });

/** Workers, and how many were needed how long ago; the model is young, so `idle_timeout` is what counts. */
function release(
  workers: readonly WorkerView[],
  needed: number,
  neededAgo: readonly (readonly [number, number])[] = [],
) {
  const load = taughtLoad(null, 1_000, GIVEN);
  for (const [count, agoMs] of neededAgo) load.noteNeeded(count, NOW_MS - agoMs);
  return releaseIdle(world({ settings: GIVEN, workers, load }), workers, workers.length, needed, NOW_MS);
}

it('lets the longest idle go when its time is over, and says when the next one is due', () => {
  const workers = [idle('young', 10_000), idle('old', 70_000), busy('busy', 1)];
  const { drain, spare, lookAgainAtMs } = release(workers, 1);
  assert.deepEqual(
    drain.map(({ workerId }) => workerId),
    ['old'],
  );
  assert.deepEqual([spare, lookAgainAtMs], [[], NOW_MS + 50_000]);
});

it('lets none go that is needed, and no pending one live on that is not', () => {
  assert.deepEqual(release([idle('old', 70_000)], 1).drain, []);
  const pending = worker('pending', { state: 'pending', idleSinceMs: null });
  const { stop, drain } = release([pending, idle('old', 1_000)], 1);
  assert.deepEqual([stop.length, drain.length], [1, 0]);
});

it('asks a worker last when fewer were needed for long enough, though all are busy', () => {
  // Three requests at four slots a worker: one worker could hold them, and two were last needed 70 s ago.
  const workers = [busy('first', 2), busy('second', 1)];
  const { drain, spare } = release(workers, 1, [
    [2, 100_000],
    [1, 70_000],
  ]);
  assert.deepEqual([drain, spare], [[], ['second']]);
});

it('leaves busy workers alone until then, and looks again when it is time', () => {
  const workers = [busy('first', 2), busy('second', 1)];
  const { spare, lookAgainAtMs } = release(workers, 1, [
    [2, 100_000],
    [1, 20_000],
  ]);
  assert.deepEqual([spare, lookAgainAtMs], [[], NOW_MS + 40_000]);
});

it('lets a spare worker go as soon as it is idle', () => {
  const workers = [busy('first', 3), idle('second', 5)];
  const { drain } = release(workers, 1, [
    [2, 100_000],
    [1, 70_000],
  ]);
  assert.deepEqual(
    drain.map(({ workerId }) => workerId),
    ['second'],
  );
});

it('of equally busy ones asks the latest last', () => {
  const workers = [busy('old', 1, NOW_MS - 900_000), busy('new', 1, NOW_MS - 100_000), busy('mid', 1)];
  const { spare } = release(workers, 1, [
    [3, 100_000],
    [1, 70_000],
  ]);
  assert.deepEqual(spare, ['new', 'mid']);
});
