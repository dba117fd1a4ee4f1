import { describe, it } from 'node:test';
import { runWorld } from './proof/run-world.ts';
import type { SharedPlan } from './proof/world-plan.ts';

/** Worlds that once broke, shrunk; each is the shortest story of a defect that was there. */
const SHARED = { kind: 'shared', seed: 0, devices: 2, maxSurge: 1, writeMs: 0, callMs: 0 } as const;

const ONCE_BROKEN: readonly (readonly [what: string, plan: SharedPlan])[] = [
  [
    'a server that dies while it is asked for a change refuses the change with nothing strange',
    {
      ...SHARED,
      steps: [
        { kind: 'driverFault', call: 'stop', fault: 'failed' },
        { kind: 'arrive', endpoint: 0, count: 1, serviceMs: 1 },
        { kind: 'advance', ms: 10301 },
        { kind: 'dieAfter', calls: 2 },
        { kind: 'timeouts', endpoint: 0, idle: 1, request: 5 },
        { kind: 'advance', ms: 1000 },
        { kind: 'gpus', endpoint: 0, gpus: 2 },
        { kind: 'arrive', endpoint: 0, count: 1, serviceMs: 1 },
      ],
    },
  ],
  [
    'a start whose answer is lost leaves no process on a device that is given to another worker',
    {
      ...SHARED,
      steps: [
        { kind: 'driverFault', call: 'start', fault: 'answerLost' },
        { kind: 'stream', endpoint: 0, everyMs: 20, count: 5 },
      ],
    },
  ],
  [
    'a change that is stored although its commit failed is what the server goes by',
    {
      ...SHARED,
      steps: [
        { kind: 'storeFault', fault: 'answerLost' },
        { kind: 'update', endpoint: 0, command: 'start=100' },
        { kind: 'arrive', endpoint: 0, count: 1, serviceMs: 10 },
      ],
    },
  ],
  [
    'a rollout whose end was stored only in part, as the server died over it, is ended by the next server',
    {
      ...SHARED,
      seed: 711939396,
      devices: 4,
      steps: [
        { kind: 'update', endpoint: 2, command: 'start=100' },
        { kind: 'advance', ms: 9526 },
        { kind: 'dieAfter', calls: 6 },
        { kind: 'advance', ms: 8678 },
        { kind: 'arrive', endpoint: 0, count: 11, serviceMs: 2164 },
        { kind: 'advance', ms: 11720 },
        { kind: 'advance', ms: 5327 },
        { kind: 'limits', endpoint: 2, min: 1, max: 2, slots: 1 },
        { kind: 'wall', ms: 67853 },
        { kind: 'arrive', endpoint: 2, count: 11, serviceMs: 2841 },
        { kind: 'storeFault', fault: 'conflict' },
        { kind: 'advance', ms: 5121 },
      ],
    },
  ],
  [
    'an unhealthy worker goes where its successor has started and max_replicas is lowered',
    {
      ...SHARED,
      maxSurge: 0,
      steps: [
        { kind: 'arrive', endpoint: 1, count: 1, serviceMs: 1 },
        { kind: 'advance', ms: 700 },
        { kind: 'vanish', pick: 0 },
        { kind: 'limits', endpoint: 1, min: 1, max: 2, slots: 1 },
        { kind: 'advance', ms: 3000 },
        { kind: 'limits', endpoint: 1, min: 0, max: 1, slots: 1 },
      ],
    },
  ],
  [
    'a stop that failed is tried again at its time, and not when something else happens',
    {
      ...SHARED,
      steps: [
        { kind: 'driverFault', call: 'stop', fault: 'failed' },
        { kind: 'stream', endpoint: 0, everyMs: 20, count: 5 },
        { kind: 'arrive', endpoint: 1, count: 1, serviceMs: 1 },
        { kind: 'advance', ms: 8239 },
        { kind: 'advance', ms: 1 },
      ],
    },
  ],
  [
    'a new revision that started beside a worker on its way takes its place where max_replicas is lowered',
    {
      ...SHARED,
      maxSurge: 0,
      steps: [
        { kind: 'arrive', endpoint: 1, count: 1, serviceMs: 1 },
        { kind: 'update', endpoint: 1, command: 'start=100' },
        { kind: 'limits', endpoint: 1, min: 0, max: 1, slots: 1 },
        { kind: 'advance', ms: 1 },
      ],
    },
  ],
  [
    'a wall clock that is set while a worker starts makes its start no longer than it was',
    {
      ...SHARED,
      steps: [
        { kind: 'arrive', endpoint: 1, count: 7, serviceMs: 5068 },
        { kind: 'arrive', endpoint: 0, count: 1, serviceMs: 1 },
        { kind: 'wall', ms: 7703 },
        { kind: 'advance', ms: 2203 },
        { kind: 'advance', ms: 5999 },
        { kind: 'wall', ms: 0 },
      ],
    },
  ],
  [
    'a first worker that was asked for before the server died is the one that is proven, and no second is asked for',
    {
      ...SHARED,
      writeMs: 3,
      steps: [
        { kind: 'limits', endpoint: 2, min: 2, max: 2, slots: 1 },
        { kind: 'update', endpoint: 2, command: 'start=100' },
        { kind: 'storeFault', fault: 'conflict' },
        { kind: 'vanish', pick: 0 },
        { kind: 'delete', endpoint: 0 },
        { kind: 'limits', endpoint: 2, min: 0, max: 1, slots: 1 },
      ],
    },
  ],
  [
    'two workers of two devices do not keep one device each from the other, where one is reserved',
    {
      ...SHARED,
      seed: 710959080,
      steps: [
        { kind: 'gpus', endpoint: 1, gpus: 2 },
        { kind: 'arrive', endpoint: 0, count: 1, serviceMs: 1 },
        { kind: 'gpus', endpoint: 0, gpus: 2 },
        { kind: 'limits', endpoint: 2, min: 2, max: 2, slots: 1 },
        { kind: 'stream', endpoint: 1, everyMs: 132, count: 7 },
        { kind: 'update', endpoint: 2, command: 'start=100' },
      ],
    },
  ],
];

describe('a world that once broke holds', () => {
  for (const [what, plan] of ONCE_BROKEN) {
    it(what, async () => {
      await runWorld(plan);
    });
  }

  it('an update that supersedes another one whose first worker is being proven keeps its place above the maximum', async () => {
    await runWorld({
      kind: 'roomy',
      seed: 0,
      min: 1,
      gpu: false,
      commands: ['start=100', 'start=100', 'exit'],
      rounds: 1,
    });
  });
});
