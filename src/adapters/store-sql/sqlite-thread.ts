/**
 * The thread that owns the database. SQLite blocks while it waits for the disk, milliseconds each
 * time, so it never runs on the thread that forwards requests. Its other end is `SqliteChannel`.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { DatabaseSync } from 'node:sqlite';
import { impossible } from '../../base/errors.ts';
import { BatchRunner } from './batch-runner.ts';
import { openSqliteDatabase } from './sqlite-database.ts';
import type { ThreadReply, ThreadRequest, ThreadSetup } from './sqlite-message.ts';

const port = parentPort ?? impossible('sqlite-thread-77c0', 'this file was run outside a worker thread');

function reply(message: ThreadReply): void {
  port.postMessage(message);
}

function serve(database: DatabaseSync): void {
  const runner = new BatchRunner(database);
  port.on('message', (request: ThreadRequest) => {
    if (request.kind === 'group') {
      reply({ kind: 'outcomes', outcomes: runner.runGroup(request.batches) });
      return;
    }
    database.close();
    port.close();
  });
  reply({ kind: 'opened' });
}

try {
  serve(openSqliteDatabase((workerData as ThreadSetup).path, Date.now()));
} catch (error) {
  const { message, cause } = error as Error;
  reply({ kind: 'refused', message, cause });
}
