import { seconds } from '../decide/world.ts';
import type { Worker } from '../model/worker.ts';
import { workerTransition, type WorkerEvent } from '../model/worker-state.ts';
import type { ControlPorts } from './control-options.ts';
import type { WorkerEntry } from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';

/** The one door through which a worker's record changes while it lives: stored, and its new state told. */
export class WorkerStates {
  readonly #clock: ControlPorts['clock'];
  readonly #records: EndpointRecords;

  constructor({ clock }: Pick<ControlPorts, 'clock'>, records: EndpointRecords) {
    this.#clock = clock;
    this.#records = records;
  }

  change(worker: WorkerEntry, event: WorkerEvent, facts: Partial<Worker>): void {
    this.put(worker, { ...facts, state: workerTransition(worker.record.state, event) });
    this.#tell(worker);
  }

  /** What changes without a new state. */
  put(worker: WorkerEntry, facts: Partial<Worker>): void {
    worker.record = { ...worker.record, ...facts };
    this.#records.workerPut(worker.record);
  }

  #tell({ record, events }: WorkerEntry): void {
    const { id: workerId, revision, state, reason } = record;
    if (state === 'pulling' || state === 'stopping') return;
    const sinceStartMs = this.#clock.nowMs() - (record.startedAtMs ?? record.createdAtMs);
    events.note(this.#clock.nowMs(), {
      kind: 'worker',
      code: state,
      message: state === 'ready' ? `ready ${seconds(sinceStartMs)} after its start` : reason,
      revision,
      workerId,
      facts: { sinceStartMs: Math.round(sinceStartMs), devices: record.devices.join(' ') },
    });
  }
}
