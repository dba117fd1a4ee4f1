import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../src/base/manual-clock.ts';
import type { EndpointEntry } from '../../src/control/endpoint-entry.ts';
import { WakeUps } from '../../src/control/wake-ups.ts';

function begin() {
  const clock = new ManualClock();
  const times: number[] = [];
  const began = clock.nowMs();
  const entry = { cancelWake: null, wakeDueMs: null, wakeIsSoon: false } as unknown as EndpointEntry;
  const wakeUps = new WakeUps({ clock }, () => times.push(clock.nowMs() - began));
  return { clock, times, entry, wakeUps, began };
}

test('many that ask for a look soon get one, and the next one that asks gets another', () => {
  const { clock, times, entry, wakeUps } = begin();
  for (let count = 0; count < 100; count += 1) wakeUps.soon(entry);
  clock.advance(5);
  assert.deepEqual(times, [0]);
  wakeUps.soon(entry);
  clock.advance(5);
  assert.deepEqual(times, [0, 5]);
});

test('a look that was asked for later comes at once when one is asked for soon, and not again', () => {
  const { clock, times, entry, wakeUps, began } = begin();
  wakeUps.at(entry, began + 1_000);
  wakeUps.soon(entry);
  clock.advance(2_000);
  assert.deepEqual(times, [0]);
});

test('a look that was called off is asked for anew', () => {
  const { clock, times, entry, wakeUps, began } = begin();
  wakeUps.soon(entry);
  wakeUps.onlyAt(entry, null);
  clock.advance(10);
  assert.deepEqual(times, []);
  wakeUps.soon(entry);
  wakeUps.onlyAt(entry, began + 500);
  clock.advance(10);
  wakeUps.soon(entry);
  clock.advance(1_000);
  assert.deepEqual(times, [20]);
});

test('nothing is looked at once it is closed', () => {
  const { clock, times, entry, wakeUps } = begin();
  wakeUps.soon(entry);
  wakeUps.close([entry]);
  wakeUps.soon(entry);
  clock.advance(10);
  assert.deepEqual(times, []);
});
