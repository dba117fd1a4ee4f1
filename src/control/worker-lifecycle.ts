import { sleep } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { newId, type WorkerId } from '../base/ids.ts';
import { size } from '../decide/pull-words.ts';
import { seconds } from '../decide/world.ts';
import { mainPort, takesJobs } from '../model/endpoint.ts';
import { jobTargetOf } from '../model/job-target.ts';
import { exitWords, type WorkerExit } from '../model/worker-exit.ts';
import type { Worker, WorkerAddress } from '../model/worker.ts';
import { workerIsOver, workerTransition, type WorkerEvent, type WorkerState } from '../model/worker-state.ts';
import type { FoundWorker, PreparedImage, PullProgress } from '../ports/driver.ts';
import type { ControlPorts } from './control-options.ts';
import { deviceMemoryFree } from './device-memory.ts';
import { EndedWorkers } from './ended-workers.ts';
import {
  newWorkerEntry,
  revisionOf,
  specOf,
  startSpecOf,
  type EndpointEntry,
  type WorkerEntry,
} from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import type { Inventory } from './inventory.ts';
import type { Resources } from './resources/resources.ts';

/** A worker that never served holds nothing that is worth a long grace. */
const UNPROVEN_GRACE_MS = 2_000;
/** How soon a stop that the driver could not carry out is tried again. */
const STOP_RETRY_MS = 1_000;
/** Weight of the newest measurement in a revision's smoothed times. */
const TIME_WEIGHT = 0.3;
/** How much of a broken worker's output is shown with the reason. */
const LAST_OUTPUT_BYTES = 600;

/** Made once: an abort without a reason makes an error with a stack each time. */
const NO_LONGER = new Error('no longer wanted');

/** What the lifecycle tells the reconciler. All calls come in the turn in which the thing happened. */
export interface LifecycleListener {
  /** A worker's state changed in a way that can change decisions. */
  workerChanged(entry: EndpointEntry): void;
  /** It ended by itself or never became ready. Called before `workerChanged`. */
  workerBroke(entry: EndpointEntry, worker: WorkerEntry, why: string): void;
  /** Devices came back. */
  devicesFreed(): void;
  /** How requests should be given to it now. */
  routeOf(entry: EndpointEntry, worker: WorkerEntry): { preference: number; sampleLimit: number | null };
}

/** Carries workers through their states: the only code that calls the driver for a worker. */
export class WorkerLifecycle {
  readonly #ports: ControlPorts;
  readonly #records: EndpointRecords;
  readonly #listener: LifecycleListener;
  readonly #inventory: Inventory;
  readonly #resources: Resources;
  readonly #fence: number;
  readonly ended: EndedWorkers;
  #closed = false;

  constructor(
    ports: ControlPorts,
    records: EndpointRecords,
    listener: LifecycleListener,
    inventory: Inventory,
    resources: Resources,
    fence: number,
  ) {
    this.#ports = ports;
    this.#records = records;
    this.#listener = listener;
    this.#inventory = inventory;
    this.#resources = resources;
    this.#fence = fence;
    this.ended = new EndedWorkers(ports, records);
  }

  /** A new worker that stands in line for its devices. */
  create(entry: EndpointEntry, revision: number, reason: string, claimed: readonly string[]): WorkerEntry {
    const record: Worker = {
      id: newId<WorkerId>(this.#ports.random),
      endpointId: entry.endpoint.id,
      revision,
      state: 'pending',
      devices: [],
      addresses: {},
      createdAtMs: this.#ports.clock.nowMs(),
      startedAtMs: null,
      readyAtMs: null,
      endedAtMs: null,
      reason,
      exit: null,
      lastOutput: '',
      lastRequests: [],
    };
    const worker = newWorkerEntry(record, entry.events);
    worker.claimed = claimed;
    entry.workers.set(record.id, worker);
    this.#records.workerPut(record);
    return worker;
  }

  /** Its devices are there: it is prepared and started, in this turn as far as the driver allows. */
  launch(entry: EndpointEntry, worker: WorkerEntry, devices: readonly string[]): void {
    worker.claimed = [];
    const nowMs = this.#ports.clock.nowMs();
    worker.devicesSeenFree = this.#inventory.give(devices, nowMs);
    this.#change(worker, 'devicesAssigned', { devices, startedAtMs: nowMs });
    worker.launchedAtMs = this.#ports.clock.monotonicMs();
    this.#ports.metrics.workerStarted(entry.endpoint.id);
    worker.launched = this.#launch(entry, worker);
  }

  async #launch(entry: EndpointEntry, worker: WorkerEntry): Promise<void> {
    const { record } = worker;
    // Asked after everything that takes time: it may be stopped, or this server may have let go.
    const notWanted = (): boolean => this.#closed || worker.record.state !== 'pulling';
    try {
      const { credential, mounts } = this.#resources.of(specOf(entry, record.revision));
      const { image } = startSpecOf(entry, record.revision);
      const prepared = await this.#ports.driver.prepare(startSpecOf(entry, record.revision), {
        credential,
        signal: worker.abort.signal,
        onProgress: (progress) => this.#pulling(worker, progress),
      });
      this.#resources.prepared(image, prepared);
      worker.pull = null;
      if (notWanted()) return;
      if (prepared !== null) this.#prepared(entry, worker, prepared);
      const { workerVariables } = this.#ports.options;
      const variables = workerVariables === undefined ? {} : await workerVariables(entry.endpoint, record.id);
      if (this.#ports.deviceWatch !== null && !worker.devicesSeenFree)
        await deviceMemoryFree(worker.record.devices, this.#inventory, this.#ports, worker.abort.signal);
      if (notWanted()) return;
      this.#measure(entry, worker, 'pullTimeMs', this.#sinceLaunchMs(worker));
      this.#change(worker, 'prepared', { startedAtMs: this.#ports.clock.nowMs() });
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
        fence: this.#fence,
      });
      // It may have ended while its start was being told; its record is final, or gone with its endpoint.
      if (this.#closed || workerIsOver(worker.record.state)) return;
      this.#put(worker, { addresses: started.addresses });
      if (isLaunching(worker.record.state)) this.#watch(entry, worker);
    } catch (error) {
      // The driver was closed over it: what came of the start is found by the next server.
      if (this.#closed) return;
      // A stop that came meanwhile aborts the launch; it finishes the worker itself.
      if (isLaunching(worker.record.state)) {
        const why = error instanceof AppError ? error.message : 'the driver could not start it';
        this.#ports.log.warn('worker not started', { workerId: record.id, error });
        worker.pull = null;
        worker.launchFailure = why;
        if (worker.placed) await this.#removeRemains(record.id);
        if (!this.#closed && isLaunching(worker.record.state)) this.#broke(entry, worker, why, null);
      }
    }
  }

  #pulling(worker: WorkerEntry, progress: PullProgress): void {
    const { record, events } = worker;
    if (this.#closed || record.state !== 'pulling') return;
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
      this.#records.revisionChange(entry, revision, { pinnedImage: pinned });
    }
    if (!pulled) return;
    const tookMs = this.#sinceLaunchMs(worker);
    worker.events.note(this.#ports.clock.nowMs(), {
      kind: 'worker',
      code: 'pulled',
      message: `its image${sizeBytes === null ? '' : ` of ${size(sizeBytes)}`} was pulled in ${seconds(tookMs)}`,
      revision,
      workerId,
      facts: { sizeBytes, tookMs: Math.round(tookMs) },
    });
  }

  /** A start can fail and leave a process, where only its answer was lost: its devices are not free before it is gone. */
  async #removeRemains(workerId: WorkerId): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#ports.driver.stop(workerId, UNPROVEN_GRACE_MS);
        return;
      } catch (error) {
        if (this.#closed) return;
        this.#ports.log.warn('the remains of a failed start are not gone, trying again', { workerId, error });
        await sleep(this.#ports.clock, STOP_RETRY_MS);
      }
    }
  }

  /** Readiness from now on, for a worker just started and for one found again after a restart. */
  #watch(entry: EndpointEntry, worker: WorkerEntry): void {
    worker.probes.abort(NO_LONGER);
    worker.probes = new AbortController();
    const address = addressOf(entry, worker.record, this.#healthPort(entry, worker));
    if (address === null) {
      this.#broke(entry, worker, 'the driver gave no address for its port', null);
      return;
    }
    const { id: workerId, state } = worker.record;
    const { healthCheck } = entry.endpoint.settings;
    this.#ports.readiness.watch(
      {
        workerId,
        address,
        healthCheck,
        takesJobs: takesJobs(entry.endpoint),
        // Else one that serves, and is asked in vain from now on, would count as still starting for ever.
        ...(state === 'ready' || state === 'unhealthy' ? { wasHealthy: state === 'ready' } : {}),
      },
      (healthy, detail) => {
        if (this.#closed || workerIsOver(worker.record.state)) return;
        if (healthy) this.#becameHealthy(entry, worker);
        else this.#lostHealth(entry, worker, detail);
      },
      worker.probes.signal,
    );
  }

  /** A changed health check holds for workers that run already. */
  healthCheckChanged(entry: EndpointEntry): void {
    for (const worker of entry.workers.values()) {
      const { state } = worker.record;
      const placed = Object.keys(worker.record.addresses).length > 0;
      if (placed && (state === 'starting' || state === 'ready' || state === 'unhealthy'))
        this.#watch(entry, worker);
    }
  }

  #healthPort(entry: EndpointEntry, worker: WorkerEntry): number {
    const { port } = entry.endpoint.settings.healthCheck;
    const main = mainPort(specOf(entry, worker.record.revision));
    // A revision from before the port was declared is probed where it listens.
    return port !== 0 && worker.record.addresses[port] !== undefined ? port : main;
  }

  #becameHealthy(entry: EndpointEntry, worker: WorkerEntry): void {
    const nowMs = this.#ports.clock.nowMs();
    const { state } = worker.record;
    if (state === 'starting') {
      this.#change(worker, 'becameReady', { readyAtMs: nowMs });
      this.#measureStart(entry, worker, nowMs);
    } else if (state === 'unhealthy') {
      this.#change(worker, 'healthRestored', {});
      worker.unhealthySinceMs = null;
    } else {
      return;
    }
    this.route(entry, worker);
    this.#listener.workerChanged(entry);
  }

  #lostHealth(entry: EndpointEntry, worker: WorkerEntry, detail: string): void {
    if (worker.record.state !== 'ready') return;
    this.#change(worker, 'healthLost', { reason: `health check failed: ${detail}` });
    worker.unhealthySinceMs = this.#ports.clock.nowMs();
    this.#ports.traffic.workerDrain(entry.endpoint.id, worker.record.id);
    this.#listener.workerChanged(entry);
  }

  #measureStart(entry: EndpointEntry, worker: WorkerEntry, nowMs: number): void {
    const { record } = worker;
    const tookMs = this.#sinceLaunchMs(worker);
    this.#measure(entry, worker, 'startTimeMs', tookMs);
    if (this.#ports.traffic.load(entry.endpoint.id).waiting > 0) {
      this.#ports.metrics.coldStart(entry.endpoint.id, nowMs - record.createdAtMs);
    }
    this.#ports.log.info('worker ready', {
      endpointId: entry.endpoint.id,
      workerId: record.id,
      revision: record.revision,
      startTimeMs: Math.round(tookMs),
    });
  }

  /** A wall clock that somebody sets in the meantime is to teach nothing wrong. */
  #sinceLaunchMs({ launchedAtMs, record }: WorkerEntry): number {
    if (launchedAtMs !== null) return this.#ports.clock.monotonicMs() - launchedAtMs;
    return record.startedAtMs === null ? 0 : this.#sinceMs(record.startedAtMs);
  }

  #sinceMs(atMs: number): number {
    return Math.max(0, this.#ports.clock.nowMs() - atMs);
  }

  #measure(
    entry: EndpointEntry,
    { record }: WorkerEntry,
    time: 'startTimeMs' | 'pullTimeMs' | 'drainTimeMs' | 'stopTimeMs',
    tookMs: number,
  ): void {
    const known = entry.revisions.get(record.revision)?.[time] ?? null;
    const smoothed = Math.round(known === null ? tookMs : known + (tookMs - known) * TIME_WEIGHT);
    if (smoothed !== known) this.#records.revisionChange(entry, record.revision, { [time]: smoothed });
  }

  /** Gives a ready worker to the gateway, or changes how requests go to it. */
  route(entry: EndpointEntry, worker: WorkerEntry): void {
    const { record } = worker;
    const address = addressOf(entry, record, mainPort(specOf(entry, record.revision)));
    if (record.state !== 'ready' || address === null) return;
    this.#ports.traffic.workerPut(entry.endpoint.id, {
      workerId: record.id,
      revision: record.revision,
      address,
      ...(entry.endpoint.type === 'async' ? { jobTarget: jobTargetOf(specOf(entry, record.revision)) } : {}),
      startedAtMs: record.startedAtMs ?? record.createdAtMs,
      ...this.#listener.routeOf(entry, worker),
    });
  }

  /** No new request; `drained` stops it when the last one has ended. */
  drain(entry: EndpointEntry, worker: WorkerEntry, reason: string): void {
    const { state } = worker.record;
    // It drains already: asked again, it must not lose the requests it still runs.
    if (state === 'draining') return;
    if (state !== 'ready' && state !== 'unhealthy') {
      this.stop(entry, worker, reason);
      return;
    }
    this.#change(worker, 'drainAsked', { reason });
    const load = this.#ports.traffic.load(entry.endpoint.id).workers.get(worker.record.id);
    worker.drainingSinceMs = (load?.running ?? 0) > 0 ? this.#ports.clock.nowMs() : null;
    this.#ports.traffic.workerDrain(entry.endpoint.id, worker.record.id);
  }

  drained(entry: EndpointEntry, worker: WorkerEntry): void {
    if (worker.record.state !== 'draining') return;
    if (worker.drainingSinceMs !== null)
      this.#measure(entry, worker, 'drainTimeMs', this.#sinceMs(worker.drainingSinceMs));
    this.stop(entry, worker, worker.record.reason);
  }

  withdrawDrain(entry: EndpointEntry, worker: WorkerEntry): void {
    if (worker.record.state !== 'draining') return;
    worker.drainingSinceMs = null;
    this.#change(worker, 'drainWithdrawn', { reason: 'taken back into service' });
    worker.unhealthySinceMs = null;
    this.route(entry, worker);
    // What its probes said while it drained was not heard: they begin anew, and tell it again.
    this.#watch(entry, worker);
  }

  stop(entry: EndpointEntry, worker: WorkerEntry, reason: string): void {
    const { state } = worker.record;
    if (state === 'stopping' || workerIsOver(state)) return;
    const served = worker.record.readyAtMs !== null;
    worker.stoppingSinceMs = served ? this.#ports.clock.nowMs() : null;
    this.#change(worker, 'stopAsked', { reason });
    worker.abort.abort(NO_LONGER);
    worker.probes.abort(NO_LONGER);
    if (workerIsOver(worker.record.state)) {
      this.#over(entry, worker);
      return;
    }
    const graceMs = served
      ? this.#ports.options.stopGraceMs
      : Math.min(UNPROVEN_GRACE_MS, this.#ports.options.stopGraceMs);
    void this.#stop(entry, worker, graceMs);
  }

  async #stop(entry: EndpointEntry, worker: WorkerEntry, graceMs: number): Promise<void> {
    await worker.launched;
    if (this.#closed) return;
    if (!worker.placed) {
      this.#ended(entry, worker, null);
      return;
    }
    // After a crash between the two, a worker that was told to end would be taken for one that broke.
    await this.#records.settled();
    if (this.#closed) return;
    try {
      const exit = await this.#ports.driver.stop(worker.record.id, graceMs);
      if (!this.#closed) this.#ended(entry, worker, exit);
    } catch (error) {
      if (this.#closed) return;
      this.#ports.log.error('worker not stopped, trying again', { workerId: worker.record.id, error });
      this.#ports.clock.schedule(STOP_RETRY_MS, () => void this.#stop(entry, worker, graceMs));
    }
  }

  /** Stops it and counts it as broken. */
  fail(entry: EndpointEntry, worker: WorkerEntry, reason: string): void {
    if (worker.record.state === 'stopping' || workerIsOver(worker.record.state)) return;
    this.#listener.workerBroke(entry, worker, reason);
    this.stop(entry, worker, reason);
  }

  /** The driver says that a worker's process is gone. */
  exited(entry: EndpointEntry, worker: WorkerEntry, exit: WorkerExit): void {
    if (this.#closed || workerIsOver(worker.record.state)) return;
    // While stopping, the end is told by `stop`: only that waits for children and device memory.
    if (worker.record.state === 'stopping') return;
    const livedMs = this.#ports.clock.nowMs() - (worker.record.startedAtMs ?? worker.record.createdAtMs);
    const why = worker.launchFailure ?? `${exitWords(exit)}, ${seconds(livedMs)} after its start`;
    this.#broke(entry, worker, why, exit);
  }

  /** Takes a worker found by the driver back into the state its record says, without restarting it. */
  adopt(entry: EndpointEntry, record: Worker, found: FoundWorker): void {
    const worker = newWorkerEntry(
      {
        ...record,
        addresses: found.addresses,
        devices: found.devices.map((id) => this.#inventory.deviceId(id)),
      },
      entry.events,
    );
    worker.placed = true;
    worker.proved = record.readyAtMs !== null;
    entry.workers.set(record.id, worker);
    this.#records.workerPut(worker.record);
    if (record.state === 'ready' || record.state === 'starting' || record.state === 'unhealthy') {
      if (record.state === 'unhealthy') worker.unhealthySinceMs = this.#ports.clock.nowMs();
      this.route(entry, worker);
      this.#watch(entry, worker);
    } else if (record.state === 'draining') {
      // Jobs outlive the restart. The connections it drained for do not: nothing else holds it any more.
      const runs = this.#ports.traffic.load(entry.endpoint.id).workers.get(record.id)?.running ?? 0;
      if (runs > 0) {
        worker.drainingSinceMs = this.#ports.clock.nowMs();
        this.#ports.traffic.workerDrain(entry.endpoint.id, record.id);
      } else this.stop(entry, worker, record.reason);
    } else {
      void this.#stop(entry, worker, this.#ports.options.stopGraceMs);
    }
  }

  /** Ends probes; workers run on. */
  close(entries: Iterable<EndpointEntry>): void {
    this.#closed = true;
    this.ended.close();
    for (const entry of entries) for (const worker of entry.workers.values()) worker.probes.abort(NO_LONGER);
  }

  #broke(entry: EndpointEntry, worker: WorkerEntry, why: string, exit: WorkerExit | null): void {
    this.#change(worker, 'broke', { reason: why, exit, endedAtMs: this.#ports.clock.nowMs() });
    worker.abort.abort(NO_LONGER);
    worker.probes.abort(NO_LONGER);
    this.#ports.metrics.workerFailed(entry.endpoint.id);
    this.#ports.log.warn('worker broke', { endpointId: entry.endpoint.id, workerId: worker.record.id, why });
    this.#listener.workerBroke(entry, worker, why);
    this.#over(entry, worker);
  }

  #ended(entry: EndpointEntry, worker: WorkerEntry, exit: WorkerExit | null): void {
    if (workerIsOver(worker.record.state)) return;
    if (worker.stoppingSinceMs !== null)
      this.#measure(entry, worker, 'stopTimeMs', this.#sinceMs(worker.stoppingSinceMs));
    this.#change(worker, 'ended', { exit, endedAtMs: this.#ports.clock.nowMs() });
    this.#over(entry, worker);
  }

  #over(entry: EndpointEntry, worker: WorkerEntry): void {
    const { record } = worker;
    worker.record = { ...record, devices: [], endedAtMs: record.endedAtMs ?? this.#ports.clock.nowMs() };
    this.#records.workerPut(worker.record);
    entry.workers.delete(record.id);
    this.ended.keep(entry, worker.record);
    if (worker.placed) void this.ended.keepOutput(entry, record.id);
    this.#ports.traffic.workerRemove(entry.endpoint.id, record.id, record.reason);
    this.#listener.devicesFreed();
    this.#listener.workerChanged(entry);
  }

  /** The end of a broken worker's output, as a sentence to append to its reason; empty when it wrote nothing. */
  async lastOutput(workerId: WorkerId): Promise<string> {
    try {
      const log = await this.#ports.driver.logs(workerId, LAST_OUTPUT_BYTES);
      const text = log.text.trim();
      return text === '' ? '' : `; its last output: ${text}`;
    } catch (error) {
      this.#ports.log.warn('the output of a broken worker could not be read', { workerId, error });
      return '';
    }
  }

  #change(worker: WorkerEntry, event: WorkerEvent, facts: Partial<Worker>): void {
    worker.record = { ...worker.record, ...facts, state: workerTransition(worker.record.state, event) };
    this.#records.workerPut(worker.record);
    this.#tell(worker);
  }

  #tell({ record, events }: WorkerEntry): void {
    const { id: workerId, revision, state, reason } = record;
    if (state === 'pulling' || state === 'stopping') return;
    const sinceStartMs = this.#ports.clock.nowMs() - (record.startedAtMs ?? record.createdAtMs);
    events.note(this.#ports.clock.nowMs(), {
      kind: 'worker',
      code: state,
      message: state === 'ready' ? `ready ${seconds(sinceStartMs)} after its start` : reason,
      revision,
      workerId,
      facts: { sinceStartMs: Math.round(sinceStartMs), devices: record.devices.join(' ') },
    });
  }

  #put(worker: WorkerEntry, facts: Partial<Worker>): void {
    worker.record = { ...worker.record, ...facts };
    this.#records.workerPut(worker.record);
  }
}

function addressOf(entry: EndpointEntry, record: Worker, port: number): WorkerAddress | null {
  return record.addresses[port] ?? record.addresses[mainPort(specOf(entry, record.revision))] ?? null;
}

function isLaunching(state: WorkerState): boolean {
  return state === 'pulling' || state === 'starting';
}
