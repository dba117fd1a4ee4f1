import { join } from 'node:path';
import { AppError } from '../../base/errors.ts';
import type { WorkerId } from '../../base/ids.ts';

/** Where what is kept of a worker lies. */
export function workerFolder(workersFolder: string, workerId: WorkerId): string {
  // Ids reach this from a URL too; none of ours has a character that means something in a path.
  if (!/^[\w-]+$/.test(workerId)) {
    throw new AppError('SERVERLESS_WORKER_NOT_FOUND', `"${workerId}" is not the id of a worker`);
  }
  return join(workersFolder, workerId);
}
