import assert from 'node:assert/strict';
import { it } from 'node:test';
import { guardReport, planOptions, rollout, world } from '../sample-world.ts';
import { proofShareOf } from './proof-share.ts';

const answered = (count: number, doubtful = false) =>
  guardReport({ doubtful, target: { ...guardReport().target, answered: count } });
const baking = world({ targetRevision: 2, rollout: rollout({ state: 'baking' }) });

it('a sample, until it is used up and leaves a doubt', () => {
  assert.equal(proofShareOf(baking), 'sample');
  assert.equal(proofShareOf({ ...baking, guard: answered(3, true) }), 'sample');
  assert.equal(proofShareOf({ ...baking, guard: answered(20) }), 'sample');
  assert.equal(proofShareOf({ ...baking, guard: answered(20, true) }), 'more');
});

it('a first step of several workers carries its part of the load when its sample is had', () => {
  const options = planOptions({ firstStep: 3 });
  assert.equal(proofShareOf({ ...baking, options, guard: answered(3) }), 'more');
  assert.equal(proofShareOf({ ...baking, options, guard: answered(20) }), 'even');
});

it('a paused rollout shares the load evenly', () => {
  const paused = { ...baking, rollout: rollout({ state: 'baking', order: 'pause' }) };
  assert.equal(proofShareOf({ ...paused, guard: answered(20, true) }), 'even');
});
