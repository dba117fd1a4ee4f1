/** The thread that owns the store's database; its other end is `SqliteStore`. */
import { BatchRunner } from './batch-runner.ts';
import { openSqliteDatabase } from './sqlite-database.ts';
import { serveThread } from './serve-thread.ts';

serveThread((path) => {
  const database = openSqliteDatabase(path, Date.now());
  const runner = new BatchRunner(database);
  return { runGroup: (batches) => runner.runGroup(batches), close: () => database.close() };
});
