import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Rollout } from '../../model/endpoint.ts';
import {
  guardReport,
  NOW_MS,
  planOptions,
  revision,
  rollout,
  settings,
  worker,
  world,
} from '../sample-world.ts';
import type { EndpointWorld } from '../world.ts';
import { rolloutWaitsFor } from './waits-for.ts';

const fresh = worker('new', { revision: 2, readyAtMs: NOW_MS - 4_000, startedAtMs: NOW_MS - 6_000 });

function waitsFor(state: Partial<Rollout>, change: Partial<EndpointWorld> = {}): string {
  return rolloutWaitsFor(
    world({
      targetRevision: 2,
      rollout: rollout(state),
      revisions: new Map([
        [1, revision(1, { startTimeMs: 8_000 })],
        [2, revision(2, { startTimeMs: null })],
      ]),
      ...change,
    }),
    NOW_MS,
  );
}

it('a place, a next try, or a request', () => {
  assert.equal(waitsFor({ state: 'waiting' }), 'the next request: no worker runs');
  assert.equal(waitsFor({ state: 'waiting', notBeforeMs: NOW_MS + 2_500 }), 'its next try, 2.5 s from now');
  assert.match(
    waitsFor({ state: 'waiting' }, { settings: settings({ maxReplicas: 0 }) }),
    /^max_replicas to be raised/,
  );
  const message = 'no device is free';
  assert.equal(waitsFor({ state: 'waiting', message }, { workers: [worker('old')] }), message);
});

it('the first worker: its devices, those that drain for it, its start', () => {
  const pending = { ...fresh, state: 'pending' as const };
  assert.equal(waitsFor({ state: 'starting' }, { workers: [pending] }), 'its devices');
  const draining = worker('old', { state: 'draining', running: 3 });
  assert.match(
    waitsFor({ state: 'starting' }, { workers: [pending, draining] }),
    /^3 requests on 1 draining worker/,
  );
  assert.equal(
    waitsFor({ state: 'starting' }, { workers: [{ ...fresh, state: 'starting' }] }),
    'worker new to become ready: it starts since 6.0 s, 8.0 s are expected',
  );
  assert.equal(waitsFor({ state: 'starting' }), 'a new first worker');
});

it('the proof, with what the guard doubts', () => {
  const answered = guardReport({ target: { ...guardReport().target, answered: 7 } });
  assert.equal(
    waitsFor({ state: 'baking' }, { workers: [fresh], guard: answered }),
    '20 answers, 7 came, or 6.0 s more in service',
  );
  const target = { answered: 9, ended: 8, failed: 2, unanswered: 1, deaths: 0 };
  assert.match(
    waitsFor({ state: 'baking' }, { workers: [fresh], guard: guardReport({ target, doubtful: true }) }),
    /; the guard doubts it: 3 of 9 requests failed or hang, 0 workers died$/,
  );
  assert.equal(
    waitsFor({ state: 'baking' }, { workers: [fresh], options: planOptions({ firstStep: 3 }) }),
    '3 workers of its first step, 1 are ready',
  );
});

it('the old workers, the end of the watch, and somebody to resume it', () => {
  const old = [worker('a'), worker('b', { state: 'draining', running: 2 })];
  assert.equal(
    waitsFor({ state: 'rolling' }, { workers: [...old, fresh] }),
    '2 old workers to leave (1 draining, with 2 requests); 0 new workers starting',
  );
  const next = worker('next', { revision: 2, state: 'starting', readyAtMs: null });
  assert.equal(waitsFor({ state: 'rolling' }, { workers: [fresh, next] }), '1 new worker to become ready');
  assert.equal(
    waitsFor({ state: 'watching', stateSinceMs: NOW_MS - 20_000 }, { workers: [fresh] }),
    'the end of the watch, 40.0 s from now',
  );
  assert.equal(waitsFor({ state: 'rolling', order: 'pause' }), 'somebody to resume it');
});

it('nothing when it is over', () => {
  for (const state of ['done', 'failed', 'aborted', 'superseded'] as const)
    assert.equal(waitsFor({ state }), '');
  assert.equal(rolloutWaitsFor(world(), NOW_MS), '');
});
