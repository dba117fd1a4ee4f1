import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../base/random.ts';
import { LoadModel, type LoadSettings } from './load-model.ts';

const SETTINGS: LoadSettings = {
  slotsPerWorker: 1,
  startMs: 20_000,
  minWorkers: 0,
  maxWorkers: 100,
  idleLimitMs: 1_000_000,
  price: 4,
};

/** Poisson arrivals, each served at once for `serviceMs`. */
function feed(model: LoadModel, count: number, gapMs: number, serviceMs: number, seed = 1): number {
  const random = seededRandom(seed);
  const ends: { readonly arrivedMs: number; readonly endMs: number }[] = [];
  let nowMs = 0;
  for (let request = 0; request < count; request += 1) {
    nowMs += -Math.log(1 - random.next()) * gapMs;
    while (ends[0] !== undefined && ends[0].endMs <= nowMs) {
      const { arrivedMs, endMs } = ends.shift()!;
      model.served(arrivedMs, serviceMs, endMs);
    }
    model.arrived(nowMs);
    ends.push({ arrivedMs: nowMs, endMs: nowMs + serviceMs });
  }
  return nowMs;
}

it('measures how long requests run and how often they come', () => {
  const model = new LoadModel(SETTINGS, 0);
  assert.equal(model.measuredServiceMs, null);
  const nowMs = feed(model, 2_000, 500, 3_000);
  assert.equal(model.measuredServiceMs, 3_000);
  const perSecond = model.rateAt(nowMs) * 1_000;
  assert.ok(perSecond > 1 && perSecond < 4, `${perSecond}`);
  assert.ok(model.rateAt(nowMs + 3_600_000) * 1_000 < 0.001);
});

it('learns the same from the same, and nothing from being asked', () => {
  const one = new LoadModel(SETTINGS, 0);
  const two = new LoadModel(SETTINGS, 0);
  const nowMs = feed(one, 1_000, 2_000, 5_000);
  for (const level of [1, 2, 3]) two.worthOf(level, 0);
  feed(two, 1_000, 2_000, 5_000);
  assert.deepEqual(one.scores, two.scores);
  assert.equal(one.weight, two.weight);
  assert.deepEqual(one.worthOf(2, nowMs), one.worthOf(2, nowMs));
});

it('follows the weight that would have cost least, give or take its lead', () => {
  const model = new LoadModel(SETTINGS, 0);
  feed(model, 5_000, 4_000, 6_000);
  const least = Math.min(...model.scores.map(({ score }) => score));
  assert.ok(least > 0);
  const used = model.scores.find(
    ({ weight, burstsGoOn }) => weight === model.weight && burstsGoOn === model.burstsGoOn,
  );
  assert.ok(used!.score * (1 - 0.02) <= least);
});

it('does not conclude against keeping a worker before it has seen some requests', () => {
  const fast = new LoadModel({ ...SETTINGS, startMs: 10 }, 0);
  assert.equal(fast.keepIdleMs(1, 0), 60_000);
  feed(fast, 100, 30_000, 100);
  assert.ok(fast.keepIdleMs(1, 3_000_000) < 60_000);
});

it('never keeps beyond the idle time-out, whatever it learned', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60_000 }),
      fc.integer({ min: 10, max: 100_000 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 1, max: 8 }),
      fc.nat(),
      (startMs, gapMs, idleLimitMs, slotsPerWorker, seed) => {
        const model = new LoadModel({ ...SETTINGS, startMs, idleLimitMs, slotsPerWorker }, 0);
        const nowMs = feed(model, 60, gapMs, 2_000, seed);
        for (const level of [1, 2, 200]) {
          const keepMs = model.keepIdleMs(level, nowMs);
          assert.ok(keepMs >= 0 && keepMs <= idleLimitMs);
        }
        for (const { score } of model.scores) assert.ok(Number.isFinite(score) && score >= 0);
      },
    ),
    { numRuns: 50 },
  );
});

it('takes requests that end out of order, and late', () => {
  const model = new LoadModel(SETTINGS, 0);
  for (let request = 0; request < 200; request += 1) model.arrived(request * 100);
  for (let request = 199; request >= 0; request -= 1) model.served(request * 100, 1_000, 30_000);
  assert.ok(model.scores.every(({ score }) => Number.isFinite(score)));
});

it('scores anew at another price, and learns levels anew for other slots', () => {
  const model = new LoadModel(SETTINGS, 0);
  const nowMs = feed(model, 500, 2_000, 5_000);
  model.configure({ ...SETTINGS, price: 16 }, nowMs);
  assert.ok(model.scores.every(({ score }) => score === 0));
  assert.ok(model.levels.level(1).windows > 0);
  model.configure({ ...SETTINGS, price: 16, slotsPerWorker: 2 }, nowMs);
  assert.equal(model.levels.level(1).windows, 0);
  assert.equal(model.measuredServiceMs, 5_000);
});
