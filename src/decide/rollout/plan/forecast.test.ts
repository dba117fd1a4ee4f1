import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { WorkerId } from '../../../base/ids.ts';
import type { MeasuredTimes, UpdateForecast } from '../../../model/update-forecast.ts';
import {
  NOW_MS,
  planOptions,
  revision,
  rollout,
  settings,
  taughtLoad,
  worker,
  world,
} from '../../sample-world.ts';
import type { EndpointWorld } from '../../world.ts';
import { forecast } from './forecast.ts';
import type { PlaySetting } from './play-rollout.ts';
import { priceChange } from './price-change.ts';

const PULL = 2_000;
const START = 8_000;
const DRAIN = 3_000;
const STOP = 1_000;
const BAKE = 10_000;
const TIMES: MeasuredTimes = { pullMs: PULL, startMs: START, drainMs: DRAIN, stopMs: STOP };

interface Given {
  readonly workers?: number;
  /** Free devices; null: a product without devices. */
  readonly free?: number | null;
  readonly running?: number;
  readonly requestsPerSecond?: number;
  readonly serviceTimeMs?: number;
  readonly times?: Partial<MeasuredTimes>;
  readonly world?: Partial<EndpointWorld>;
}

/** `workers` of revision 1 serve, each on a device of its own, and an update to revision 2 has just come. */
function setting(given: Given): PlaySetting {
  const { workers = 1, free = null, running = 0, times = {} } = given;
  const shape = free === null ? {} : { productId: 'gpu', devicesPerWorker: 1, roomWorkers: 0 };
  const serving = Array.from({ length: workers }, (_, index) =>
    worker(`w${index}`, { running, idleSinceMs: running > 0 ? null : NOW_MS }),
  );
  return {
    world: world({
      settings: settings({ minReplicas: workers, maxReplicas: 16 }),
      targetRevision: 2,
      rollout: rollout({ state: 'waiting', workersBefore: workers }),
      revisions: new Map([
        [1, revision(1, shape)],
        [2, revision(2, { ...shape, startTimeMs: null })],
      ]),
      workers: serving,
      load: taughtLoad(given.serviceTimeMs ?? null),
      options: planOptions({ bakeMs: BAKE }),
      ...given.world,
    }),
    nowMs: NOW_MS,
    timesOf: () => ({ ...TIMES, ...times }),
    held: new Map(serving.map(({ id }, index) => [id, free === null ? [] : [`d${index}`]])),
    free: new Map([['gpu', Array.from({ length: free ?? 0 }, (_, index) => `f${index}`)]]),
    requestsPerSecond: given.requestsPerSecond ?? 0,
    toTheEnd: true,
  };
}

const told = (result: UpdateForecast): string[] =>
  result.steps.map(({ atMs, action, mode, devices }) =>
    [action, mode, devices.join('+'), atMs / 1_000].filter((word) => word !== null && word !== '').join(' '),
  );

it('one idle worker with room: pull, start, bake, and the old one leaves at once', () => {
  const result = forecast(setting({ free: 1 }));
  assert.equal(result.durationMs, PULL + START + BAKE);
  assert.deepEqual(told(result), ['start surge f0 0', 'prove 20', 'drain d0 20', 'finish 20']);
  assert.deepEqual([result.outcome, result.workersToReplace], ['replaced', 1]);
  assert.equal(result.extraWorkerMs, PULL + START + BAKE);
});

it('a busy old worker is waited for', () => {
  assert.equal(forecast(setting({ free: 1, running: 1 })).durationMs, PULL + START + BAKE + DRAIN);
});

it('without a free device the old one goes first, and its stop counts', () => {
  const result = forecast(setting({ free: 0 }));
  assert.equal(result.durationMs, STOP + PULL + START + BAKE);
  assert.deepEqual(told(result).slice(0, 3), [
    'drain d0 0',
    'start swap d0 0',
    `prove ${(STOP + PULL + START + BAKE) / 1_000}`,
  ]);
  assert.deepEqual(result.steps[1]?.replaces, ['w0' as WorkerId]);
  const busy = forecast(setting({ free: 0, running: 1 }));
  assert.equal(busy.durationMs, DRAIN + STOP + PULL + START + BAKE);
});

it('several workers are replaced one by one', () => {
  // Room for all: each start follows the one before.
  assert.equal(forecast(setting({ workers: 4, free: 9 })).durationMs, 4 * (PULL + START) + BAKE);
  assert.equal(forecast(setting({ workers: 4 })).durationMs, 4 * (PULL + START) + BAKE, 'cpu');
  // One spare device: each next one waits until the one before has left it.
  assert.equal(
    forecast(setting({ workers: 4, free: 1, running: 1 })).durationMs,
    4 * (PULL + START) + BAKE + 4 * DRAIN + 3 * STOP,
  );
  // None: a swap each. It is over when the successor of the last old one is ready.
  assert.equal(
    forecast(setting({ workers: 4, free: 0, running: 1 })).durationMs,
    4 * (DRAIN + STOP + PULL + START) + BAKE,
  );
});

it('a proof by requests ends the bake sooner', () => {
  // 6 a second of 0.5 s each: nearly all find one of the new one's 4 slots free, so 20 within about 4 s.
  const sooner = forecast(setting({ free: 1, running: 3, requestsPerSecond: 6, serviceTimeMs: 500 }));
  // Meanwhile the old one has ended what it ran.
  const bakeMs = (sooner.durationMs ?? 0) - PULL - START;
  assert.ok(bakeMs > 3_000 && bakeMs < 5_500, String(bakeMs));
  // With more than both can do the new one's slots are always full: 4 of them answer 4 a second.
  const full = forecast(setting({ free: 1, running: 4, requestsPerSecond: 10, serviceTimeMs: 1_000 }));
  assert.equal(full.durationMs, PULL + START + 5_000 + DRAIN);
});

it('who waits: nobody in a surge, all who come during a swap of the only worker', () => {
  const load = { requestsPerSecond: 2, serviceTimeMs: 100 };
  assert.deepEqual(forecast(setting({ free: 1, ...load })).waiting, { requests: 0, longestMs: 0 });
  const { waiting } = forecast(setting({ free: 0, ...load }));
  assert.equal(waiting?.longestMs, STOP + PULL + START);
  assert.ok((waiting?.requests ?? 0) >= (2 * (STOP + PULL + START)) / 1_000);
});

it('a time that was never measured leaves the duration unknown only where it matters', () => {
  const surge = forecast(setting({ free: 1, times: { stopMs: null, drainMs: null } }));
  assert.deepEqual([surge.durationMs, surge.unknown], [PULL + START + BAKE, []]);
  const swap = forecast(setting({ free: 0, times: { stopMs: null } }));
  assert.deepEqual([swap.durationMs, swap.unknown], [null, ['stopMs']]);
  assert.equal(swap.atLeastMs, PULL + START + BAKE);
  assert.deepEqual([swap.waiting, swap.extraWorkerMs], [null, null]);
  const none = forecast(
    setting({ free: 0, running: 1, times: { pullMs: null, startMs: null, drainMs: null, stopMs: null } }),
  );
  assert.deepEqual(none.unknown, ['pullMs', 'startMs', 'drainMs', 'stopMs']);
});

it('a sleeping endpoint starts nothing; one that is kept warm starts cold', () => {
  const asleep = forecast(setting({ workers: 0 }));
  assert.deepEqual([asleep.outcome, asleep.steps, asleep.durationMs], ['asleep', [], null]);
  const cold = forecast(
    setting({ workers: 0, world: { settings: settings({ minReplicas: 1, maxReplicas: 2 }) } }),
  );
  assert.equal(cold.durationMs, PULL + START + BAKE);
  assert.equal(cold.steps[0]?.mode, 'cold');
});

it('a start that takes longer than its deadline is foretold as a failure', () => {
  const result = forecast(setting({ free: 1, world: { options: planOptions({ startDeadlineMs: 5_000 }) } }));
  assert.deepEqual([result.outcome, result.durationMs], ['failed', null]);
  assert.match(result.message, /not ready within 5\.0 s/);
});

it('a swap is foretold to fail where waiting requests could never bear it', () => {
  const impatient = settings({ minReplicas: 1, maxReplicas: 1, requestTimeoutSeconds: 5 });
  const result = forecast(
    setting({
      free: 0,
      running: 1,
      requestsPerSecond: 3,
      serviceTimeMs: 2_000,
      world: { settings: impatient },
    }),
  );
  assert.notEqual(result.outcome, 'replaced');
  assert.equal(result.durationMs, null);
});

it('options of the rollout count', () => {
  const options = planOptions({ bakeMs: BAKE, maxSurge: 0 });
  const strict = forecast(setting({ free: 3, world: { options } }));
  assert.equal(strict.steps.find(({ action }) => action === 'start')?.mode, 'swap');
  const twice = forecast(setting({ free: 1, world: { options: planOptions({ bakeMs: 2 * BAKE }) } }));
  assert.equal(twice.durationMs, PULL + START + 2 * BAKE);
});

it('of many workers the rest is told from the first ones, in bounded time', () => {
  const many = 200;
  const result = forecast(
    setting({ workers: many, world: { settings: settings({ minReplicas: many, maxReplicas: many + 9 }) } }),
  );
  assert.equal(result.workersToReplace, many);
  const expectedMs = many * (PULL + START) + BAKE;
  assert.ok(Math.abs((result.durationMs ?? 0) - expectedMs) < 0.02 * expectedMs, String(result.durationMs));
  assert.ok(result.steps.length < 40);
  const replacements = result.steps.filter(({ action }) => action === 'start').length;
  assert.ok(Math.abs(replacements + result.stepsLeftOut / 2 - many) <= 1);
});

it('settings alone: what would start or leave at once', () => {
  const grown = forecast(
    setting({
      workers: 1,
      world: { targetRevision: null, rollout: null, settings: settings({ minReplicas: 3 }) },
    }),
  );
  assert.deepEqual([grown.outcome, told(grown)], ['settled', ['start 0', 'start 0']]);
  const paused = forecast(
    setting({
      workers: 2,
      world: { targetRevision: null, rollout: null, settings: settings({ maxReplicas: 0 }) },
    }),
  );
  assert.deepEqual(told(paused), ['drain 0', 'drain 0']);
  assert.equal(paused.workersToReplace, 0);
});

it('the price changes by price and number of workers, and is unknown without one', () => {
  const before = { pricePerHour: 2, minReplicas: 1, maxReplicas: 3 };
  assert.deepEqual(priceChange(before, { pricePerHour: 4, minReplicas: 1, maxReplicas: 2 }), {
    atMin: 2,
    atMax: 2,
  });
  assert.equal(priceChange({ ...before, pricePerHour: null }, before), null);
  assert.equal(priceChange(before, { ...before, pricePerHour: null }), null);
});
