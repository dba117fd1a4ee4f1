import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NOW_MS, settings, world, worker } from '../sample-world.ts';
import { neededWorkers } from './needed-workers.ts';

describe('any policy', () => {
  it('needs nothing without load, and min_replicas always', () => {
    assert.equal(neededWorkers(world(), [], null, NOW_MS).workers, 0);
    const kept = neededWorkers(world({ settings: settings({ minReplicas: 2 }) }), [], null, NOW_MS);
    assert.deepEqual([kept.workers, kept.reason.code], [2, 'min']);
  });

  it('needs nothing while max_replicas is 0, whatever waits', () => {
    const paused = world({ settings: settings({ maxReplicas: 0 }), waiting: 9, waitingSinceMs: [NOW_MS] });
    assert.equal(neededWorkers(paused, [], null, NOW_MS).workers, 0);
  });

  it('stays within min and max, needs what runs, and wakes at once for one that waits', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('queue' as const, 'concurrency' as const),
        fc.integer({ min: 1, max: 1_000 }),
        fc.nat({ max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.nat({ max: 8 }), { maxLength: 6 }),
        fc.array(fc.nat({ max: 100_000 }), { maxLength: 50 }),
        fc.option(fc.nat({ max: 100_000 })),
        fc.option(fc.nat({ max: 100_000 })),
        (type, value, min, max, running, ages, serviceTimeMs, startTimeMs) => {
          const minReplicas = Math.min(min, max);
          const workers = running.map((count, index) =>
            worker(`w${index}`, {
              running: count,
              runningSinceMs: Array.from({ length: count }, () => NOW_MS - 500),
            }),
          );
          const given = world({
            settings: settings({ policy: { type, value }, minReplicas, maxReplicas: max }),
            workers,
            waiting: ages.length,
            waitingSinceMs: ages.map((age) => NOW_MS - age).sort((a, b) => a - b),
            serviceTimeMs,
          });
          const need = neededWorkers(given, workers, startTimeMs, NOW_MS);
          assert.ok(need.workers >= minReplicas && need.workers <= max);
          const busy = Math.ceil(running.reduce((sum, count) => sum + count, 0) / 4);
          assert.ok(need.workers >= Math.min(max, busy));
          if (ages.length > 0) assert.ok(need.workers >= 1);
          if (need.lookAgainAtMs !== null) assert.ok(need.lookAgainAtMs > NOW_MS);
        },
      ),
    );
  });
});

describe('concurrency', () => {
  it('is demand over value, where value counts no more than a worker has slots', () => {
    const given = (value: number): number =>
      neededWorkers(
        world({
          settings: settings({ policy: { type: 'concurrency', value } }),
          waiting: 9,
          waitingSinceMs: [NOW_MS],
        }),
        [],
        null,
        NOW_MS,
      ).workers;
    assert.equal(given(3), 3);
    assert.equal(given(100), 3);
    assert.equal(given(1), 9);
  });
});

describe('queue', () => {
  const busy = worker('busy', {
    running: 4,
    runningSinceMs: [0, 1, 2, 3].map((index) => NOW_MS - 100 * index),
    idleSinceMs: null,
  });

  it('adds nothing while everyone is predicted to be served within the limit', () => {
    const given = world({
      workers: [busy],
      waiting: 4,
      waitingSinceMs: [NOW_MS, NOW_MS, NOW_MS, NOW_MS],
      serviceTimeMs: 1_000,
    });
    assert.equal(neededWorkers(given, [busy], 500, NOW_MS).workers, 1);
  });

  it('adds what brings the predicted waits under the limit', () => {
    const waiting = 40;
    const given = world({
      workers: [busy],
      waiting,
      waitingSinceMs: Array.from({ length: waiting }, () => NOW_MS),
      serviceTimeMs: 2_000,
    });
    const need = neededWorkers(given, [busy], 1_000, NOW_MS);
    assert.ok(need.workers >= 4 && need.workers <= 6, `${need.workers}`);
    assert.match(need.reason.text, /40 waiting/);
  });

  it('adds nothing that would come too late to help', () => {
    const given = world({
      workers: [busy],
      waiting: 4,
      waitingSinceMs: [NOW_MS, NOW_MS, NOW_MS, NOW_MS],
      serviceTimeMs: 10_000,
    });
    assert.equal(neededWorkers(given, [busy], 60_000, NOW_MS).workers, 1);
  });

  it('counts workers that are starting already', () => {
    const starting = worker('starting', {
      state: 'starting',
      startedAtMs: NOW_MS - 900,
      readyAtMs: null,
      idleSinceMs: null,
    });
    const given = world({
      workers: [starting],
      waiting: 4,
      waitingSinceMs: [NOW_MS, NOW_MS, NOW_MS, NOW_MS],
      serviceTimeMs: 100,
    });
    assert.equal(neededWorkers(given, [starting], 1_000, NOW_MS).workers, 1);
  });
});
