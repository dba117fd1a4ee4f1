import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EndpointId, WorkerId } from '../../base/ids.ts';
import { UNSEEN_EXIT, type WorkerExit } from '../../model/worker-exit.ts';
import type { WorkerAddress } from '../../model/worker.ts';

/**
 * What is kept of a worker in `<data dir>/workers/<worker id>/`:
 *
 *   worker.json  this record, and what its driver adds to it; of a container there before it is, of a process right after
 *   exit.json    how it ended; there once nothing of the worker is left
 *   log, log.1   its output (worker-log.ts)
 *   ready        empty until it says that it takes requests; of processes only
 *
 * A record holds no variable of the endpoint: they may be secrets.
 */
export interface WorkerRecord {
  readonly workerId: WorkerId;
  readonly endpointId: EndpointId;
  readonly revision: number;
  readonly fence: number;
  readonly devices: readonly string[];
  readonly addresses: Readonly<Record<number, WorkerAddress>>;
  readonly startedAtMs: number;
}

const RECORD_FILE = 'worker.json';
const EXIT_FILE = 'exit.json';

/** Small synchronous writes: they take a fraction of the spawn beside them. */
export function writeRecord(folder: string, record: WorkerRecord): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeWhole(join(folder, RECORD_FILE), record);
}

/** What was written there, with all that its writer added. */
export function readRecord<Kept extends WorkerRecord>(folder: string): Kept | null {
  return readWhole<Kept>(join(folder, RECORD_FILE));
}

export function writeExit(folder: string, exit: WorkerExit): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeWhole(join(folder, EXIT_FILE), exit);
}

export function readExit(folder: string): WorkerExit | null {
  const exit = readWhole<Partial<WorkerExit>>(join(folder, EXIT_FILE));
  // Former versions wrote fewer facts.
  return exit === null ? null : { ...UNSEEN_EXIT, ...exit };
}

export function removeRecord(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** A reader, or a crash, never meets half a file. */
function writeWhole(path: string, value: unknown): void {
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, JSON.stringify(value), { mode: 0o600 });
  renameSync(draft, path);
}

function readWhole<T>(path: string): T | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    // Loss of power can leave an empty file behind; the processes it spoke of are gone too.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
