/** One of several threads that use the same lines and slots as fast as they can. */
import { parentPort, workerData } from 'node:worker_threads';
import { chooseWorker } from '../../src/decide/admission/choice.ts';
import { giveSlots } from '../../src/gateway/threads/give-slots.ts';
import { ROW_WORDS, SIZE, SharedTable, UNHEARD } from '../../src/gateway/threads/shared-table.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { HammerReport, HammerSetup } from './table-hammer-message.ts';
import { tablePlaces } from './table-places.ts';

const { table: memory, thread, endpoint, workers, slots, rounds } = workerData as HammerSetup;
const table = new SharedTable(memory);
const random = seededRandom(thread);
const holder = thread + 1;
const free = Array.from({ length: memory.requestsPerThread }, (_, index) => table.requestsOf(thread) + index);
const held: number[] = [];
const places = tablePlaces(table, workers);
let most = 0;
let wrong = 0;
let waited = 0;
let started = 0;

function look(): void {
  for (const place of places) most = Math.max(most, place.running);
  // Nobody waits while a slot is free.
  if (table.get(endpoint, SIZE) > 0 && chooseWorker(places, slots) !== null) wrong += 1;
}

function give(): void {
  giveSlots(table, endpoint, places, {
    nowMs: 0,
    onGiven: (row, other) => {
      if (other !== thread) table.tell(other, row);
    },
  });
}

function enter(): void {
  const row = free.pop();
  if (row === undefined) return;
  table.lock(endpoint, holder);
  const place = table.get(endpoint, SIZE) === 0 ? chooseWorker(places, slots) : null;
  table.enter(row, endpoint, place?.row ?? endpoint, 0);
  look();
  table.unlock(endpoint);
  held.push(row);
  if (place === null) waited += 1;
  else started += 1;
}

/** Whether it waits or runs: it is over. */
function end(): void {
  const [row] = held.splice(Math.floor(random.next() * held.length), 1);
  if (row === undefined) return;
  table.lock(endpoint, holder);
  if (table.listOf(row) === 0) wrong += 1;
  table.remove(row);
  give();
  look();
  table.unlock(endpoint);
  // Once it is in nobody's inbox, its row can be used again.
  for (const given of table.takeInbox(thread)) table.unmark(given, UNHEARD);
  free.push(row);
}

/** A word of the endpoint's row that nothing else uses. */
const READY = 15;
const ready = endpoint * ROW_WORDS + READY;
Atomics.add(table.words, ready, 1);
Atomics.notify(table.words, ready);
for (let seen = 0; seen < memory.threads; seen = Atomics.load(table.words, ready)) {
  Atomics.wait(table.words, ready, seen, 5);
}
for (let round = 0; round < rounds; round += 1) {
  // Around as many as there are slots for one thread's part.
  if (held.length < random.next() * 2 * slots) enter();
  else end();
}
while (held.length > 0) end();
const report: HammerReport = { most, wrong, waited, started };
parentPort?.postMessage(report);
