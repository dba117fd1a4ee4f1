import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointId, OwnerId, WorkerId } from '../../src/base/ids.ts';
import { newEndpoint, newEntry, newRevision, type EndpointEntry } from '../../src/control/endpoint-entry.ts';
import { loadOf, noteEnded, noteStarted } from '../../src/control/load-learning.ts';
import { createEndpointSpec } from '../../src/decide/update/create-spec.ts';
import { idleLimitMs } from '../../src/decide/autoscale/idle-keep.ts';
import { LoadModel } from '../../src/decide/autoscale/load-model.ts';
import { priceOfWaiting } from '../../src/decide/autoscale/price.ts';

const NOW_MS = 1_700_000_000_000;
const START_MS = 2_000;

function entryMadeAt(nowMs: number): EndpointEntry {
  const body = {
    type: 'sync',
    name: 'test',
    product_id: 'cpu',
    image: 'host',
    command: 'true',
    worker_config: { max_replicas: 5 },
  };
  const created = createEndpointSpec(body, { defaultRegionId: 'here' });
  assert.ok('spec' in created);
  const id = 'endpoint' as EndpointId;
  const owner = 'owner' as OwnerId;
  const origin = { createdAtMs: nowMs, createdBy: owner, fromRevision: null, restores: null };
  const revision = newRevision(id, 1, created, { ...origin, startTimeMs: START_MS });
  const endpoint = newEndpoint({
    id,
    type: created.type,
    appName: id,
    ownerId: owner,
    createdAtMs: nowMs,
    settings: created.settings,
  });
  return newEntry(endpoint, [revision], nowMs);
}

function modelOf({ endpoint: { settings } }: EndpointEntry, sinceMs: number): LoadModel {
  return new LoadModel(
    {
      slotsPerWorker: settings.maxConcurrentPerWorker,
      startMs: START_MS,
      minWorkers: settings.minReplicas,
      maxWorkers: settings.maxReplicas,
      idleLimitMs: idleLimitMs(settings),
      price: priceOfWaiting(settings.policy),
    },
    sinceMs,
  );
}

function learned(model: LoadModel, nowMs: number): unknown {
  return {
    service: model.measuredServiceMs,
    rate: model.rateAt(nowMs),
    weight: model.weight,
    scores: model.scores,
    keepMs: model.keepIdleMs(1, nowMs),
  };
}

function outcome(runMs: number) {
  return {
    workerId: 'worker' as WorkerId,
    revision: 1,
    status: 200,
    end: 'complete' as const,
    waitedMs: 0,
    runMs,
  };
}

test('what is learned late is what would have been learned at once, whenever it is asked for', () => {
  const requests = fc.array(
    fc.record({ gapMs: fc.nat(3_000), runMs: fc.nat(8_000), asked: fc.boolean(), many: fc.nat(80) }),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(requests, fc.nat(3_600_000), (drawn, asleepMs) => {
      const entry = entryMadeAt(NOW_MS);
      const atOnce = modelOf(entry, NOW_MS);
      let nowMs = NOW_MS + asleepMs;
      for (const { gapMs, runMs, asked, many } of drawn) {
        nowMs += gapMs;
        // More of them than are noted before the model is told.
        for (let count = 0; count <= many; count += 1) {
          noteStarted(entry, nowMs);
          atOnce.arrived(nowMs);
        }
        nowMs += runMs;
        for (let count = 0; count <= many; count += 1) {
          noteEnded(entry, outcome(runMs), nowMs);
          atOnce.served(nowMs - runMs, runMs, nowMs);
        }
        if (asked) assert.deepEqual(learned(loadOf(entry, nowMs), nowMs), learned(atOnce, nowMs));
      }
      assert.deepEqual(learned(loadOf(entry, nowMs), nowMs), learned(atOnce, nowMs));
    }),
    { numRuns: 40 },
  );
});

test('a worker that breaks says nothing of how long requests take', () => {
  const entry = entryMadeAt(NOW_MS);
  noteStarted(entry, NOW_MS);
  noteEnded(entry, { ...outcome(100), end: 'broke' }, NOW_MS + 100);
  assert.equal(loadOf(entry, NOW_MS + 100).measuredServiceMs, null);
});
