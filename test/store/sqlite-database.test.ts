import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BatchRunner } from '../../src/adapters/store-sql/batch-runner.ts';
import { ALL_MIGRATIONS } from '../../src/adapters/store-sql/migrations/all-migrations.ts';
import type { Migration } from '../../src/adapters/store-sql/migrations/migration.ts';
import { openSqliteDatabase } from '../../src/adapters/store-sql/sqlite-database.ts';
import type { SqlStatement, SqlValue } from '../../src/adapters/store-sql/sql-batch.ts';
import { openSqliteStore } from '../../src/adapters/store-sql/sqlite-store.ts';
import { withDataFolder } from '../support/data-folder.ts';
import { storedEndpoint, storedRevision, storedWorker } from '../support/stored-records.ts';

const NOW_MS = 1_700_000_000_000;
const NEXT: Migration = {
  number: ALL_MIGRATIONS.length + 1,
  name: 'next',
  statements: [
    'ALTER TABLE workers ADD COLUMN zone text',
    'CREATE TABLE zones (id text NOT NULL PRIMARY KEY)',
  ],
};

function statement(
  sql: string,
  parameters: readonly SqlValue[] = [],
  expectedRows: number | null = null,
): SqlStatement {
  return { sql, parameters, expectedRows };
}

test('migrations are numbered without gaps', () => {
  assert.deepEqual(
    ALL_MIGRATIONS.map((migration) => migration.number),
    ALL_MIGRATIONS.map((_, index) => index + 1),
  );
});

test('a commit is durable, foreign keys hold, and only this user can read the file', async () => {
  await withDataFolder(async (folder) => {
    const path = join(folder, 'store.sqlite');
    const database = openSqliteDatabase(path, NOW_MS);
    const pragma = (name: string): unknown =>
      Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    assert.equal(pragma('journal_mode'), 'wal');
    assert.equal(pragma('synchronous'), 2, 'FULL');
    assert.equal(pragma('foreign_keys'), 1);
    assert.equal(pragma('locking_mode'), 'exclusive');
    database.close();
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });
});

test('a migration is applied once, to an old database and to a new one', async () => {
  await withDataFolder(async (folder) => {
    const path = join(folder, 'store.sqlite');
    const store = await openSqliteStore({ path });
    await store.endpointInsert(storedEndpoint('e1'), storedRevision('e1', 1));
    await store.workerPut(storedWorker('w1', 'e1'));
    await store.close();
    for (const place of [path, path, ':memory:']) {
      const database = openSqliteDatabase(place, NOW_MS, [...ALL_MIGRATIONS, NEXT]);
      assert.deepEqual(
        database
          .prepare('SELECT number, name FROM migrations ORDER BY number')
          .all()
          .map((row) => ({ ...row })),
        [...ALL_MIGRATIONS, NEXT].map(({ number, name }) => ({ number, name })),
      );
      database.prepare('SELECT zone FROM workers').all();
      database.close();
    }
  });
});

test('a database of a newer version is refused and left as it is', async () => {
  await withDataFolder(async (folder) => {
    const path = join(folder, 'store.sqlite');
    openSqliteDatabase(path, NOW_MS, [...ALL_MIGRATIONS, NEXT]).close();
    await assert.rejects(openSqliteStore({ path }), {
      code: 'STORE_FAILED',
      message: new RegExp(
        `store\\.sqlite: .*another version of Pilotlight: its schema has step ${NEXT.number} \\(next\\), this version knows ${ALL_MIGRATIONS.length}`,
      ),
    });
    openSqliteDatabase(path, NOW_MS, [...ALL_MIGRATIONS, NEXT]).close();
  });
});

test('a database whose steps are other ones is refused', async () => {
  await withDataFolder(async (folder) => {
    const first: Migration = { number: 1, name: 'someone-elses', statements: [] };
    const path = join(folder, 'store.sqlite');
    openSqliteDatabase(path, NOW_MS, [first]).close();
    await assert.rejects(openSqliteStore({ path }), {
      code: 'STORE_FAILED',
      message: /step 1 of its schema is "someone-elses", here it is "first-tables"/,
    });
  });
});

test('a migration that fails leaves the schema as it was', async () => {
  await withDataFolder(async (folder) => {
    const path = join(folder, 'store.sqlite');
    const broken: Migration = { ...NEXT, statements: [...NEXT.statements, 'CREATE TABLE zones (id text)'] };
    assert.throws(() => openSqliteDatabase(path, NOW_MS, [...ALL_MIGRATIONS, broken]), {
      code: 'STORE_FAILED',
      message: /table zones already exists/,
    });
    const database = openSqliteDatabase(path, NOW_MS);
    assert.throws(() => database.prepare('SELECT zone FROM workers'), /no such column/);
    database.close();
  });
});

test('a full disk fails the whole group, keeps what was committed, and is over when there is room', () => {
  const database = openSqliteDatabase(':memory:', NOW_MS);
  const runner = new BatchRunner(database);
  const raise = [statement('UPDATE server SET fence = fence + 1 RETURNING fence')];
  const long = [
    statement('INSERT INTO api_keys VALUES (?, ?, ?, 0, 0)', ['hash', 'owner', 'x'.repeat(1_000_000)]),
  ];
  assert.deepEqual(plain(runner.runGroup([raise])), [{ rows: [[{ fence: 1 }]] }]);
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number };
  database.exec(`PRAGMA max_page_count = ${pages + 2}`);
  const outcomes = runner.runGroup([raise, long, raise]);
  for (const outcome of outcomes) {
    assert.ok('failure' in outcome && outcome.failure instanceof Error);
    assert.match(outcome.failure.message, /full/);
  }
  assert.equal(outcomes.length, 3);
  assert.equal(database.isTransaction, false);
  database.exec(`PRAGMA max_page_count = ${pages + 10_000}`);
  assert.deepEqual(plain(runner.runGroup([raise, long])), [{ rows: [[{ fence: 2 }]] }, { rows: [[]] }]);
  database.close();
});

test('a refused batch of a group undoes itself alone, and says why', () => {
  const database = openSqliteDatabase(':memory:', NOW_MS);
  const runner = new BatchRunner(database);
  const key = (hash: string): SqlStatement =>
    statement("INSERT INTO api_keys VALUES (?, 'o', 'n', 0, 0)", [hash]);
  const outcomes = runner.runGroup([
    [key('a')],
    [key('b'), key('a')],
    [key('c'), statement("DELETE FROM api_keys WHERE hash = 'none'", [], 1)],
    [key('d'), statement("INSERT INTO workers VALUES ('w', 'none', 1, 'ready', 0, '{}')")],
    [key('e')],
  ]);
  assert.deepEqual(plain(outcomes), [
    { rows: [[]] },
    { refusal: { kind: 'unique', columns: 'api_keys.hash' } },
    { refusal: { kind: 'rowCount', statement: 1 } },
    { refusal: { kind: 'reference' } },
    { rows: [[]] },
  ]);
  assert.deepEqual(plain(runner.runGroup([[statement('SELECT hash FROM api_keys ORDER BY hash')]])), [
    { rows: [[{ hash: 'a' }, { hash: 'e' }]] },
  ]);
  database.close();
});

/** Rows have no prototype; as they are sent from thread to thread they get the usual one. */
function plain(value: unknown): unknown {
  return structuredClone(value);
}
