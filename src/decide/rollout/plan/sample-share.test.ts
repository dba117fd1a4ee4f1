import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seededRandom } from '../../../base/random.ts';
import { chooseWorker } from '../../admission/choice.ts';
import { sampleShare } from './sample-share.ts';

it('nearly all of a light load, and of a heavy one what fits', () => {
  assert.equal(sampleShare(0, 4, 3), 0);
  assert.ok(sampleShare(4, 4, 0.1) > 0.999);
  assert.ok(Math.abs(sampleShare(1, 1, 1) - 0.5) < 1e-12);
  assert.ok(Math.abs(sampleShare(4, 4, 400) - 0.01) < 1e-3);
});

/** Requests of exponential length that come by chance, given out by the gateway's own choice. */
function measuredShare(underProof: number, slots: number, runningMean: number): number {
  const random = seededRandom(7);
  const exponential = (mean: number): number => -Math.log(1 - random.next()) * mean;
  const workers = Array.from({ length: 20 + underProof }, (_, index) => ({
    preference: index >= 20 ? 1 : 0,
    running: 0,
    open: true,
    sampleLeft: null,
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
    const worker = chooseWorker(workers, slots) ?? assert.fail('no slot');
    worker.running += 1;
    given += worker.preference;
    ends.push({ atMs: nowMs + exponential(runningMean), worker });
  }
  return given / total;
}

it('it is what the gateway’s choice gives', () => {
  for (const [underProof, slots, running] of [
    [1, 1, 0.7],
    [1, 4, 3],
    [2, 2, 4],
    [1, 4, 12],
  ] as const) {
    const expected = sampleShare(underProof * slots, 20 * slots, running);
    const measured = measuredShare(underProof, slots, running);
    assert.ok(
      Math.abs(expected - measured) < 0.03,
      `${underProof} under proof, ${slots} slots, ${running} running: ${expected} against ${measured}`,
    );
  }
});
