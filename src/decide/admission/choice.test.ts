import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { admit, chooseWorker, type WorkerPlaces } from './choice.ts';

const worker = fc.record({
  preference: fc.integer({ min: 0, max: 2 }),
  running: fc.integer({ min: 0, max: 5 }),
  open: fc.boolean(),
  sampleLeft: fc.option(fc.integer({ min: 0, max: 3 }), { nil: null }),
});
const hasPlace = (one: WorkerPlaces, slots: number): boolean =>
  one.open && one.running < slots && one.sampleLeft !== 0;

test('the chosen worker has a free slot, and none is left out while one has', () => {
  fc.assert(
    fc.property(fc.array(worker, { maxLength: 8 }), fc.integer({ min: 1, max: 5 }), (workers, slots) => {
      const chosen = chooseWorker(workers, slots);
      const free = workers.filter((one) => hasPlace(one, slots));
      if (chosen === null) {
        assert.equal(free.length, 0);
        return;
      }
      assert.ok(free.includes(chosen));
      for (const other of free) {
        assert.ok(chosen.preference >= other.preference);
        if (other.preference === chosen.preference) assert.ok(chosen.running <= other.running);
      }
    }),
  );
});

test('the earlier worker is chosen on a tie, so that the later ones can fall idle', () => {
  const first = { preference: 1, running: 1, open: true, sampleLeft: null };
  const second = { ...first };
  assert.equal(chooseWorker([first, second], 2), first);
});

test('an arrival starts only when nobody waits and a slot is free, and is refused only when the queue is full', () => {
  fc.assert(
    fc.property(
      fc.nat(4),
      fc.nat(4),
      fc.array(worker, { maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      (waiting, limit, workers, slots) => {
        const arrival = admit(waiting, limit, workers, slots);
        const free = workers.some((one) => hasPlace(one, slots));
        const expected = waiting === 0 && free ? 'start' : waiting < limit ? 'wait' : 'refuse';
        assert.equal(arrival.kind, expected);
      },
    ),
  );
});
