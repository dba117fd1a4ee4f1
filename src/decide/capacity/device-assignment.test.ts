import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { EndpointId, WorkerId } from '../../base/ids.ts';
import {
  assignDevices,
  type CapacityWorld,
  type HoldingWorker,
  type PendingWorker,
} from './device-assignment.ts';

const NOW_MS = 100_000;

function pending(id: string, change: Partial<PendingWorker> = {}): PendingWorker {
  return {
    workerId: id as WorkerId,
    endpointId: `of-${id}` as EndpointId,
    productId: 'gpu',
    devices: 1,
    reserved: [],
    createdAtMs: NOW_MS,
    waitingSinceMs: null,
    held: false,
    ...change,
  };
}

function holding(id: string, devices: string[], change: Partial<HoldingWorker> = {}): HoldingWorker {
  return {
    workerId: id as WorkerId,
    endpointId: `of-${id}` as EndpointId,
    productId: 'gpu',
    devices,
    leaving: false,
    running: 0,
    idleSinceMs: NOW_MS - 20_000,
    readyAtMs: NOW_MS - 50_000,
    startTimeMs: 1_000,
    waitingSinceMs: null,
    protected: false,
    ...change,
  };
}

function capacity(devices: number, change: Partial<CapacityWorld>): CapacityWorld {
  const holders = change.holding ?? [];
  return {
    devices: new Map([['gpu', Array.from({ length: devices }, (_, index) => String(index))]]),
    pending: [],
    holding: [],
    spare: new Map(holders.map((worker) => [worker.endpointId, 1])),
    ...change,
  };
}

describe('free devices', () => {
  it('are not kept for a worker that can never get enough beside those that min_replicas keeps', () => {
    const kept = holding('kept', ['0']);
    const line = {
      pending: [pending('large', { devices: 2, waitingSinceMs: 1 }), pending('small', { waitingSinceMs: 2 })],
      holding: [kept],
    };
    const never = assignDevices(capacity(2, { ...line, spare: new Map([[kept.endpointId, 0]]) }), NOW_MS);
    assert.deepEqual(never.assign, [{ workerId: 'small', devices: ['1'] }]);
    const later = assignDevices(capacity(2, { ...line, spare: new Map([[kept.endpointId, 1]]) }), NOW_MS);
    assert.deepEqual(later.assign, []);
  });

  it('go to the endpoint whose request waits longest, then to the oldest', () => {
    const plan = assignDevices(
      capacity(2, {
        pending: [
          pending('young', { createdAtMs: NOW_MS }),
          pending('old', { createdAtMs: NOW_MS - 1 }),
          pending('waits', { waitingSinceMs: NOW_MS - 5 }),
        ],
      }),
      NOW_MS,
    );
    assert.deepEqual(
      plan.assign.map(({ workerId }) => workerId),
      ['waits', 'old'],
    );
  });

  it('are not taken past a large one at the head of the line', () => {
    const plan = assignDevices(
      capacity(2, {
        pending: [
          pending('large', { devices: 2, waitingSinceMs: NOW_MS - 9 }),
          pending('small', { waitingSinceMs: NOW_MS }),
        ],
        holding: [holding('a', ['0'], { leaving: true })],
      }),
      NOW_MS,
    );
    assert.deepEqual(plan.assign, []);
    assert.deepEqual(plan.giveWay, []);
  });

  it('that are reserved go to nobody else', () => {
    const plan = assignDevices(
      capacity(1, {
        pending: [pending('first', { waitingSinceMs: 0 }), pending('swap', { reserved: ['0'] })],
      }),
      NOW_MS,
    );
    assert.deepEqual(plan.assign, [{ workerId: 'swap', devices: ['0'] }]);
  });

  it('are not kept for a large worker that lacks one reserved for another large one', () => {
    const plan = assignDevices(
      capacity(2, {
        pending: [
          pending('first', { devices: 2, waitingSinceMs: 0 }),
          pending('swap', { devices: 2, waitingSinceMs: 1, reserved: ['0'] }),
        ],
      }),
      NOW_MS,
    );
    assert.deepEqual(plan.assign, [{ workerId: 'swap', devices: ['0', '1'] }]);
  });

  it('are not needed by a worker that takes none', () => {
    assert.deepEqual(
      assignDevices(capacity(0, { pending: [pending('cpu', { devices: 0 })] }), NOW_MS).assign,
      [{ workerId: 'cpu', devices: [] }],
    );
  });
});

describe('giving way', () => {
  const waits = pending('waits', { waitingSinceMs: NOW_MS });

  it('falls to the least recently used idle worker of another endpoint', () => {
    const plan = assignDevices(
      capacity(2, {
        pending: [waits],
        holding: [holding('recent', ['0'], { idleSinceMs: NOW_MS - 1_000 }), holding('stale', ['1'])],
      }),
      NOW_MS,
    );
    assert.deepEqual(
      plan.giveWay.map(({ workerId, forWorkerId }) => [workerId, forWorkerId]),
      [['stale', 'waits']],
    );
  });

  it('is asked for by a waiting request alone, not by min_replicas', () => {
    const plan = assignDevices(
      capacity(1, { pending: [pending('min')], holding: [holding('idle', ['0'])] }),
      NOW_MS,
    );
    assert.deepEqual(plan.giveWay, []);
  });

  it('spares workers that min_replicas keeps, protected ones, and those that came just now', () => {
    const kept = holding('kept', ['0']);
    const fresh = holding('fresh', ['1'], { readyAtMs: NOW_MS - 400, idleSinceMs: NOW_MS - 400 });
    const plan = assignDevices(
      capacity(3, {
        pending: [waits],
        holding: [kept, fresh, holding('proving', ['2'], { protected: true })],
        spare: new Map([
          [kept.endpointId, 0],
          [fresh.endpointId, 1],
          ['of-proving' as EndpointId, 1],
        ]),
      }),
      NOW_MS,
    );
    assert.deepEqual(plan.giveWay, []);
    assert.equal(plan.lookAgainAtMs, NOW_MS + 600);
  });

  it('waits for devices that are coming back anyway', () => {
    const plan = assignDevices(
      capacity(2, {
        pending: [waits],
        holding: [holding('leaving', ['0'], { leaving: true }), holding('idle', ['1'])],
      }),
      NOW_MS,
    );
    assert.deepEqual(plan.giveWay, []);
  });

  it('ends the turn of a busy worker once somebody has waited long enough', () => {
    const busy = holding('busy', ['0'], { running: 3, idleSinceMs: null });
    const soon = assignDevices(capacity(1, { pending: [waits], holding: [busy] }), NOW_MS);
    assert.deepEqual([soon.giveWay, soon.lookAgainAtMs], [[], NOW_MS + 2_000]);
    const later = assignDevices(capacity(1, { pending: [waits], holding: [busy] }), NOW_MS + 2_000);
    assert.deepEqual(
      later.giveWay.map(({ workerId }) => workerId),
      ['busy'],
    );
  });

  it('frees nothing where it would not be enough', () => {
    const plan = assignDevices(
      capacity(2, {
        pending: [pending('large', { devices: 2, waitingSinceMs: 0 })],
        holding: [holding('idle', ['0']), holding('stuck', ['1'], { protected: true })],
      }),
      NOW_MS,
    );
    assert.deepEqual(plan.giveWay, []);
  });
});

it('never gives a device twice, never more than asked for, and never one that is held', () => {
  const arbitraryPending = fc.record({
    devices: fc.integer({ min: 0, max: 4 }),
    createdAtMs: fc.nat({ max: NOW_MS }),
    waitingSinceMs: fc.option(fc.nat({ max: NOW_MS })),
    held: fc.boolean(),
    reserved: fc.uniqueArray(fc.constantFrom('0', '1', '2', '3', '4', '5'), { maxLength: 2 }),
  });
  const arbitraryHolding = fc.record({
    count: fc.integer({ min: 1, max: 3 }),
    leaving: fc.boolean(),
    running: fc.nat({ max: 2 }),
    protected: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(arbitraryPending, { maxLength: 6 }),
      fc.array(arbitraryHolding, { maxLength: 4 }),
      (wants, holds) => {
        let next = 0;
        const holders = holds.flatMap(({ count, ...facts }, index) => {
          if (next + count > 6) return [];
          const devices = Array.from({ length: count }, () => String(next++));
          return [holding(`h${index}`, devices, facts)];
        });
        const reservedOnce = new Set<string>();
        const line = wants.map((want, index) =>
          pending(`p${index}`, {
            ...want,
            reserved: want.reserved.filter((id) => !reservedOnce.has(id) && reservedOnce.add(id)),
          }),
        );
        const plan = assignDevices(capacity(6, { pending: line, holding: holders }), NOW_MS);
        const given = new Set(holders.flatMap(({ devices }) => devices));
        for (const { workerId, devices } of plan.assign) {
          const want = line.find((candidate) => candidate.workerId === workerId);
          assert.ok(want !== undefined && !want.held);
          assert.equal(devices.length, want.devices);
          for (const id of devices) {
            assert.ok(!given.has(id), `device ${id} twice`);
            given.add(id);
            const claimant = line.find((candidate) => candidate.reserved.includes(id));
            assert.ok(claimant === undefined || claimant === want, 'a reserved device went to another');
          }
        }
        for (const { workerId } of plan.giveWay) {
          const victim = holders.find((candidate) => candidate.workerId === workerId);
          assert.ok(victim !== undefined && !victim.leaving && !victim.protected);
        }
      },
    ),
  );
});
