import type { Store } from '../../ports/store.ts';
import { SqlStore } from './sql-store.ts';
import { SqliteChannel } from './sqlite-channel.ts';
import { sqliteQueries } from './sqlite-queries.ts';

export interface SqliteStoreOptions {
  /** The database's file, in a folder that exists; `:memory:` for one that dies with the store. */
  readonly path: string;
}

/**
 * Opens the store for this process alone, with its schema brought up to date. Rejects with
 * STORE_FAILED: in use by another server, written by a newer version, not a database, no access.
 */
export async function openSqliteStore({ path }: SqliteStoreOptions): Promise<Store> {
  return new SqlStore(await SqliteChannel.open(path), sqliteQueries());
}
