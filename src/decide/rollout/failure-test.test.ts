import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, type Random } from '../../base/random.ts';
import { FailureTest } from './failure-test.ts';
import { EVIDENCE_LIMIT } from './guard.ts';

interface Streams {
  readonly stable: number;
  readonly target: number;
  readonly remembered: number;
  /** Outcomes of the stable revision beside each of the target. */
  readonly beside: number;
}

/** The number of target outcomes after which the evidence is enough; null: never within `length`. */
function detection({ stable, target, remembered, beside }: Streams, length: number, random: Random) {
  const failed = (share: number): boolean => random.next() < share;
  const test = new FailureTest(Array.from({ length: remembered }, () => failed(stable)));
  for (let count = 1; count <= length; count += 1) {
    for (let other = 0; other < beside; other += 1) test.stable(failed(stable));
    test.target(failed(target));
    if (test.value() >= EVIDENCE_LIMIT) return count;
  }
  return null;
}

/** Trials with fixed seeds: the same numbers on every machine. */
function detections(streams: Streams, trials: number, length: number): (number | null)[] {
  const random = seededRandom(42);
  return Array.from({ length: trials }, () => detection(streams, length, random));
}

describe('a target as good as the stable revision', () => {
  for (const share of [0, 0.001, 0.01, 0.05, 0.3]) {
    for (const [remembered, beside] of [
      [1_000, 0],
      [200, 1],
      [20, 1],
      [500, 7],
    ] as const) {
      it(`trips in at most 0.4 % of 1000 rollouts: ${share} fail, ${remembered} remembered, ${beside} beside`, () => {
        const found = detections({ stable: share, target: share, remembered, beside }, 1_000, 200);
        const trips = found.filter((count) => count !== null).length;
        assert.ok(trips <= 4, `${trips} of 1000`);
      });
    }
  }

  it('and a better one still less', () => {
    const found = detections({ stable: 0.3, target: 0.1, remembered: 500, beside: 1 }, 500, 200);
    assert.equal(found.filter((count) => count !== null).length, 0);
  });
});

describe('a target that fails', () => {
  it('always is found by its fifth outcome at the latest, with some history of the stable one', () => {
    const found = detections({ stable: 0, target: 1, remembered: 500, beside: 0 }, 1, 20);
    assert.ok((found[0] ?? Infinity) <= 5, String(found[0]));
  });

  it('always is found without any outcome of the stable one', () => {
    const test = new FailureTest([]);
    for (let count = 0; count < 5; count += 1) test.target(true);
    assert.ok(test.value() >= EVIDENCE_LIMIT, String(test.value()));
  });

  it('in 5 of 100 cases is found in 9 of 10 rollouts within 250 outcomes', () => {
    for (const [remembered, beside] of [
      [1_000, 0],
      [1_000, 1],
      [500, 7],
    ] as const) {
      const found = detections({ stable: 0, target: 0.05, remembered, beside }, 300, 250);
      const hits = found.filter((count) => count !== null).length;
      assert.ok(hits >= 270, `${hits} of 300 with ${remembered} and ${beside}`);
    }
  });
});

it('counts requests that hang as if they had failed, without keeping it', () => {
  const test = new FailureTest(Array.from({ length: 500 }, () => false));
  const before = test.value();
  assert.ok(test.value(4) >= EVIDENCE_LIMIT, String(test.value(4)));
  assert.equal(test.value(), before);
});
