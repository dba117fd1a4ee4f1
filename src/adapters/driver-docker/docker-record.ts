import type { WorkerRecord } from '../worker-files/worker-record.ts';

/** Written once the container runs. Its labels say the same, as long as it is there. */
export interface DockerRecord extends WorkerRecord {
  readonly containerId: string;
}
