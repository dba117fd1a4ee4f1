import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { DemandLevels, GAP_EDGES_MS } from './demand-levels.ts';
import { IDLE_KEEP_MAX_MS } from './idle-keep.ts';
import { levelWorth, type WorthFactors } from './level-worth.ts';

const FACTORS: WorthFactors = {
  startMs: 10_000,
  serviceTimeMs: 2_000,
  arrivalRate: 0,
  price: 4,
  idleLimitMs: 1_000_000,
};

/** `times` needs of the second level, each of 4 s, with gaps of this length. */
function secondLevel(times: number, gapMs: number): DemandLevels {
  const levels = new DemandLevels(1, FACTORS.startMs);
  levels.more(0);
  for (let need = 0; need < times; need += 1) {
    const atMs = need * (4_000 + gapMs);
    levels.more(atMs);
    levels.fewer(atMs + 4_000);
  }
  return levels;
}

it('counts the gaps of a level', () => {
  const { gapCount, gapSumMs } = secondLevel(5, 1_000).level(2);
  const bin = GAP_EDGES_MS.findIndex((edge) => edge >= 1_000);
  assert.deepEqual([gapCount[bin], gapSumMs[bin]], [4, 4_000]);
});

it('counts what a level used from a need on, until a worker would be ready and as long again', () => {
  // Of every 5 s 4 are used: in windows of twice 10 s four needs begin; the last window is not over.
  const { windows, usedEarlyMs, usedLateMs } = secondLevel(13, 1_000).level(2);
  assert.deepEqual([windows, usedEarlyMs, usedLateMs], [3, 3 * 8_000, 3 * 8_000]);
});

it('ends a window though the need goes on', () => {
  const levels = new DemandLevels(1, 1_000);
  levels.more(0);
  levels.fewer(1_500);
  levels.more(4_000);
  const { windows, usedEarlyMs, usedLateMs } = levels.level(1);
  assert.deepEqual([windows, usedEarlyMs, usedLateMs], [1, 1_000, 500]);
});

it('has levels of as many slots as a worker has', () => {
  const levels = new DemandLevels(4, 1_000);
  for (let request = 0; request < 5; request += 1) levels.more(request);
  assert.deepEqual([levels.level(1).inUse, levels.level(2).inUse], [4, 1]);
  levels.fewer(10);
  assert.deepEqual([levels.level(1).inUse, levels.level(2).inUse], [4, 0]);
});

it('takes levels above the last for the last, without growing', () => {
  const levels = new DemandLevels(1, 1_000);
  for (let request = 0; request < 400; request += 1) levels.more(request);
  for (let request = 0; request < 400; request += 1) levels.fewer(1_000 + request);
  assert.equal(levels.level(400), levels.level(128));
});

it('keeps a worker through short gaps and not through long ones', () => {
  const short = levelWorth(2, secondLevel(40, 1_000), FACTORS);
  assert.ok(short.keepMs >= 1_000 && short.keepSaves > 0);
  const long = levelWorth(2, secondLevel(40, 600_000), FACTORS);
  assert.equal(long.keepMs, 0);
  assert.equal(long.keepSaves, 0);
});

it('keeps the first worker of an unknown endpoint for a while, shorter than a wake costs', () => {
  const { keepMs, missingCost } = levelWorth(1, new DemandLevels(1, 10_000), FACTORS);
  assert.equal(missingCost, 10_000 + 4 * 10_000);
  assert.ok(keepMs > 0 && keepMs < missingCost, `${keepMs}`);
});

it('keeps no longer than the idle time-out, and does not hold where that would not reach', () => {
  const levels = secondLevel(40, 20_000);
  const { keepMs } = levelWorth(2, levels, { ...FACTORS, price: 16 });
  assert.ok(keepMs >= 20_000);
  assert.equal(levelWorth(2, levels, { ...FACTORS, price: 16, idleLimitMs: 5_000 }).keepMs, 0);
  const cut = levelWorth(2, levels, { ...FACTORS, price: 16, idleLimitMs: 21_000 });
  assert.ok(cut.keepMs <= 21_000);
});

it('keeps beyond 1000 s for no more than a missing worker costs, whatever gaps it saw', () => {
  const hours = { ...FACTORS, idleLimitMs: IDLE_KEEP_MAX_MS };
  let longest = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 5_000_000 }),
      fc.constantFrom(1, 4, 16, 144),
      fc.integer({ min: 1_000, max: 300_000 }),
      (gapMs, price, startMs) => {
        const levels = new DemandLevels(1, startMs);
        for (let need = 0; need < 40; need += 1) {
          levels.more(need * (4_000 + gapMs));
          levels.fewer(need * (4_000 + gapMs) + 4_000);
        }
        const { keepMs, missingCost } = levelWorth(1, levels, { ...hours, price, startMs });
        longest = Math.max(longest, keepMs);
        assert.ok(keepMs <= IDLE_KEEP_MAX_MS && keepMs <= Math.max(1_000_000, missingCost));
      },
    ),
  );
  assert.ok(longest > 1_000_000, `none was kept for longer than ${longest} ms`);
});

it('forgets nothing over a silence: what was seen before a night counts after it', () => {
  const levels = secondLevel(40, 20_000);
  const before = levels.level(2).gapCount.reduce((sum, count) => sum + count);
  const morningMs = 40 * 20_000 + 12 * 3_600_000;
  levels.more(morningMs);
  assert.ok(levels.level(2).gapCount.reduce((sum, count) => sum + count) > 0.7 * before);
});

it('keeps no shorter where waiting is dearer', () => {
  const levels = secondLevel(40, 20_000);
  let before = 0;
  for (const price of [0.1, 1, 4, 16, 64]) {
    const { keepMs } = levelWorth(2, levels, { ...FACTORS, price });
    assert.ok(keepMs >= before);
    before = keepMs;
  }
});
