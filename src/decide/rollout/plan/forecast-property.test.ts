import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { WorkerId } from '../../../base/ids.ts';
import type { RolloutState } from '../../../model/rollout-state.ts';
import type { MeasuredTimes } from '../../../model/update-forecast.ts';
import type { WorkerState } from '../../../model/worker-state.ts';
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
import { forecast } from './forecast.ts';
import type { PlaySetting } from './play-rollout.ts';

const LIVE: readonly WorkerState[] = [
  'pending',
  'pulling',
  'starting',
  'ready',
  'ready',
  'ready',
  'unhealthy',
  'draining',
  'stopping',
];
const RUNNING: readonly RolloutState[] = ['waiting', 'waiting', 'starting', 'baking', 'rolling'];
const timeMs = fc.option(fc.integer({ min: 0, max: 90_000 }), { nil: null });

interface DrawnWorker {
  readonly state: WorkerState;
  readonly revision: number;
  readonly running: number;
}

const anyWorker: fc.Arbitrary<DrawnWorker> = fc.record({
  state: fc.constantFrom(...LIVE),
  revision: fc.integer({ min: 1, max: 3 }),
  running: fc.nat({ max: 6 }),
});

/** Any endpoint in the middle of anything, on any machine. */
const anySetting: fc.Arbitrary<PlaySetting> = fc
  .record({
    workers: fc.array(anyWorker, { maxLength: 10 }),
    devicesPerWorker: fc.nat({ max: 2 }),
    free: fc.nat({ max: 6 }),
    state: fc.option(fc.constantFrom(...RUNNING), { nil: null }),
    minReplicas: fc.nat({ max: 5 }),
    spare: fc.nat({ max: 5 }),
    slots: fc.integer({ min: 1, max: 4 }),
    waiting: fc.nat({ max: 20 }),
    timeoutSeconds: fc.integer({ min: 1, max: 300 }),
    requestsPerSecond: fc.double({ min: 0, max: 50, noNaN: true }),
    serviceTimeMs: fc.option(fc.integer({ min: 1, max: 30_000 }), { nil: null }),
    times: fc.record({ pullMs: timeMs, startMs: timeMs, drainMs: timeMs, stopMs: timeMs }),
    maxSurge: fc.nat({ max: 3 }),
    firstStep: fc.integer({ min: 1, max: 3 }),
    bakeRequests: fc.integer({ min: 0, max: 50 }),
    drainDeadlineMs: fc.constantFrom(0, 5_000, 1_800_000),
    policy: fc.constantFrom('queue' as const, 'concurrency' as const),
    toTheEnd: fc.boolean(),
  })
  .map((drawn) => {
    const shape = {
      productId: drawn.devicesPerWorker === 0 ? 'cpu' : 'gpu',
      devicesPerWorker: drawn.devicesPerWorker,
    };
    const workers = drawn.workers.map(({ state, revision: number, running }, index) => {
      const serves = state === 'ready' || state === 'draining';
      const own = serves ? Math.min(running, drawn.slots) : 0;
      return worker(`w${index}`, {
        revision: number,
        state,
        running: own,
        idleSinceMs: state === 'ready' && own === 0 ? NOW_MS - 1_000 : null,
        readyAtMs: ['pending', 'pulling', 'starting'].includes(state) ? null : NOW_MS - 9_000,
        startedAtMs: state === 'pending' ? null : NOW_MS - 10_000,
        unhealthySinceMs: state === 'unhealthy' ? NOW_MS - 5_000 : null,
        drainingSinceMs: state === 'draining' ? NOW_MS - 500 : null,
      });
    });
    return {
      world: world({
        settings: settings({
          minReplicas: drawn.minReplicas,
          maxReplicas: drawn.minReplicas + drawn.spare,
          maxConcurrentPerWorker: drawn.slots,
          requestTimeoutSeconds: drawn.timeoutSeconds,
          policy: { type: drawn.policy, value: 4 },
        }),
        stableRevision: 2,
        targetRevision: drawn.state === null ? null : 3,
        rollout:
          drawn.state === null
            ? null
            : rollout({
                state: drawn.state,
                mode: 'surge',
                fromRevision: 2,
                toRevision: 3,
                workersBefore: workers.length,
              }),
        revisions: new Map(
          [1, 2, 3].map((number) => [number, revision(number, { ...shape, failed: number === 1 })]),
        ),
        workers,
        waiting: drawn.waiting,
        waitingSinceMs: Array.from({ length: drawn.waiting }, () => NOW_MS - 200),
        earliestDeadlineMs: drawn.waiting === 0 ? null : NOW_MS - 200 + drawn.timeoutSeconds * 1_000,
        load: taughtLoad(drawn.serviceTimeMs),
        options: planOptions({
          maxSurge: drawn.maxSurge,
          firstStep: drawn.firstStep,
          bakeRequests: drawn.bakeRequests,
          drainDeadlineMs: drawn.drainDeadlineMs,
        }),
      }),
      nowMs: NOW_MS,
      timesOf: (): MeasuredTimes => drawn.times,
      held: new Map(
        workers.map(({ id, state }, index) => [
          id,
          state === 'pending'
            ? []
            : Array.from({ length: drawn.devicesPerWorker }, (_, device) => `d${index}-${device}`),
        ]),
      ),
      free: new Map([['gpu', Array.from({ length: drawn.free }, (_, index) => `f${index}`)]]),
      requestsPerSecond: drawn.requestsPerSecond,
      toTheEnd: drawn.toTheEnd,
    };
  });

it('property: whatever an endpoint is in the middle of, a plan of it ends, in finite numbers', () => {
  fc.assert(
    fc.property(anySetting, (setting) => {
      const result = forecast(setting);
      const numbers = [
        result.durationMs ?? 0,
        result.atLeastMs,
        result.waiting?.requests ?? 0,
        result.waiting?.longestMs ?? 0,
        result.extraWorkerMs ?? 0,
        result.stepsLeftOut,
      ];
      for (const number of numbers) assert.ok(Number.isFinite(number) && number >= 0, String(numbers));
      assert.equal(result.durationMs === null, result.waiting === null);
      if (setting.world.rollout === null || !setting.toTheEnd) assert.equal(result.outcome, 'settled');
      let atMs = 0;
      for (const step of result.steps) {
        assert.ok(step.atMs >= atMs, 'the steps are in order');
        ({ atMs } = step);
      }
    }),
    { numRuns: 300 },
  );
});

it('property: of those who ever hold a device in a plan, all but the last one leave', () => {
  fc.assert(
    fc.property(anySetting, (setting) => {
      const { steps } = forecast(setting);
      const leavers = new Set(
        steps.filter(({ action }) => action === 'drain' || action === 'stop').map(({ workerId }) => workerId),
      );
      for (const { id, state } of setting.world.workers) {
        if (state === 'draining' || state === 'stopping') leavers.add(id);
      }
      const holders = new Map<string, Set<WorkerId>>();
      const hold = (id: string, workerId: WorkerId): void => {
        holders.set(id, (holders.get(id) ?? new Set()).add(workerId));
      };
      for (const [workerId, devices] of setting.held) for (const id of devices) hold(id, workerId);
      for (const { action, workerId, devices } of steps) {
        if (action === 'start' && workerId !== null) for (const id of devices) hold(id, workerId);
      }
      for (const [id, all] of holders) {
        const staying = [...all].filter((workerId) => !leavers.has(workerId));
        assert.ok(staying.length <= 1, `${id} is held by ${staying.join(' and ')}`);
      }
    }),
    { numRuns: 300 },
  );
});

it('property: asking twice gives the same answer', () => {
  fc.assert(
    fc.property(anySetting, (setting) => {
      assert.deepEqual(forecast(setting), forecast(setting));
    }),
    { numRuns: 200 },
  );
});
