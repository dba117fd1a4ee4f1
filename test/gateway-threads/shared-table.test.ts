import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { giveSlots } from '../../src/gateway/threads/give-slots.ts';
import {
  LOST,
  MAIN_HOLDER,
  SIZE,
  SLOTS,
  SharedTable,
  FreeRows,
  tableMemory,
} from '../../src/gateway/threads/shared-table.ts';
import type { HammerSetup, HammerReport } from '../support/table-hammer-message.ts';
import { tablePlaces } from '../support/table-places.ts';

const THREADS = 2;
const SLOTS_PER_WORKER = 3;

function emptyTable(): { table: SharedTable; endpoint: number; workers: readonly number[] } {
  const table = new SharedTable(tableMemory(THREADS, 64, 4, 4));
  const endpoint = FreeRows.endpoints(table.memory).take();
  const rows = FreeRows.workers(table.memory);
  const workers = [rows.take(), rows.take()];
  table.set(endpoint, SLOTS, SLOTS_PER_WORKER);
  return { table, endpoint, workers };
}

test('threads that enter, leave and are given slots at once keep every count', async () => {
  const { table, endpoint, workers } = emptyTable();
  const threads = Array.from({ length: THREADS }, (_, thread) => {
    const workerData: HammerSetup = {
      table: table.memory,
      thread,
      endpoint,
      workers,
      slots: SLOTS_PER_WORKER,
      rounds: 200_000,
    };
    const execArgv = ['--disable-warning=ExperimentalWarning'];
    return new Worker(new URL('../support/table-hammer.ts', import.meta.url), { workerData, execArgv });
  });
  const exited = Promise.all(threads.map((thread) => new Promise((resolve) => thread.once('exit', resolve))));
  const reports = await Promise.all(
    threads.map(
      (thread) =>
        new Promise<HammerReport>((resolve, reject) => {
          thread.on('message', resolve);
          thread.on('error', reject);
        }),
    ),
  );
  await exited;
  for (const { most, wrong, waited, started } of reports) {
    assert.equal(wrong, 0);
    assert.ok(most <= SLOTS_PER_WORKER);
    assert.ok(waited > 100 && started > 100, 'they were not in each other’s way');
  }
  assert.deepEqual(
    [endpoint, ...workers].map((row) => table.get(row, SIZE)),
    [0, 0, 0],
  );
  assert.equal(table.first(endpoint), 0);
});

test('a thread that dies in the middle of a change leaves lists that can be made anew', () => {
  const { table, endpoint, workers } = emptyTable();
  const [first = 0, second = 0] = workers;
  const mine = table.requestsOf(0);
  const others = table.requestsOf(1);
  // Two of thread 0 and one of thread 1 run, two of each wait, by turns.
  table.enter(mine, endpoint, first, 1);
  table.enter(mine + 1, endpoint, second, 2);
  table.enter(others, endpoint, second, 3);
  for (const row of [mine + 2, others + 2, mine + 3, others + 3]) table.enter(row, endpoint, endpoint, 4);
  assert.ok(table.lock(endpoint, 1));
  // It dies with the lock, and with links that it had half changed.
  for (const list of [endpoint, ...workers]) for (const field of [1, 2, 3]) table.set(list, field, 77);
  for (const row of [mine + 2, others + 2]) for (const field of [1, 2]) table.set(row, field, 77);
  assert.equal(table.lock(endpoint, MAIN_HOLDER, 4), false, 'the lock is held');
  assert.equal(table.breakLock(endpoint, 2, MAIN_HOLDER), false, 'by thread 0');
  assert.equal(table.breakLock(endpoint, 1, MAIN_HOLDER), true);
  for (const row of table.requestsByEndpoint(0).get(endpoint) ?? []) table.forget(row);
  table.rebuild(endpoint, workers, 9);
  table.add(second, LOST, 1);
  table.unlock(endpoint);
  assert.deepEqual(
    [endpoint, first, second].map((row) => table.get(row, SIZE)),
    [2, 0, 1],
  );
  assert.equal(table.running(second), 2);
  assert.equal(table.first(endpoint), others + 2);
  assert.equal(table.next(others + 2), others + 3);
  assert.equal(table.next(others + 3), 0);

  assert.ok(table.lock(endpoint, 2), 'and the lock can be had again');
  const given: number[] = [];
  const places = tablePlaces(table, workers);
  giveSlots(table, endpoint, places, { nowMs: 9, onGiven: (row) => given.push(row) });
  table.unlock(endpoint);
  assert.deepEqual(given, [others + 2, others + 3], 'in the order in which they came');
});

test('an inbox hands over in order, and says when its thread must be woken', () => {
  const { table, endpoint } = emptyTable();
  const [a, b] = [table.requestsOf(1), table.requestsOf(1) + 1];
  for (const row of [a, b]) table.enter(row, endpoint, endpoint, 1);
  assert.deepEqual([table.tell(1, a), table.tell(1, b)], [true, false]);
  assert.deepEqual(table.takeInbox(0), []);
  assert.deepEqual(table.takeInbox(1), [a, b]);
  assert.equal(table.tell(1, a), true);
});
