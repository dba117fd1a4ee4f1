import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../base/errors.ts';
import { ALL_MIGRATIONS } from './migrations/all-migrations.ts';
import type { Migration } from './migrations/migration.ts';
import { sqliteCode, SQLITE_BUSY, SQLITE_NOTADB } from './sqlite-code.ts';
import { migrate } from './sqlite-migrate.ts';

/** A server that just ended may hold its lock for a moment longer. */
const LOCK_WAIT_MS = 500;

/**
 * Opens the database for this process alone and brings its schema up to date. The lock is the
 * operating system's: it goes when the process goes, however it ends.
 */
export function openSqliteDatabase(
  path: string,
  nowMs: number,
  migrations: readonly Migration[] = ALL_MIGRATIONS,
): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    // It holds the environment variables of workers, which are often secrets.
    if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
    database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS, enableForeignKeyConstraints: true });
    // Before the first access: the lock is then taken by it and never let go.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    // FULL: a commit is on disk before it is answered, also when the power fails.
    database.exec('PRAGMA synchronous = FULL');
    migrate(database, migrations, nowMs);
    return database;
  } catch (error) {
    database?.close();
    throw openFailure(path, error);
  }
}

function openFailure(path: string, cause: unknown): AppError {
  if (cause instanceof AppError) return new AppError(cause.code, `${path}: ${cause.message}`, { cause });
  const code = sqliteCode(cause);
  if (code === SQLITE_BUSY) {
    return new AppError(
      'STORE_FAILED',
      `The database ${path} is in use by another process, most likely a Pilotlight server that runs. Stop that one, or give this one a data folder of its own.`,
      { cause },
    );
  }
  if (code === SQLITE_NOTADB) {
    return new AppError(
      'STORE_FAILED',
      `The file ${path} is not a SQLite database. Move it away, or give another data folder.`,
      { cause },
    );
  }
  return new AppError(
    'STORE_FAILED',
    `The database ${path} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}. Check that the folder exists, that this user may write there and that the disk is not full.`,
    { cause },
  );
}
