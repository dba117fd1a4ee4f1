import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NOW_MS, settings, taughtLoad, world, worker } from '../sample-world.ts';
import type { EndpointWorld } from '../world.ts';
import { neededWorkers } from './needed-workers.ts';

function queue(waiting: number, change: Partial<EndpointWorld>): EndpointWorld {
  return world({ waiting, waitingSinceMs: Array.from({ length: waiting }, () => NOW_MS), ...change });
}

describe('any policy', () => {
  it('needs nothing without load, and min_replicas always', () => {
    assert.equal(neededWorkers(world(), [], NOW_MS).workers, 0);
    const kept = neededWorkers(world({ settings: settings({ minReplicas: 2 }) }), [], NOW_MS);
    assert.deepEqual([kept.workers, kept.reason.code], [2, 'min']);
  });

  it('needs nothing while max_replicas is 0, whatever waits', () => {
    const paused = world({ settings: settings({ maxReplicas: 0 }), waiting: 9, waitingSinceMs: [NOW_MS] });
    assert.equal(neededWorkers(paused, [], NOW_MS).workers, 0);
  });

  it('stays within min and max, needs what runs, wakes at once for one that waits, and has numbers', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('queue' as const, 'concurrency' as const),
        fc.integer({ min: 1, max: 1_000 }),
        fc.nat({ max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.nat({ max: 8 }), { maxLength: 6 }),
        fc.array(fc.nat({ max: 100_000 }), { maxLength: 50 }),
        fc.option(fc.nat({ max: 100_000 })),
        fc.nat({ max: 100_000 }),
        (type, value, min, max, running, ages, serviceMs, startMs) => {
          const given = settings({
            policy: { type, value },
            minReplicas: Math.min(min, max),
            maxReplicas: max,
          });
          const workers = running.map((count, index) => worker(`w${index}`, { running: count }));
          const seen = world({
            settings: given,
            workers,
            waiting: ages.length,
            load: taughtLoad(serviceMs, startMs, given),
          });
          const need = neededWorkers(seen, workers, NOW_MS);
          assert.ok(need.workers >= given.minReplicas && need.workers <= max);
          const busy = Math.ceil(running.reduce((sum, count) => sum + count, 0) / 4);
          assert.ok(need.workers >= Math.min(max, busy));
          if (ages.length > 0) assert.ok(need.workers >= 1);
          if (need.lookAgainAtMs !== null) assert.ok(need.lookAgainAtMs > NOW_MS);
          for (const number of Object.values(need.reason.numbers)) assert.ok(Number.isFinite(number));
          assert.deepEqual(neededWorkers(seen, workers, NOW_MS), need);
        },
      ),
    );
  });
});

describe('concurrency', () => {
  it('is demand over value, where value counts no more than a worker has slots', () => {
    const given = (value: number): number =>
      neededWorkers(queue(9, { settings: settings({ policy: { type: 'concurrency', value } }) }), [], NOW_MS)
        .workers;
    assert.equal(given(3), 3);
    assert.equal(given(100), 3);
    assert.equal(given(1), 9);
  });
});

describe('queue', () => {
  const busy = worker('busy', { running: 4, idleSinceMs: null });

  it('adds nothing where the wait that one more would save is not worth its start', () => {
    const given = queue(4, { workers: [busy], load: taughtLoad(100, 500) });
    assert.equal(neededWorkers(given, [busy], NOW_MS).workers, 1);
  });

  it('adds workers for a queue that would wait long, and says by which numbers', () => {
    const given = queue(40, { workers: [busy], load: taughtLoad(2_000, 1_000) });
    const need = neededWorkers(given, [busy], NOW_MS);
    assert.ok(need.workers >= 4 && need.workers <= 10, `${need.workers}`);
    assert.match(need.reason.text, /40 waiting/);
    const { numbers } = need.reason;
    assert.equal(numbers['waiting'], 40);
    assert.equal(numbers['added'], need.workers - 1);
    assert.equal(numbers['price'], 4);
    assert.ok(numbers['waitingThenSeconds']! < numbers['expectedWaitingSeconds']!);
    assert.ok(numbers['savesSeconds']! > numbers['costsSeconds']!);
    assert.ok('score3' in numbers);
  });

  it('never starts more workers than can serve what is there, where nobody else is expected', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 8 }),
        (waiting, startMs, serviceMs, value, slots) => {
          const given = settings({
            policy: { type: 'queue', value },
            maxReplicas: 1_000,
            maxConcurrentPerWorker: slots,
          });
          const load = taughtLoad(serviceMs, startMs, given);
          load.arrived(NOW_MS);
          const { workers } = neededWorkers(queue(waiting, { settings: given, load }), [], NOW_MS);
          assert.ok(workers >= 1 && workers <= Math.ceil(waiting / slots), `${workers}`);
        },
      ),
    );
  });

  it('adds no more where waiting is cheaper', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 1, max: 999 }),
        (waiting, startMs, serviceMs, value) => {
          const workersAt = (seconds: number): number => {
            const given = settings({ policy: { type: 'queue', value: seconds }, maxReplicas: 1_000 });
            const load = taughtLoad(serviceMs, startMs, given);
            return neededWorkers(queue(waiting, { settings: given, workers: [busy], load }), [busy], NOW_MS)
              .workers;
          };
          assert.ok(workersAt(value) >= workersAt(value + 1));
        },
      ),
    );
  });

  it('adds nothing that would come too late to help', () => {
    const given = queue(4, { workers: [busy], load: taughtLoad(10_000, 60_000) });
    assert.equal(neededWorkers(given, [busy], NOW_MS).workers, 1);
  });

  it('counts workers that are starting already', () => {
    const starting = worker('starting', {
      state: 'starting',
      startedAtMs: NOW_MS - 900,
      readyAtMs: null,
      idleSinceMs: null,
    });
    const given = queue(4, { workers: [starting], load: taughtLoad(100, 1_000) });
    assert.equal(neededWorkers(given, [starting], NOW_MS).workers, 1);
  });

  it('tells a wake from an addition', () => {
    assert.equal(neededWorkers(queue(1, {}), [], NOW_MS).reason.code, 'wake');
  });
});
