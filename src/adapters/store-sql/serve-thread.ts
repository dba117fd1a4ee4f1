import { parentPort, workerData } from 'node:worker_threads';
import { impossible } from '../../base/errors.ts';
import type { SqlStatement } from './sql-batch.ts';
import type { Outcome, ThreadReply, ThreadRequest, ThreadSetup } from './sqlite-message.ts';

/** A database that runs groups of batches, one outcome a batch, in order. */
export interface GroupRunner<Batch, Answer> {
  runGroup(batches: readonly Batch[]): readonly Outcome<Answer>[];
  close(): void;
}

/**
 * The thread's end of `SqliteChannel`. SQLite blocks while it waits for the disk, milliseconds each
 * time, so it never runs on the thread that forwards requests.
 */
export function serveThread<Batch = readonly SqlStatement[], Answer extends object = object>(
  open: (path: string) => GroupRunner<Batch, Answer>,
): void {
  const port = parentPort ?? impossible('sqlite-thread-77c0', 'this file was run outside a worker thread');
  const reply = (message: ThreadReply<Answer>): void => port.postMessage(message);
  try {
    const runner = open((workerData as ThreadSetup).path);
    port.on('message', (request: ThreadRequest<Batch>) => {
      if (request.kind === 'group') {
        reply({ kind: 'outcomes', outcomes: runner.runGroup(request.batches) });
        return;
      }
      runner.close();
      port.close();
    });
    reply({ kind: 'opened' });
  } catch (error) {
    const { message, cause } = error as Error;
    reply({ kind: 'refused', message, cause });
  }
}
