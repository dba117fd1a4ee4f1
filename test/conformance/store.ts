import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AppError, type ErrorCode } from '../../src/base/errors.ts';
import type { EndpointId, OwnerId, WorkerId } from '../../src/base/ids.ts';
import { ANSWER_KEPT_MS, ANSWERS_KEPT_MAX } from '../../src/model/kept-answer.ts';
import type { ArrivalChunk, Store } from '../../src/ports/store.ts';
import {
  storedAnswer,
  storedApiKey,
  storedArrivalChunk,
  storedEndpoint,
  storedRevision,
  storedWorker,
} from '../support/stored-records.ts';

/** A place for one store. `open` opens what an earlier store left there. */
export interface StorePlace {
  open(): Promise<Store>;
  remove(): Promise<void>;
}

const GONE = 'gone' as EndpointId;

/** What every store must do. Each test has a place of its own and tells nothing of how it is made. */
export function storeConformance(name: string, newPlace: () => Promise<StorePlace>): void {
  const withStore = async (body: (store: Store, place: StorePlace) => Promise<void>): Promise<void> => {
    const place = await newPlace();
    try {
      const store = await place.open();
      try {
        await body(store, place);
      } finally {
        await store.close();
      }
    } finally {
      await place.remove();
    }
  };

  suite(`store: ${name}`, () => {
    test('a new store is empty', async () => {
      await withStore(async (store) => {
        assert.deepEqual(await store.endpointList(), []);
        assert.deepEqual(await store.workerList(), []);
        assert.deepEqual(await store.apiKeyList(), []);
        assert.deepEqual(await store.revisionList(GONE), []);
      });
    });

    test('every field of every record comes back, in this store and in the next one', async () => {
      await withStore(async (store, place) => {
        const endpoint = storedEndpoint('e1');
        const revision = storedRevision('e1', 1, { failure: 'it exited', startTimeMs: 312.25 });
        const workers = [
          storedWorker('w1', 'e1'),
          storedWorker('w2', 'e1', {
            state: 'failed',
            exit: { code: null, signal: 'SIGKILL', outOfMemory: true, peakMemoryMib: 512 },
            devices: [],
          }),
        ];
        const key = storedApiKey('abc', { admin: false });
        await store.endpointInsert(endpoint, revision);
        for (const worker of workers) await store.workerPut(worker);
        await store.apiKeyInsert(key);
        const check = async (reader: Store): Promise<void> => {
          assert.deepEqual(await reader.endpointList(), [endpoint]);
          assert.deepEqual(await reader.revisionList(endpoint.id), [revision]);
          assert.deepEqual(await reader.workerList(), workers);
          assert.deepEqual(await reader.apiKeyList(), [key]);
        };
        await check(store);
        await store.close();
        await reopened(place, check);
      });
    });

    test('lists are in order of creation, whatever the order of the writes', async () => {
      await withStore(async (store) => {
        for (const [id, createdAtMs] of [
          ['b', 20],
          ['c', 10],
          ['a', 20],
        ] as const) {
          await store.endpointInsert(storedEndpoint(id, { createdAtMs }), storedRevision(id, 1));
          await store.workerPut(storedWorker(`w-${id}`, id, { createdAtMs }));
          await store.apiKeyInsert(storedApiKey(`h-${id}`, { createdAtMs }));
        }
        assert.deepEqual(ids(await store.endpointList()), ['c', 'a', 'b']);
        assert.deepEqual(ids(await store.workerList()), ['w-c', 'w-a', 'w-b']);
        assert.deepEqual(
          (await store.apiKeyList()).map((key) => key.hash),
          ['h-c', 'h-a', 'h-b'],
        );
      });
    });

    test('an update replaces the record and adds its revision', async () => {
      await withStore(async (store) => {
        const first = storedEndpoint('e1');
        await store.endpointInsert(first, storedRevision('e1', 1));
        const next = storedEndpoint('e1', {
          generation: 2,
          deleting: true,
          rollout: null,
          targetRevision: null,
          message: '',
          settings: { ...first.settings, maxReplicas: 0 },
        });
        await store.endpointUpdate(next, 1, storedRevision('e1', 2));
        assert.deepEqual(await store.endpointList(), [next]);
        assert.deepEqual(
          (await store.revisionList(first.id)).map((revision) => revision.number),
          [1, 2],
        );
      });
    });

    test('an update of another generation, or of no endpoint, is refused whole', async () => {
      await withStore(async (store) => {
        const first = storedEndpoint('e1', { generation: 7 });
        await store.endpointInsert(first, storedRevision('e1', 1));
        const stale = storedEndpoint('e1', { generation: 9, message: 'stale' });
        for (const expected of [6, 8]) {
          await refusedWith('STORE_CONFLICT', store.endpointUpdate(stale, expected, storedRevision('e1', 2)));
        }
        await refusedWith('STORE_CONFLICT', store.endpointUpdate(storedEndpoint('e2'), 1));
        assert.deepEqual(await store.endpointList(), [first]);
        assert.equal((await store.revisionList(first.id)).length, 1);
      });
    });

    test('an update whose revision exists already changes nothing', async () => {
      await withStore(async (store) => {
        const first = storedEndpoint('e1');
        const revision = storedRevision('e1', 1);
        await store.endpointInsert(first, revision);
        const second = { ...revision, failure: 'another one' };
        await refusedWith(
          'STORE_CONFLICT',
          store.endpointUpdate(storedEndpoint('e1', { generation: 2 }), 1, second),
        );
        assert.deepEqual(await store.endpointList(), [first]);
        assert.deepEqual(await store.revisionList(first.id), [revision]);
      });
    });

    test('two updates of one generation: the first wins, the second is refused', async () => {
      await withStore(async (store) => {
        await store.endpointInsert(storedEndpoint('e1'), storedRevision('e1', 1));
        const results = await Promise.allSettled(
          ['first', 'second'].map(async (message) => {
            await store.endpointUpdate(storedEndpoint('e1', { generation: 2, message }), 1);
          }),
        );
        assert.deepEqual(
          results.map((result) => result.status),
          ['fulfilled', 'rejected'],
        );
        assert.equal((await store.endpointList())[0]?.message, 'first');
      });
    });

    test('a taken app name is refused with both records left out, and is free again after a delete', async () => {
      await withStore(async (store) => {
        await store.endpointInsert(storedEndpoint('e1', { appName: 'shop' }), storedRevision('e1', 1));
        const insert = async (): Promise<void> => {
          await store.endpointInsert(storedEndpoint('e2', { appName: 'shop' }), storedRevision('e2', 1));
        };
        const error = await refusedWith('SERVERLESS_APP_NAME_IS_EXIST', insert());
        assert.match(error.message, /"shop"/);
        assert.deepEqual(await store.revisionList('e2' as EndpointId), []);
        await store.endpointDelete('e1' as EndpointId);
        await insert();
        assert.deepEqual(ids(await store.endpointList()), ['e2']);
      });
    });

    test('an endpoint is inserted once', async () => {
      await withStore(async (store) => {
        const first = storedEndpoint('e1');
        await store.endpointInsert(first, storedRevision('e1', 1));
        const second = storedEndpoint('e1', { appName: 'other' });
        await refusedWith('STORE_CONFLICT', store.endpointInsert(second, storedRevision('e1', 2)));
        assert.deepEqual(await store.endpointList(), [first]);
        assert.equal((await store.revisionList(first.id)).length, 1);
      });
    });

    test('a delete takes the revisions and workers of that endpoint and of no other', async () => {
      await withStore(async (store) => {
        for (const id of ['e1', 'e2']) {
          await store.endpointInsert(storedEndpoint(id), storedRevision(id, 1));
          await store.workerPut(storedWorker(`w-${id}`, id));
        }
        await store.endpointDelete('e1' as EndpointId);
        assert.deepEqual(ids(await store.endpointList()), ['e2']);
        assert.deepEqual(ids(await store.workerList()), ['w-e2']);
        assert.deepEqual(await store.revisionList('e1' as EndpointId), []);
        assert.equal((await store.revisionList('e2' as EndpointId)).length, 1);
      });
    });

    test('what is not there can be deleted', async () => {
      await withStore(async (store) => {
        await store.endpointDelete(GONE);
        await store.workerDelete('gone' as WorkerId);
        await store.revisionDelete(GONE, 1);
        assert.deepEqual(await store.endpointList(), []);
      });
    });

    test('one revision can be deleted without the others', async () => {
      await withStore(async (store) => {
        const endpoint = storedEndpoint('e1');
        await store.endpointInsert(endpoint, storedRevision('e1', 1));
        const next = { ...endpoint, generation: endpoint.generation + 1 };
        await store.endpointUpdate(next, endpoint.generation, storedRevision('e1', 2));
        await store.revisionDelete(endpoint.id, 1);
        const numbers = (await store.revisionList(endpoint.id)).map((revision) => revision.number);
        assert.deepEqual(numbers, [2]);
      });
    });

    test('of a revision only its progress changes', async () => {
      await withStore(async (store) => {
        const revision = storedRevision('e1', 1);
        await store.endpointInsert(storedEndpoint('e1'), revision);
        const change = {
          failure: 'it answered 500',
          stableAtMs: 5,
          startTimeMs: 1_234.5,
          pullTimeMs: 0,
          drainTimeMs: 7.25,
          stopTimeMs: 3,
        };
        await store.revisionUpdate({
          ...revision,
          ...change,
          createdAtMs: 1,
          createdBy: null,
          settings: null,
          restores: 9,
          spec: { ...revision.spec, command: 'another' },
        });
        assert.deepEqual(await store.revisionList(revision.endpointId), [{ ...revision, ...change }]);
        await refusedWith('STORE_CONFLICT', store.revisionUpdate(storedRevision('e1', 2)));
        await refusedWith('STORE_CONFLICT', store.revisionUpdate(storedRevision('gone', 1)));
      });
    });

    test('an answer is kept with the change it answers, or neither is', async () => {
      await withStore(async (store, place) => {
        const endpoint = storedEndpoint('e1');
        const answers = ['a', 'b', 'c'].map((key) => storedAnswer(key));
        const [first, second, third] = answers;
        assert.ok(first !== undefined && second !== undefined && third !== undefined);
        await store.endpointInsert(endpoint, storedRevision('e1', 1), first);
        const next = storedEndpoint('e1', { generation: 2, message: 'next' });
        await store.endpointUpdate(next, 1, storedRevision('e1', 2), second);
        await refusedWith('STORE_CONFLICT', store.endpointUpdate(next, 1, undefined, third));
        // A key that is taken: the change is left out with its answer.
        const another = storedEndpoint('e1', { generation: 3, message: 'another' });
        await refusedWith('STORE_CONFLICT', store.endpointUpdate(another, 2, undefined, second));
        const twin = storedEndpoint('e2');
        await refusedWith('STORE_CONFLICT', store.endpointInsert(twin, storedRevision('e2', 1), first));
        const check = async (reader: Store): Promise<void> => {
          assert.deepEqual(await reader.endpointList(), [next]);
          const found = ['a', 'b', 'c'].map(
            async (key) => await reader.answerFind(first.ownerId, key, first.createdAtMs),
          );
          assert.deepEqual(await Promise.all(found), [first, second, null]);
        };
        await check(store);
        await store.close();
        await reopened(place, check);
      });
    });

    test('an answer is its owner’s, outlives the endpoint, and goes after a day', async () => {
      await withStore(async (store) => {
        const answer = storedAnswer('k');
        const { ownerId, createdAtMs } = answer;
        await store.endpointInsert(storedEndpoint('e1'), storedRevision('e1', 1), answer);
        await store.endpointDelete('e1' as EndpointId);
        assert.equal(await store.answerFind('owner-2' as OwnerId, 'k', createdAtMs), null);
        await store.answerInsert(storedAnswer('k', { ownerId: 'owner-2' as OwnerId }));
        const lastMs = createdAtMs + ANSWER_KEPT_MS - 1;
        assert.deepEqual(await store.answerFind(ownerId, 'k', lastMs), answer);
        await refusedWith('STORE_CONFLICT', store.answerInsert({ ...answer, createdAtMs: lastMs }));
        assert.equal(await store.answerFind(ownerId, 'k', lastMs + 1), null);
        const again = { ...answer, createdAtMs: lastMs + 1, fingerprint: 'other' };
        await store.answerInsert(again);
        assert.deepEqual(await store.answerFind(ownerId, 'k', lastMs + 1), again);
      });
    });

    test('of one owner the last answers are kept, and no more', async () => {
      await withStore(async (store) => {
        const { ownerId, createdAtMs } = storedAnswer('');
        const other = storedAnswer('other', { ownerId: 'owner-2' as OwnerId });
        await store.answerInsert(other);
        const total = ANSWERS_KEPT_MAX + 2;
        await Promise.all(
          Array.from({ length: total }, async (_, index) => {
            await store.answerInsert(storedAnswer(`k${index}`, { createdAtMs: createdAtMs + index }));
          }),
        );
        const nowMs = createdAtMs + total;
        const kept = async (key: string, of = ownerId): Promise<boolean> =>
          (await store.answerFind(of, key, nowMs)) !== null;
        assert.deepEqual([await kept('k0'), await kept('k1'), await kept('k2')], [false, false, true]);
        assert.ok(await kept(`k${total - 1}`));
        assert.ok(await kept('other', other.ownerId));
      });
    });

    test('a worker is put again and again, and deleted', async () => {
      await withStore(async (store) => {
        await store.endpointInsert(storedEndpoint('e1'), storedRevision('e1', 1));
        const worker = storedWorker('w1', 'e1', { state: 'pending', devices: [], addresses: {} });
        const ready = storedWorker('w1', 'e1');
        await store.workerPut(worker);
        assert.deepEqual(await store.workerList(), [worker]);
        await store.workerPut(ready);
        assert.deepEqual(await store.workerList(), [ready]);
        await store.workerDelete(ready.id);
        assert.deepEqual(await store.workerList(), []);
      });
    });

    test('a worker of no endpoint is refused', async () => {
      await withStore(async (store) => {
        await refusedWith('STORE_CONFLICT', store.workerPut(storedWorker('w1', 'gone')));
        assert.deepEqual(await store.workerList(), []);
      });
    });

    test('an API key is inserted once', async () => {
      await withStore(async (store) => {
        await store.apiKeyInsert(storedApiKey('abc'));
        await refusedWith('STORE_CONFLICT', store.apiKeyInsert(storedApiKey('abc', { name: 'second' })));
        assert.deepEqual(await store.apiKeyList(), [storedApiKey('abc')]);
      });
    });

    test('an arrival chunk comes back byte by byte, and is replaced by a longer one of its id', async () => {
      await withStore(async (store, place) => {
        await store.endpointInsert(storedEndpoint('e1'), storedRevision('e1', 1));
        const chunk = storedArrivalChunk('c1', 'e1');
        await store.arrivalChunkPut(chunk);
        assert.deepEqual(await chunksOf(store, 'e1'), [chunk]);
        const grown = { ...chunk, lastEndMs: chunk.lastEndMs + 5_000, count: 40, bytes: allBytes() };
        await store.arrivalChunkPut(grown);
        const check = async (reader: Store): Promise<void> => {
          assert.deepEqual(await chunksOf(reader, 'e1'), [grown]);
        };
        await check(store);
        await store.close();
        await reopened(place, check);
      });
    });

    test('an arrival chunk of no endpoint is refused, and those of a deleted one are gone', async () => {
      await withStore(async (store) => {
        await refusedWith('STORE_CONFLICT', store.arrivalChunkPut(storedArrivalChunk('c1', 'gone')));
        for (const id of ['e1', 'e2']) {
          await store.endpointInsert(storedEndpoint(id), storedRevision(id, 1));
          await store.arrivalChunkPut(storedArrivalChunk(`c-${id}`, id));
        }
        await store.endpointDelete('e1' as EndpointId);
        assert.deepEqual(await chunksOf(store, 'e1'), []);
        assert.deepEqual(ids(await chunksOf(store, 'e2')), ['c-e2']);
      });
    });

    test('arrival chunks are read oldest first, from a time on, page by page', async () => {
      await withStore(async (store) => {
        await store.endpointInsert(storedEndpoint('e1'), storedRevision('e1', 1));
        await store.endpointInsert(storedEndpoint('e2'), storedRevision('e2', 1));
        // Two begin in the same millisecond, and they were not written in order.
        const starts = { d: 300, b: 200, a: 100, c: 200 };
        for (const [id, firstEndMs] of Object.entries(starts)) {
          await store.arrivalChunkPut(
            storedArrivalChunk(id, 'e1', { firstEndMs, lastEndMs: firstEndMs + 99 }),
          );
        }
        await store.arrivalChunkPut(storedArrivalChunk('x', 'e2', { firstEndMs: 150, lastEndMs: 160 }));
        const e1 = 'e1' as EndpointId;
        const first = await store.arrivalChunkList(e1, 0, null, 3);
        assert.deepEqual(ids(first), ['a', 'b', 'c']);
        assert.deepEqual(ids(await store.arrivalChunkList(e1, 0, first[0] ?? null, 2)), ['b', 'c']);
        assert.deepEqual(ids(await store.arrivalChunkList(e1, 0, first[2] ?? null, 3)), ['d']);
        assert.deepEqual(ids(await store.arrivalChunkList(e1, 199, null, 9)), ['a', 'b', 'c', 'd']);
        assert.deepEqual(ids(await store.arrivalChunkList(e1, 200, null, 9)), ['b', 'c', 'd']);
        assert.deepEqual(ids(await store.arrivalChunkList(e1, 400, null, 9)), []);
      });
    });

    test('old arrival chunks go everywhere, and of one endpoint all but the newest that fit', async () => {
      await withStore(async (store) => {
        for (const id of ['e1', 'e2']) {
          await store.endpointInsert(storedEndpoint(id), storedRevision(id, 1));
          for (let number = 1; number <= 4; number += 1) {
            const firstEndMs = number * 100;
            const bytes = new Uint8Array(id === 'e1' ? 10 : 4);
            const change = { firstEndMs, lastEndMs: firstEndMs + 50, bytes };
            await store.arrivalChunkPut(storedArrivalChunk(`${id}-${number}`, id, change));
          }
        }
        await store.arrivalChunkDeleteBefore(150);
        await store.arrivalChunkTrim('e1' as EndpointId, 40);
        assert.equal((await chunksOf(store, 'e1')).length, 4);
        await store.arrivalChunkDeleteBefore(151);
        assert.equal((await chunksOf(store, 'e1')).length, 3);
        await store.arrivalChunkTrim('e1' as EndpointId, 25);
        await store.arrivalChunkTrim('gone' as EndpointId, 25);
        assert.deepEqual(ids(await chunksOf(store, 'e1')), ['e1-3', 'e1-4']);
        assert.deepEqual(ids(await chunksOf(store, 'e2')), ['e2-2', 'e2-3', 'e2-4']);
      });
    });

    test('the fence rises by one with each call, and goes on rising in the next store', async () => {
      await withStore(async (store, place) => {
        assert.deepEqual([await store.fenceRaise(), await store.fenceRaise()], [1, 2]);
        await store.close();
        await reopened(place, async (next) => {
          assert.equal(await next.fenceRaise(), 3);
        });
      });
    });

    test('1,000 writes at once are all there, in this store and in the next one', async () => {
      await withStore(async (store, place) => {
        const names = Array.from({ length: 1_000 }, (_, index) => `e${index}`);
        const refusals: unknown[] = [];
        await Promise.all(
          names.map(async (id, index) => {
            await store.endpointInsert(storedEndpoint(id), storedRevision(id, 1));
            // Refused writes among them take none of the others with them.
            if (index % 10 === 0) {
              await store
                .endpointUpdate(storedEndpoint(id), 99)
                .catch((error: unknown) => refusals.push(error));
            }
          }),
        );
        assert.equal(refusals.length, 100);
        const check = async (reader: Store): Promise<void> => {
          assert.deepEqual(ids(await reader.endpointList()), [...names].sort());
        };
        await check(store);
        await store.close();
        await reopened(place, check);
      });
    });

    test('writes take effect in the order in which they were asked for', async () => {
      await withStore(async (store) => {
        await store.endpointInsert(storedEndpoint('e1'), storedRevision('e1', 1));
        const seen: Promise<string | undefined>[] = [];
        const writes: Promise<void>[] = [];
        const reasons = Array.from({ length: 300 }, (_, index) => `reason ${index}`);
        for (const [index, reason] of reasons.entries()) {
          writes.push(
            store.endpointUpdate(storedEndpoint('e1', { generation: index + 2 }), index + 1),
            store.workerPut(storedWorker('w1', 'e1', { reason })),
          );
          // A read that is asked for after a write sees it, and sees none of the later ones.
          seen.push(store.workerList().then((workers) => workers[0]?.reason));
        }
        await Promise.all(writes);
        assert.deepEqual(await Promise.all(seen), reasons);
      });
    });

    test('writes asked for before the close are done, later ones are refused', async () => {
      await withStore(async (store, place) => {
        const insert = store.endpointInsert(storedEndpoint('e1'), storedRevision('e1', 1));
        const closed = store.close();
        await refusedWith('STORE_FAILED', store.fenceRaise());
        await insert;
        await closed;
        await refusedWith('STORE_FAILED', store.endpointList());
        await store.close();
        await reopened(place, async (next) => {
          assert.deepEqual(ids(await next.endpointList()), ['e1']);
        });
      });
    });
  });
}

async function chunksOf(store: Store, endpointId: string): Promise<readonly ArrivalChunk[]> {
  return await store.arrivalChunkList(endpointId as EndpointId, 0, null, 100);
}

function allBytes(): Uint8Array {
  return Uint8Array.from({ length: 4_096 }, (_, index) => index % 256);
}

function ids(records: readonly { readonly id: string }[]): string[] {
  return records.map((record) => record.id);
}

async function reopened(place: StorePlace, body: (store: Store) => Promise<void>): Promise<void> {
  const store = await place.open();
  try {
    await body(store);
  } finally {
    await store.close();
  }
}

async function refusedWith(code: ErrorCode, write: Promise<unknown>): Promise<AppError> {
  const error: unknown = await write.then(
    () => assert.fail(`it was not refused with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}
