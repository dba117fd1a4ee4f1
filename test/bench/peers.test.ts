import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Cell } from '../../bench/autoscale/fleet.ts';
import { cloudRun } from '../../bench/autoscale/peers/cloud-run.ts';
import { fixed } from '../../bench/autoscale/peers/fixed.ts';
import { keda } from '../../bench/autoscale/peers/keda.ts';
import { knative } from '../../bench/autoscale/peers/knative.ts';
import { modal } from '../../bench/autoscale/peers/modal.ts';
import { rayServe } from '../../bench/autoscale/peers/ray-serve.ts';
import { runpodQueueDelay, runpodRequestCount } from '../../bench/autoscale/peers/runpod.ts';
import { PEER_SETTINGS } from '../../bench/autoscale/peers/settings.ts';
import { skyServe } from '../../bench/autoscale/peers/sky-serve.ts';
import { liveAt, traceOf } from './support.ts';

const QUICK: Cell = { slots: 1, startS: 0.01 };
const SLOW: Cell = { slots: 1, startS: 100 };
/** One long request, and a last one that keeps the run going until then. */
const oneAndLater = (serviceS: number, laterS: number) => traceOf([0, laterS], [serviceS, 1]);
const together = (count: number, serviceS: number, laterS: number) =>
  traceOf(
    [...Array.from({ length: count }, () => 0), laterS],
    [...Array.from({ length: count }, () => serviceS), 1],
  );

it('every peer has one default, and is there with all its knobs', () => {
  const peers = Map.groupBy(PEER_SETTINGS, ({ peer }) => peer);
  assert.equal(peers.size, 9);
  for (const [peer, settings] of peers) {
    assert.equal(settings.filter(({ isDefault }) => isDefault).length, 1, peer);
    assert.equal(new Set(settings.map(({ knobs }) => knobs)).size, settings.length, peer);
  }
});

it('Knative: zero after the stable window is empty and the grace is over', () => {
  const rule = knative({ utilisation: 0.7, stableS: 60, graceS: 30 });
  // Busy until 10 s; the window is empty from about 70 s, the grace over at about 100 s.
  assert.deepEqual(liveAt(rule, oneAndLater(10, 200), QUICK, [5, 65, 95, 110]), [2, 1, 1, 0]);
});

it('Knative: panics at twice the ready ones and does not go down until a stable window later', () => {
  const rule = knative({ utilisation: 1, stableS: 60, graceS: 30 });
  const seen = liveAt(rule, together(10, 5, 200), QUICK, [3, 10, 40, 120]);
  assert.equal(seen[0], 10);
  assert.equal(seen[1], seen[2]);
  assert.equal(seen[3], 0);
});

it('RunPod delay: the first at once, more for those that waited longer than the value, idle ones leave', () => {
  const rule = runpodQueueDelay({ valueS: 4, idleS: 5 });
  assert.deepEqual(liveAt(rule, together(3, 1, 1_000), SLOW, [3, 4.5]), [1, 3]);
  const quick = runpodQueueDelay({ valueS: 4, idleS: 5 });
  assert.deepEqual(liveAt(quick, oneAndLater(1, 100), QUICK, [0.5, 5.9, 6.1]), [1, 1, 0]);
});

it('RunPod count: queued and running over the value, idle surplus leaves at once', () => {
  const rule = runpodRequestCount({ value: 4 });
  assert.deepEqual(liveAt(rule, together(9, 10, 100), SLOW, [1]), [3]);
  const quick = runpodRequestCount({ value: 1 });
  assert.deepEqual(liveAt(quick, oneAndLater(1, 100), QUICK, [0.5, 1.5]), [1, 0]);
});

it('Modal: inputs over slots, and a window before an idle one leaves', () => {
  const seen = liveAt(
    modal({ scaledownS: 60 }),
    together(5, 1, 200),
    { slots: 2, startS: 0.01 },
    [0.5, 50, 70],
  );
  assert.deepEqual(seen, [3, 3, 0]);
});

it('KEDA: every 15 s, at most twice or four more, down by the maximum of the window, zero after it', () => {
  const rule = keda({ utilisation: 1, windowS: 300 });
  const seen = liveAt(rule, together(20, 40, 1_000), { slots: 1, startS: 1_000 }, [10, 16, 31, 46]);
  assert.deepEqual(seen, [1, 5, 10, 20]);
  const quiet = keda({ utilisation: 1, windowS: 300 });
  assert.deepEqual(liveAt(quiet, oneAndLater(10, 600), QUICK, [20, 300, 340]), [1, 1, 0]);
});

it('Ray Serve: moves only after it was asked to for long enough in a row', () => {
  const rule = rayServe({ targetShare: 1, upS: 30, downS: 600 });
  const seen = liveAt(rule, together(4, 200, 2_000), QUICK, [20, 40, 790, 900]);
  assert.deepEqual(seen.slice(0, 2), [1, 4]);
  assert.equal(seen[2], 4);
  assert.equal(seen[3], 0);
});

it('SkyServe: the rate over what a replica takes, up after 300 s, down after 1200 s', () => {
  // A request a second, each for 4 s at a load of 0.8: five replicas.
  const arrivals = Array.from({ length: 900 }, (_, second) => second);
  const trace = traceOf([...arrivals, 4_000], [...arrivals.map(() => 4), 1]);
  const rule = skyServe({ load: 0.8, upS: 300, downS: 1_200, meanServiceS: 4 });
  const seen = liveAt(rule, trace, QUICK, [200, 500, 1_500, 3_500]);
  assert.deepEqual([seen[0], seen[1]], [1, 5]);
  assert.equal(seen[3], 0);
});

it('Cloud Run: starts for what is pending, 60 % of the minute’s concurrency, idle ones kept', () => {
  const rule = cloudRun({ idleS: 300 });
  // Three at once run for 200 s: 3 / 0.6 = 5.
  assert.deepEqual(liveAt(rule, together(3, 200, 2_000), QUICK, [1, 100, 290, 600]), [3, 5, 5, 0]);
});

it('fixed: as many from the beginning to the end', () => {
  assert.deepEqual(liveAt(fixed({ workers: 3 }), oneAndLater(1, 100), QUICK, [0.5, 50, 99]), [3, 3, 3]);
});
