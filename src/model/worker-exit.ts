/** How a worker ended, as its driver saw it. */
export interface WorkerExit {
  /** What its first process returned; null where a signal ended it, and where nobody could see it. */
  readonly code: number | null;
  /** Name of the signal that ended it, such as `SIGKILL`. */
  readonly signal: string | null;
  /** Whether the kernel ended it, or a process of it, for want of memory; null where nobody can tell. */
  readonly outOfMemory: boolean | null;
  /** Most memory it held at one time, rounded up; null where it was not measured. */
  readonly peakMemoryMib: number | null;
}

/** It is gone, and nothing tells how. */
export const UNSEEN_EXIT: WorkerExit = { code: null, signal: null, outOfMemory: null, peakMemoryMib: null };

export function exitWords({ code, signal, outOfMemory }: WorkerExit): string {
  if (outOfMemory === true) return 'ran out of memory';
  if (signal !== null) return `ended by ${signal}`;
  if (code !== null) return `exited with code ${code}`;
  return 'vanished';
}
