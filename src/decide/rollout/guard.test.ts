import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/random.ts';
import { rolloutOptions } from '../sample-world.ts';
import type { GuardReport } from '../../model/guard-report.ts';
import { RolloutGuard, type GuardMoment } from './guard.ts';
import { RevisionFigures } from './revision-figures.ts';

const NOW_MS = 1_000_000;
const MOMENT: GuardMoment = {
  nowMs: NOW_MS,
  unansweredSinceMs: [],
  targetExposureMs: 10_000,
  stableExposureMs: 3_600_000,
};

class Pair {
  readonly target = new RevisionFigures(2);
  readonly stable = new RevisionFigures(1);
  readonly guard: RolloutGuard;

  constructor(
    remembered: number,
    change: Partial<ReturnType<typeof rolloutOptions>['guard']> = {},
    ms = 100,
  ) {
    for (let count = 0; count < remembered; count += 1) {
      this.stable.answer({ ms, beside: 1 });
      this.stable.outcome(false);
    }
    const options = { ...rolloutOptions().guard, ...change };
    this.guard = new RolloutGuard('rollout', options, this.target, this.stable);
  }

  request(revision: 1 | 2, failed: boolean, ms = 100): void {
    const figures = revision === 2 ? this.target : this.stable;
    figures.answer({ ms, beside: 1 });
    this.guard.time(revision, { ms, beside: 1 });
    figures.outcome(failed);
    this.guard.outcome(revision, failed);
  }

  report(change: Partial<GuardMoment> = {}): GuardReport {
    return this.guard.report({ ...MOMENT, ...change });
  }
}

it('has nothing to say of a target that answers as the stable revision does', () => {
  const pair = new Pair(100);
  for (let count = 0; count < 100; count += 1) {
    pair.request(1, false);
    pair.request(2, false);
  }
  const { tripped, doubtful, failing } = pair.report();
  assert.deepEqual([tripped, doubtful, failing], [null, false, false]);
});

it('trips on failures, with the figures of both', () => {
  const pair = new Pair(500);
  for (let count = 0; count < 5; count += 1) pair.request(2, true);
  assert.match(pair.report().tripped ?? '', /5 of 5 requests failed .* on the stable revision 0 of 500 did/);
});

it('asks for the wanted number of failures first, and doubts meanwhile', () => {
  const pair = new Pair(500, { minFailures: 6 });
  for (let count = 0; count < 5; count += 1) pair.request(2, true);
  assert.equal(pair.report().tripped, null);
  assert.equal(pair.report().doubtful, true);
  pair.request(2, true);
  assert.notEqual(pair.report().tripped, null);
});

it('trips on slowness', () => {
  const pair = new Pair(100);
  for (let count = 0; count < 10; count += 1) pair.request(2, false, 300);
  assert.match(pair.report().tripped ?? '', /slower: 300 ms .* against 100 ms/);
});

it('says nothing when it is off', () => {
  const pair = new Pair(100, { enabled: false });
  for (let count = 0; count < 20; count += 1) pair.request(2, true, 900);
  pair.target.deaths = 5;
  const { tripped, doubtful, failing, target } = pair.report();
  assert.deepEqual([tripped, doubtful, failing, target.failed], [null, false, false, 20]);
});

describe('requests without a first byte', () => {
  it('count as failed when they run far beyond the usual', () => {
    const pair = new Pair(500, {}, 2_000);
    const sinceMs = NOW_MS - 10_001;
    const early = pair.report({
      nowMs: NOW_MS - 100,
      unansweredSinceMs: Array.from({ length: 4 }, () => sinceMs),
    });
    assert.equal(early.tripped, null);
    assert.equal(early.patienceEndsAtMs, sinceMs + 10_000);
    const late = pair.report({ unansweredSinceMs: Array.from({ length: 4 }, () => sinceMs) });
    assert.match(late.tripped ?? '', /it answered none of its 4 requests/);
  });

  it('and are forgiven when they are answered after all', () => {
    const pair = new Pair(500);
    assert.equal(pair.report({ unansweredSinceMs: [NOW_MS - 6_000] }).doubtful, true);
    pair.request(2, false);
    assert.equal(pair.report().doubtful, false);
  });

  it('leave a doubt while nothing at all was answered', () => {
    const pair = new Pair(0);
    assert.equal(pair.report({ unansweredSinceMs: [NOW_MS - 1] }).doubtful, true);
    assert.equal(pair.report({ unansweredSinceMs: [NOW_MS - 1] }).patienceEndsAtMs, null);
  });
});

describe('deaths', () => {
  it('trip from the second on', () => {
    const pair = new Pair(100);
    pair.target.deaths = 1;
    assert.equal(pair.report().tripped, null);
    assert.equal(pair.report().doubtful, true);
    pair.target.deaths = 2;
    assert.match(pair.report().tripped ?? '', /2 of its workers died within 10.0 s of service/);
  });

  it('are forgotten when it has served for long after one', () => {
    const pair = new Pair(100);
    pair.target.deaths = 1;
    assert.equal(pair.report({ targetExposureMs: 7_200_000 }).doubtful, false);
  });
});

it('a few failures among few requests count when no more come, unless the stable revision has them too', () => {
  const pair = new Pair(100);
  pair.request(2, true);
  pair.request(2, true);
  assert.deepEqual([pair.report().tripped, pair.report().failing], [null, true]);
  const alike = new Pair(0);
  for (let count = 0; count < 50; count += 1) alike.request(1, count % 2 === 0);
  alike.request(2, true);
  alike.request(2, true);
  assert.deepEqual([alike.report().doubtful, alike.report().failing], [false, false]);
});

it('returns at most 1 in 100 of 1000 rollouts to a revision of the same quality, over all signals together', () => {
  const random = seededRandom(2024);
  let trips = 0;
  for (let trial = 0; trial < 1_000; trial += 1) {
    const share = [0, 0.01, 0.05, 0.2][trial % 4] ?? 0;
    const draw = () => 20 + 400 * random.next() ** 3;
    const pair = new Pair(0);
    for (let count = 0; count < 20 + (trial % 200); count += 1)
      pair.request(1, random.next() < share, draw());
    for (let count = 0; count < 150; count += 1) {
      if (trial % 3 !== 0) pair.request(1, random.next() < share, draw());
      pair.request(2, random.next() < share, draw());
      if (pair.report().tripped === null) continue;
      trips += 1;
      break;
    }
  }
  assert.ok(trips <= 10, `${trips} of 1000`);
});
