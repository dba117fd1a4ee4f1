import { sleep } from '../base/clock.ts';
import type { WorkerId } from '../base/ids.ts';
import type { WorkerExit } from '../model/worker-exit.ts';
import type { ControlPorts } from './control-options.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';

/** A worker that never served holds nothing that is worth a long grace. */
const UNPROVEN_GRACE_MS = 2_000;
/** How soon a stop that the driver could not carry out is tried again. */
const STOP_RETRY_MS = 1_000;

/** Ends processes, and tries until they are gone: before that their devices are not free. */
export class WorkerStop {
  readonly #ports: ControlPorts;
  readonly #records: EndpointRecords;
  readonly #closed: AbortSignal;
  readonly #onEnded: (entry: EndpointEntry, worker: WorkerEntry, exit: WorkerExit | null) => void;

  constructor(
    ports: ControlPorts,
    records: EndpointRecords,
    closed: AbortSignal,
    onEnded: (entry: EndpointEntry, worker: WorkerEntry, exit: WorkerExit | null) => void,
  ) {
    this.#ports = ports;
    this.#records = records;
    this.#closed = closed;
    this.#onEnded = onEnded;
  }

  /** How long it may take to end by itself once it is asked to. */
  graceMs({ record }: WorkerEntry): number {
    const { stopGraceMs } = this.#ports.options;
    return record.readyAtMs === null ? Math.min(UNPROVEN_GRACE_MS, stopGraceMs) : stopGraceMs;
  }

  async stop(entry: EndpointEntry, worker: WorkerEntry, graceMs: number): Promise<void> {
    await worker.launched;
    if (this.#closed.aborted) return;
    if (!worker.placed) {
      this.#onEnded(entry, worker, null);
      return;
    }
    // After a crash between the two, a worker that was told to end would be taken for one that broke.
    await this.#records.settled();
    if (this.#closed.aborted) return;
    try {
      const exit = await this.#ports.driver.stop(worker.record.id, graceMs);
      if (!this.#closed.aborted) this.#onEnded(entry, worker, exit);
    } catch (error) {
      if (this.#closed.aborted) return;
      this.#ports.log.error('worker not stopped, trying again', { workerId: worker.record.id, error });
      this.#ports.clock.schedule(STOP_RETRY_MS, () => void this.stop(entry, worker, graceMs));
    }
  }

  /** A start can fail and leave a process, where only its answer was lost: its devices are not free before it is gone. */
  async removeRemains(workerId: WorkerId): Promise<void> {
    while (!this.#closed.aborted) {
      try {
        await this.#ports.driver.stop(workerId, UNPROVEN_GRACE_MS);
        return;
      } catch (error) {
        if (this.#closed.aborted) return;
        this.#ports.log.warn('the remains of a failed start are not gone, trying again', { workerId, error });
        await sleep(this.#ports.clock, STOP_RETRY_MS);
      }
    }
  }
}
