import { AppError } from '../base/errors.ts';
import { size } from '../decide/pull-words.ts';
import { seconds } from '../decide/world.ts';
import { workerIsOver, type WorkerState } from '../model/worker-state.ts';
import type { PreparedImage, PullProgress } from '../ports/driver.ts';
import type { ControlPorts } from './control-options.ts';
import { deviceMemoryFree } from './device-memory.ts';
import { revisionOf, specOf, startSpecOf, type EndpointEntry, type WorkerEntry } from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import type { Inventory } from './inventory.ts';
import type { Resources } from './resources/resources.ts';
import type { WorkerStates } from './worker-states.ts';
import type { WorkerStop } from './worker-stop.ts';
import type { WorkerTimes } from './worker-times.ts';

export interface LaunchParts {
  readonly ports: ControlPorts;
  readonly records: EndpointRecords;
  readonly states: WorkerStates;
  readonly times: WorkerTimes;
  readonly stops: WorkerStop;
  readonly inventory: Inventory;
  readonly resources: Resources;
  readonly fence: number;
  readonly closed: AbortSignal;
  /** Its process runs and has an address. */
  readonly onStarted: (entry: EndpointEntry, worker: WorkerEntry) => void;
  /** It did not start, and nothing of it is left. */
  readonly onFailed: (entry: EndpointEntry, worker: WorkerEntry, why: string) => void;
}

/** From its devices to its process: the image is pulled, the devices' memory awaited, the driver asked to start it. */
export class WorkerLaunch {
  readonly #parts: LaunchParts;
  readonly #ports: ControlPorts;
  readonly #states: WorkerStates;
  readonly #times: WorkerTimes;
  readonly #closed: AbortSignal;

  constructor(parts: LaunchParts) {
    this.#parts = parts;
    this.#ports = parts.ports;
    this.#states = parts.states;
    this.#times = parts.times;
    this.#closed = parts.closed;
  }

  /** In this turn as far as the driver allows. */
  launch(entry: EndpointEntry, worker: WorkerEntry, devices: readonly string[]): void {
    worker.claimed = [];
    const nowMs = this.#ports.clock.nowMs();
    worker.devicesSeenFree = this.#parts.inventory.give(devices, nowMs);
    this.#states.change(worker, 'devicesAssigned', { devices, startedAtMs: nowMs });
    worker.launchedAtMs = this.#ports.clock.monotonicMs();
    this.#ports.metrics.workerStarted(entry.endpoint.id);
    worker.launched = this.#launch(entry, worker);
  }

  async #launch(entry: EndpointEntry, worker: WorkerEntry): Promise<void> {
    const { record } = worker;
    const { inventory, resources, fence } = this.#parts;
    // Asked after everything that takes time: it may be stopped, or this server may have let go.
    const notWanted = (): boolean => this.#closed.aborted || worker.record.state !== 'pulling';
    try {
      const { credential, mounts } = resources.of(specOf(entry, record.revision));
      const toPrepare = startSpecOf(entry, record.revision);
      const preparing = this.#ports.driver.prepare(toPrepare, {
        credential,
        signal: worker.abort.signal,
        onProgress: (progress) => this.#pulling(worker, progress),
      });
      // No `await` where there is nothing to wait for: all else that this turn has to do would come before the start.
      const prepared = preparing === null ? null : await preparing;
      resources.prepared(toPrepare.image, prepared);
      worker.pull = null;
      if (notWanted()) return;
      if (prepared !== null) this.#prepared(entry, worker, prepared);
      const { workerVariables } = this.#ports.options;
      const given = workerVariables?.(entry.endpoint, record.id) ?? {};
      const variables = given instanceof Promise ? await given : given;
      if (this.#ports.deviceWatch !== null && !worker.devicesSeenFree)
        await deviceMemoryFree(worker.record.devices, inventory, this.#ports, worker.abort.signal);
      if (notWanted()) return;
      this.#times.measure(entry, worker, 'pullTimeMs', this.#times.sinceLaunchMs(worker));
      this.#states.change(worker, 'prepared', { startedAtMs: this.#ports.clock.nowMs() });
      worker.launchedAtMs = this.#ports.clock.monotonicMs();
      worker.placed = true;
      const started = await this.#ports.driver.start({
        workerId: record.id,
        endpointId: record.endpointId,
        appName: entry.endpoint.appName,
        revision: record.revision,
        spec: startSpecOf(entry, record.revision),
        devices: worker.record.devices,
        credential,
        mounts,
        variables,
        fence,
      });
      // It may have ended while its start was being told; its record is final, or gone with its endpoint.
      if (this.#closed.aborted || workerIsOver(worker.record.state)) return;
      this.#states.put(worker, { addresses: started.addresses });
      if (isLaunching(worker.record.state)) this.#parts.onStarted(entry, worker);
    } catch (error) {
      // The driver was closed over it: what came of the start is found by the next server.
      if (this.#closed.aborted) return;
      // A stop that came meanwhile aborts the launch; it finishes the worker itself.
      if (isLaunching(worker.record.state)) {
        const why = error instanceof AppError ? error.message : 'the driver could not start it';
        this.#ports.log.warn('worker not started', { workerId: record.id, error });
        worker.pull = null;
        worker.launchFailure = why;
        if (worker.placed) await this.#parts.stops.removeRemains(record.id);
        if (!this.#closed.aborted && isLaunching(worker.record.state))
          this.#parts.onFailed(entry, worker, why);
      }
    }
  }

  #pulling(worker: WorkerEntry, progress: PullProgress): void {
    const { record, events } = worker;
    if (this.#closed.aborted || record.state !== 'pulling') return;
    if (worker.pull === null) {
      events.note(this.#ports.clock.nowMs(), {
        kind: 'worker',
        code: 'pulling',
        message: 'its image is being pulled',
        revision: record.revision,
        workerId: record.id,
      });
    }
    worker.pull = progress;
  }

  /** The first to know which bytes the image stands for says it for all that follow. */
  #prepared(entry: EndpointEntry, worker: WorkerEntry, { pinned, pulled, sizeBytes }: PreparedImage): void {
    const { id: workerId, revision } = worker.record;
    if (revisionOf(entry, revision).pinnedImage === null) {
      this.#parts.records.revisionChange(entry, revision, { pinnedImage: pinned });
    }
    if (!pulled) return;
    const tookMs = this.#times.sinceLaunchMs(worker);
    worker.events.note(this.#ports.clock.nowMs(), {
      kind: 'worker',
      code: 'pulled',
      message: `its image${sizeBytes === null ? '' : ` of ${size(sizeBytes)}`} was pulled in ${seconds(tookMs)}`,
      revision,
      workerId,
      facts: { sizeBytes, tookMs: Math.round(tookMs) },
    });
  }
}

function isLaunching(state: WorkerState): boolean {
  return state === 'pulling' || state === 'starting';
}
