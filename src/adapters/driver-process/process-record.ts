import type { WorkerRecord } from '../worker-files/worker-record.ts';

/** Written right after the process was spawned. */
export interface ProcessRecord extends WorkerRecord {
  /** Also the id of its process group. Null in what former versions wrote before the process existed. */
  readonly pid: number | null;
  /** The kernel's start time of the process: a reused pid has another one. Null where it is not told. */
  readonly pidStart: string | null;
}
