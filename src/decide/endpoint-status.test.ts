import assert from 'node:assert/strict';
import { it } from 'node:test';
import { rollout, settings } from './sample-world.ts';
import { endpointStatus, type StatusFacts } from './endpoint-status.ts';

const FACTS: StatusFacts = {
  settings: settings(),
  deleting: false,
  rollout: null,
  startFailures: 0,
  waiting: 0,
  workers: [],
  everReady: true,
};
const READY = [{ state: 'ready' as const }];

const ROWS: readonly (readonly [string, Partial<StatusFacts>, string])[] = [
  ['being deleted, whatever else', { deleting: true, settings: settings({ maxReplicas: 0 }) }, 'terminating'],
  ['max_replicas 0', { settings: settings({ maxReplicas: 0 }), startFailures: 9 }, 'stopped'],
  [
    'a crash loop with nothing ready',
    { startFailures: 3, rollout: rollout({ state: 'starting' }) },
    'failed',
  ],
  ['a crash loop beside a ready worker', { startFailures: 3, workers: READY }, 'degraded'],
  ['a rollout under way', { rollout: rollout({ state: 'baking' }), workers: READY }, 'updating'],
  ['a rollout that waits for the next request', { rollout: rollout({ state: 'waiting' }) }, 'running'],
  [
    'a rollout between two tries, for a request that waits',
    { rollout: rollout({ state: 'waiting', mode: 'cold' }), waiting: 1 },
    'updating',
  ],
  [
    'a rollout between two tries, with nobody there',
    { rollout: rollout({ state: 'waiting', mode: 'cold' }) },
    'running',
  ],
  ['a rollout that ended', { rollout: rollout({ state: 'failed' }), workers: READY }, 'running'],
  [
    'min_replicas not ready for the first time',
    { settings: settings({ minReplicas: 1 }), everReady: false },
    'initializing',
  ],
  ['min_replicas no longer reached', { settings: settings({ minReplicas: 1 }) }, 'degraded'],
  ['an unhealthy worker', { workers: [...READY, { state: 'unhealthy' }] }, 'degraded'],
  ['asleep at zero', {}, 'running'],
  ['serving', { workers: READY }, 'running'],
];

for (const [name, facts, status] of ROWS) {
  it(`${name}: ${status}`, () => assert.equal(endpointStatus({ ...FACTS, ...facts }), status));
}
