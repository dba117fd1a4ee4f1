import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { QUEUED_BATCHES_MAX, SqliteChannel } from '../../src/adapters/store-sql/sqlite-channel.ts';
import { openSqliteStore } from '../../src/adapters/store-sql/sqlite-store.ts';
import { AppError } from '../../src/base/errors.ts';
import { withDataFolder } from '../support/data-folder.ts';
import { storedEndpoint, storedRevision } from '../support/stored-records.ts';

function storeFailed(pattern: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof AppError, String(error));
    assert.equal(error.code, 'STORE_FAILED');
    assert.match(error.message, pattern);
    return true;
  };
}

test('a second server on one database is refused, until the first one closes', async () => {
  await withDataFolder(async (folder) => {
    const path = join(folder, 'store.sqlite');
    const first = await openSqliteStore({ path });
    try {
      await assert.rejects(
        openSqliteStore({ path }),
        storeFailed(/store\.sqlite is in use by another process/),
      );
      // The refused one has not disturbed the first.
      assert.equal(await first.fenceRaise(), 1);
    } finally {
      await first.close();
    }
    const second = await openSqliteStore({ path });
    assert.equal(await second.fenceRaise(), 2);
    await second.close();
  });
});

test('a file that is no database, and a folder that does not exist, are named', async () => {
  await withDataFolder(async (folder) => {
    const path = join(folder, 'notes.txt');
    await writeFile(path, 'not a database, but long enough to be taken for one. '.repeat(20));
    await assert.rejects(openSqliteStore({ path }), storeFailed(/notes\.txt is not a SQLite database/));
    const nowhere = join(folder, 'missing', 'store.sqlite');
    await assert.rejects(
      openSqliteStore({ path: nowhere }),
      storeFailed(/missing.*cannot be opened: ENOENT/),
    );
  });
});

test('a thread that dies fails what waits, with the cause, and all that comes later', async () => {
  await withDataFolder(async (folder) => {
    const threads: Worker[] = [];
    const remember = (thread: Worker): void => {
      threads.push(thread);
    };
    process.on('worker', remember);
    const store = await openSqliteStore({ path: join(folder, 'store.sqlite') });
    process.off('worker', remember);
    const [thread] = threads;
    assert.ok(thread);
    await store.fenceRaise();
    const exited = once(thread, 'exit');
    const terminated = thread.terminate();
    const waiting = [store.fenceRaise(), store.endpointList()];
    for (const one of waiting) await assert.rejects(one, storeFailed(/cannot be used any more: .*thread/));
    await exited;
    await terminated;
    await assert.rejects(store.fenceRaise(), storeFailed(/cannot be used any more/));
    await store.close();
  });
});

test('a statement that the database cannot run fails with its reason and harms nothing else', async () => {
  const channel = await SqliteChannel.open(':memory:');
  try {
    const good = { sql: 'UPDATE server SET fence = fence + 1', parameters: [], expectedRows: 1 };
    const bad = { sql: 'SELECT 1 FROM nowhere', parameters: [], expectedRows: null };
    const [first, second, third] = await Promise.allSettled([
      channel.run([good]),
      channel.run([good, bad]),
      channel.run([good]),
    ]);
    assert.equal(first.status, 'fulfilled');
    assert.ok(second.status === 'rejected' && storeFailed(/no such table: nowhere/)(second.reason));
    assert.equal(third.status, 'fulfilled');
    const read = { sql: 'SELECT fence FROM server', parameters: [], expectedRows: null };
    assert.deepEqual(await channel.run([read]), { rows: [[{ fence: 2 }]] });
  } finally {
    await channel.close();
  }
});

test('beyond the most that may wait, a write is refused at once and the others are done', async () => {
  const store = await openSqliteStore({ path: ':memory:' });
  try {
    const count = QUEUED_BATCHES_MAX + 10;
    const settled = await Promise.allSettled(
      Array.from({ length: count }, async () => await store.fenceRaise()),
    );
    for (const [index, result] of settled.entries()) {
      if (index < QUEUED_BATCHES_MAX) assert.equal(result.status, 'fulfilled');
      else
        assert.ok(
          result.status === 'rejected' && storeFailed(/10000 writes wait .* Try again/)(result.reason),
        );
    }
    assert.equal(await store.fenceRaise(), QUEUED_BATCHES_MAX + 1);
  } finally {
    await store.close();
  }
});

test('a store in memory keeps nothing', async () => {
  for (let round = 0; round < 2; round += 1) {
    const store = await openSqliteStore({ path: ':memory:' });
    await store.endpointInsert(storedEndpoint('e1'), storedRevision('e1', 1));
    await store.close();
  }
});
