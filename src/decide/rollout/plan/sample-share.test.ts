import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seededRandom } from '../../../base/random.ts';
import { chooseWorker } from '../../admission/choice.ts';
import { sampleShare } from './sample-share.ts';

it('alone it is given all, beside others that idle almost nothing', () => {
  assert.equal(sampleShare(0, 1, 0.5), 1);
  assert.equal(sampleShare(3, 0, 5), 0);
  assert.ok(sampleShare(4, 1, 0.1) < 1e-3);
  assert.ok(Math.abs(sampleShare(3, 1, 1_000) - 0.25) < 1e-9);
});

/** Requests of exponential length that come by chance, given out by the gateway's own choice. */
function measuredShare(others: number, underProof: number, runningMean: number): number {
  const random = seededRandom(7);
  const exponential = (mean: number): number => -Math.log(1 - random.next()) * mean;
  const workers = Array.from({ length: others + underProof }, (_, index) => ({
    preference: 0,
    running: 0,
    open: true,
    sampleLeft: null,
    underProof: index >= others,
  }));
  const ends: { atMs: number; worker: (typeof workers)[number] }[] = [];
  let nowMs = 0;
  let given = 0;
  const total = 20_000;
  for (let count = 0; count < total; count += 1) {
    nowMs += exponential(1);
    for (const end of ends.filter(({ atMs }) => atMs <= nowMs)) {
      end.worker.running -= 1;
      ends.splice(ends.indexOf(end), 1);
    }
    const worker = chooseWorker(workers, 1_000) ?? assert.fail('no slot');
    worker.running += 1;
    if (worker.underProof) given += 1;
    ends.push({ atMs: nowMs + exponential(runningMean), worker });
  }
  return given / total;
}

it('it is what the gateway’s choice gives', () => {
  for (const [others, underProof, running] of [
    [1, 1, 0.7],
    [1, 1, 3],
    [3, 1, 2],
    [2, 2, 4],
    [4, 1, 12],
  ] as const) {
    const expected = sampleShare(others, underProof, running);
    const measured = measuredShare(others, underProof, running);
    assert.ok(
      Math.abs(expected - measured) < 0.12,
      `${others} others, ${underProof} under proof, ${running} running: ${expected} against ${measured}`,
    );
  }
});
