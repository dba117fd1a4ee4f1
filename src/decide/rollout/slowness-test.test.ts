import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, type Random } from '../../base/random.ts';
import { EVIDENCE_LIMIT } from './guard.ts';
import { SlownessTest } from './slowness-test.ts';

interface Times {
  /** How many times longer the target takes. */
  readonly factor: number;
  /** Spread of the logarithm: 0 is a constant time, 1 spans a factor of 7 to either side. */
  readonly spread: number;
  readonly remembered: number;
  readonly beside: number;
}

/** Lognormal around 100 ms. */
function drawMs(spread: number, random: Random): number {
  let sum = 0;
  for (let count = 0; count < 12; count += 1) sum += random.next();
  return 100 * Math.exp(spread * (sum - 6));
}

function trips({ factor, spread, remembered, beside }: Times, trials: number, length: number): number {
  const random = seededRandom(7);
  let found = 0;
  for (let trial = 0; trial < trials; trial += 1) {
    const draw = () => ({ ms: drawMs(spread, random), beside: 1 });
    const test = new SlownessTest(1.5, Array.from({ length: remembered }, draw));
    for (let count = 0; count < length; count += 1) {
      for (let other = 0; other < beside; other += 1) test.stable(drawMs(spread, random), 1);
      test.target(factor * drawMs(spread, random), 1);
      if (test.value < EVIDENCE_LIMIT) continue;
      found += 1;
      break;
    }
  }
  return found;
}

describe('a target as fast as the stable revision', () => {
  for (const spread of [0, 0.2, 0.5, 1, 2]) {
    for (const [remembered, beside] of [
      [500, 0],
      [50, 1],
      [5, 1],
      [300, 7],
    ] as const) {
      it(`trips in at most 0.4 % of 500 rollouts: spread ${spread}, ${remembered} remembered, ${beside} beside`, () => {
        const found = trips({ factor: 1, spread, remembered, beside }, 500, 100);
        assert.ok(found <= 2, `${found} of 500`);
      });
    }
  }

  it('trips no more where it is slower by less than the factor', () => {
    assert.equal(trips({ factor: 1.3, spread: 0.2, remembered: 300, beside: 1 }, 200, 100), 0);
  });
});

describe('a target three times slower', () => {
  for (const [spread, requests] of [
    [0.1, 8],
    [0.5, 20],
    [1, 80],
  ] as const) {
    it(`is found in 9 of 10 rollouts within ${requests} requests where times spread by ${spread}`, () => {
      const found = trips({ factor: 3, spread, remembered: 500, beside: 1 }, 200, requests);
      assert.ok(found >= 180, `${found} of 200`);
    });
  }
});

it('compares with requests that ran beside as many others, or more', () => {
  const remembered = Array.from({ length: 200 }, (_, index) => ({
    ms: index % 2 === 0 ? 100 : 400,
    beside: index % 2 === 0 ? 1 : 4,
  }));
  const crowded = new SlownessTest(1.5, remembered);
  for (let count = 0; count < 50; count += 1) crowded.target(420, 4);
  assert.ok(crowded.value < 3, `under load it is as fast: ${crowded.value}`);
  const between = new SlownessTest(1.5, remembered);
  for (let count = 0; count < 50; count += 1) between.target(420, 2);
  assert.ok(
    between.value < 3,
    `held against the higher load, where its own was never seen: ${between.value}`,
  );
  const alone = new SlownessTest(1.5, remembered);
  for (let count = 0; count < 10; count += 1) alone.target(420, 1);
  assert.ok(alone.value >= EVIDENCE_LIMIT, `alone it is slower: ${alone.value}`);
});

it('is not silenced by one quick answer, nor alarmed by milliseconds', () => {
  const remembered = Array.from({ length: 200 }, () => ({ ms: 100, beside: 1 }));
  const test = new SlownessTest(1.5, remembered);
  test.target(1, 1);
  for (let count = 0; count < 12; count += 1) test.target(300, 1);
  assert.ok(test.value >= EVIDENCE_LIMIT, String(test.value));
  const quick = new SlownessTest(
    1.5,
    remembered.map(() => ({ ms: 2, beside: 1 })),
  );
  for (let count = 0; count < 50; count += 1) quick.target(19, 1);
  assert.ok(quick.value < 1, String(quick.value));
});

it('has no opinion without a time of the stable revision', () => {
  const test = new SlownessTest(1.5, []);
  for (let count = 0; count < 50; count += 1) test.target(1_000 * count, 1);
  assert.deepEqual([test.tested, test.value], [0, 1]);
});
