import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { behaviourOfCommand, drawStartMs, pullMsOfCommand, type StartTimes } from './worker-behaviour.ts';

describe('a behaviour written as a command', () => {
  it('says when the worker is ready, ends and stops', () => {
    assert.deepEqual(behaviourOfCommand('start=700 stop=50'), { readyMs: 700, stopMs: 50, endsMs: null });
    assert.deepEqual(behaviourOfCommand('start=50 dies=3000'), { readyMs: 50, stopMs: 20, endsMs: 3_000 });
    assert.deepEqual(behaviourOfCommand('never'), { readyMs: null, stopMs: 20, endsMs: null });
    assert.deepEqual(behaviourOfCommand('exit'), { readyMs: null, stopMs: 20, endsMs: 1 });
  });

  it('says how long its pull takes', () => {
    assert.equal(pullMsOfCommand('pull=800 start=200'), 800);
    assert.equal(pullMsOfCommand('start=200'), 0);
  });
});

describe('start times', () => {
  function draw(times: StartTimes): number[] {
    const random = seededRandom(1);
    return Array.from({ length: 20_000 }, () => drawStartMs(times, random));
  }

  it('that are fixed are always the same', () => {
    assert.deepEqual([...new Set(draw({ kind: 'fixed', ms: 300 }))], [300]);
  });

  it('that are log-normal have their mean and their spread, and are never negative', () => {
    const drawn = draw({ kind: 'logNormal', meanMs: 5_000, coefficientOfVariation: 0.25 });
    const mean = drawn.reduce((sum, ms) => sum + ms, 0) / drawn.length;
    const deviation = Math.sqrt(drawn.reduce((sum, ms) => sum + (ms - mean) ** 2, 0) / drawn.length);
    assert.ok(Math.abs(mean - 5_000) < 50, `${mean}`);
    assert.ok(Math.abs(deviation / mean - 0.25) < 0.01, `${deviation / mean}`);
    assert.ok(drawn.every((ms) => ms > 0));
  });

  it('that were measured are each as likely as the others', () => {
    const drawn = draw({ kind: 'samples', ms: [1, 2, 3, 4] });
    for (const ms of [1, 2, 3, 4]) {
      const share = drawn.filter((one) => one === ms).length / drawn.length;
      assert.ok(Math.abs(share - 0.25) < 0.02, `${ms}: ${share}`);
    }
  });
});
