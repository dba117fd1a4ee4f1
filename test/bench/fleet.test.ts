import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Fleet, type Cell, type Rule } from '../../bench/autoscale/fleet.ts';
import { fixed } from '../../bench/autoscale/peers/fixed.ts';
import { traceOf } from './support.ts';

const CELL: Cell = { slots: 1, startS: 10 };

it('counts workers from start to end and waits from arrival to slot', () => {
  const result = new Fleet(traceOf([0, 1], [4, 4]), CELL, 1).run(fixed({ workers: 1 }));
  // One worker, ready after its drawn start: the second request waits for the first one's end.
  const startS = result.workerSeconds - 8;
  assert.ok(startS > 3 && startS < 30, `${startS}`);
  assert.ok(Math.abs(result.waitingSeconds - (startS + (startS + 4 - 1))) < 1e-9);
  assert.equal(result.starts, 1);
  assert.equal(result.earlyWaitingSeconds, result.waitingSeconds);
});

it('gives a request to the busiest worker with a free slot, so that the others fall idle', () => {
  const seen: number[][] = [];
  const rule: Rule = {
    nextAtS: Infinity,
    act(fleet) {
      if (fleet.live === 0) fleet.start(2);
      if (fleet.running === 2)
        seen.push(fleet.workers.map((worker) => worker.running).toSorted((a, b) => a - b));
    },
  };
  new Fleet(traceOf([0, 100, 101], [1, 50, 50]), { slots: 2, startS: 1 }, 1).run(rule);
  assert.deepEqual(seen[0], [0, 2]);
});

it('lets a retired worker end what it runs, without new requests, and counts it until then', () => {
  const rule: Rule = {
    nextAtS: 50,
    act(fleet) {
      if (fleet.nowS === 0 && fleet.live === 0) fleet.start(1);
      if (fleet.nowS === 50 && rule.nextAtS === 50) {
        rule.nextAtS = Infinity;
        fleet.retire(1);
        assert.equal(fleet.live, 0);
        assert.equal(fleet.running, 1);
        fleet.start(1);
      }
    },
  };
  const result = new Fleet(traceOf([0, 40, 41], [1, 30, 1]), CELL, 1).run(rule);
  assert.equal(result.starts, 2);
  assert.ok(
    result.waitingSeconds > 9,
    'the second request waits for the new worker, not for the retired one',
  );
});

it('retires those that are not ready first', () => {
  const rule: Rule = {
    nextAtS: 60,
    act(fleet) {
      if (fleet.nowS === 0 && fleet.live === 0) fleet.start(1);
      if (fleet.nowS === 60 && rule.nextAtS === 60) {
        rule.nextAtS = Infinity;
        fleet.start(1);
        fleet.retire(1);
        assert.deepEqual([fleet.ready, fleet.starting], [1, 0]);
      }
    },
  };
  new Fleet(traceOf([0, 70], [1, 1]), CELL, 1).run(rule);
});

it('is the same run for the same seed', () => {
  const trace = traceOf([0, 3, 5, 90], [4, 4, 4, 4]);
  const run = (seed: number) => new Fleet(trace, CELL, seed).run(fixed({ workers: 2 }));
  assert.deepEqual(run(7), run(7));
  assert.notDeepEqual(run(7), run(8));
});

it('says so when a rule lets requests wait for ever', () => {
  const nothing: Rule = { nextAtS: Infinity, act() {} };
  assert.throws(() => new Fleet(traceOf([0], [1]), CELL, 1).run(nothing), /wait for ever/);
});
