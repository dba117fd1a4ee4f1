import type { WorkerRecord } from '../worker-files/worker-record.ts';

/** Written before the process is spawned, completed right after. */
export interface ProcessRecord extends WorkerRecord {
  /** Also the id of its process group. Null until the process exists. */
  readonly pid: number | null;
  /** The kernel's start time of the process: a reused pid has another one. Null where it is not told. */
  readonly pidStart: string | null;
}
