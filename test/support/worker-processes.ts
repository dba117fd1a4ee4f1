import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { leadersWith, processesOf } from '../../src/adapters/driver-process/process-table.ts';

/** The mark every process of this data folder's workers has in its environment. */
function markOf(dataDir: string): string {
  const folder = realpathSync(join(dataDir, 'workers'));
  return `PILOTLIGHT_INSTANCE=${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
}

/** Worker id to pid of the live workers of a data folder, as the kernel knows them, whoever their parent is. */
export async function workerProcesses(dataDir: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const { pid, environment } of await leadersWith(markOf(dataDir))) {
    const id = environment.find((entry) => entry.startsWith('PILOTLIGHT_WORKER_ID='));
    if (id !== undefined) found.set(id.slice('PILOTLIGHT_WORKER_ID='.length), pid);
  }
  return found;
}

/** Every process a data folder's workers ever started and that still lives. */
export async function leftProcesses(dataDir: string): Promise<number[]> {
  return await processesOf(null, [markOf(dataDir)]);
}

/** The process that starts workers for this server. */
export function spawnerOf(serverPid: number): number {
  const children = readFileSync(`/proc/${serverPid}/task/${serverPid}/children`, 'utf8').trim().split(' ');
  const spawner = children
    .map(Number)
    .find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('spawner'));
  if (spawner === undefined) throw new Error(`the server ${serverPid} has no spawner`);
  return spawner;
}
