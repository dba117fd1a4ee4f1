import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NOW_MS, planOptions, revision, worker, world } from '../sample-world.ts';
import { drainCuts } from './drain-deadline.ts';

const leaving = worker('old', { state: 'draining', running: 2, drainingSinceMs: NOW_MS });
const draining = world({ workers: [leaving], options: planOptions({ drainDeadlineMs: 60_000 }) });

describe('the drain deadline', () => {
  it('closes what still runs when it comes, not before', () => {
    assert.deepEqual(drainCuts(draining, NOW_MS + 59_999), { cut: [], lookAgainAtMs: NOW_MS + 60_000 });
    const [cut] = drainCuts(draining, NOW_MS + 60_000).cut;
    assert.deepEqual([cut?.workerId, cut?.reason.code, cut?.unansweredOnly], ['old', 'drainDeadline', false]);
  });

  it('is none where it is 0, where nothing runs, and for a worker that serves', () => {
    const late = NOW_MS + 10_000_000;
    const none = { cut: [], lookAgainAtMs: null };
    assert.deepEqual(drainCuts({ ...draining, options: planOptions({ drainDeadlineMs: 0 }) }, late), none);
    assert.deepEqual(drainCuts({ ...draining, workers: [{ ...leaving, running: 0 }] }, late), none);
    assert.deepEqual(drainCuts({ ...draining, workers: [worker('w', { running: 3 })] }, late), none);
  });
});

describe('what a failed revision does not answer', () => {
  const failed = {
    ...draining,
    workers: [{ ...leaving, revision: 2 }],
    revisions: new Map([
      [1, revision(1, { startTimeMs: 4_000 })],
      [2, revision(2, { failed: true })],
    ]),
    waiting: 1,
    earliestDeadlineMs: NOW_MS + 30_000,
  };
  // A start of 4 s, a quarter more, and 3 s to hand over.
  const WAY_MS = NOW_MS + 22_000;

  it('gives way while those who wait can still be served in time', () => {
    assert.deepEqual(drainCuts(failed, WAY_MS - 1), { cut: [], lookAgainAtMs: WAY_MS });
    const [cut] = drainCuts(failed, WAY_MS).cut;
    assert.deepEqual([cut?.reason.code, cut?.unansweredOnly], ['drainGivesWay', true]);
  });

  it('keeps its place when another worker serves, when nobody waits, or when it did not fail', () => {
    for (const change of [
      { workers: [...failed.workers, worker('w')] },
      { waiting: 0, earliestDeadlineMs: null },
      { revisions: draining.revisions },
    ]) {
      assert.deepEqual(drainCuts({ ...failed, ...change }, NOW_MS + 25_000).cut, []);
    }
  });
});
