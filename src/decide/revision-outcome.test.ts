import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Revision } from '../model/endpoint.ts';
import { revisionOutcome } from './revision-outcome.ts';

const made = { settings: {}, stableAtMs: null, failure: null } as unknown as Revision;

test('what became of a revision follows from the records', () => {
  const endpoint = { stableRevision: 5, targetRevision: 7 };
  for (const [change, outcome] of [
    [{ number: 7 }, 'rolling_out'],
    [{ number: 5, stableAtMs: 1 }, 'in_force'],
    [{ number: 6, failure: 'it exited' }, 'failed'],
    [{ number: 4, stableAtMs: 1 }, 'replaced'],
    [{ number: 4, stableAtMs: 1, failure: 'it got worse' }, 'failed'],
    [{ number: 3 }, 'superseded'],
    [{ number: 2, settings: null }, 'unknown'],
  ] as const) {
    assert.equal(revisionOutcome({ ...made, ...(change as Partial<Revision>) }, endpoint), outcome);
  }
});
