import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { NOW_MS, revision, rollout, settings, world, worker } from '../sample-world.ts';
import { giveWayAtMs, swapIsSafe, wayBackMs } from './give-way.ts';

const updating = (startTimeMs: number | null, deadlineInMs: number | null) =>
  world({
    targetRevision: 2,
    rollout: rollout({ state: 'starting', mode: 'swap' }),
    revisions: new Map([
      [1, revision(1, { startTimeMs })],
      [2, revision(2, { startTimeMs: null })],
    ]),
    waiting: deadlineInMs === null ? 0 : 1,
    waitingSinceMs: deadlineInMs === null ? [] : [NOW_MS],
    earliestDeadlineMs: deadlineInMs === null ? null : NOW_MS + deadlineInMs,
    settings: settings(),
  });
const first = worker('first', { revision: 2, state: 'starting', startedAtMs: NOW_MS, readyAtMs: null });

it('never gives way while nobody waits', () => {
  assert.equal(giveWayAtMs(updating(1_000, null), first), null);
});

it('gives way early enough for the stable revision to be back before the earliest deadline', () => {
  const given = updating(1_000, 60_000);
  const atMs = giveWayAtMs(given, first) ?? 0;
  assert.equal(NOW_MS + 60_000 - atMs, wayBackMs(given));
  assert.ok(wayBackMs(given) > 1_000);
});

it('lets the target have its expected start time first', () => {
  assert.equal(giveWayAtMs(updating(40_000, 10_000), first), NOW_MS + 50_000);
});

it('calls a swap safe only if both starts fit before every deadline', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 1, max: 300_000 }),
      (startMs, deadlineInMs) => {
        const given = updating(startMs, deadlineInMs);
        if (swapIsSafe(given, NOW_MS)) assert.ok(deadlineInMs >= 2 * startMs);
      },
    ),
  );
});
