import { newId, type WorkerId } from '../base/ids.ts';
import { seconds } from '../decide/world.ts';
import { exitWords, type WorkerExit } from '../model/worker-exit.ts';
import type { Worker } from '../model/worker.ts';
import { workerIsOver } from '../model/worker-state.ts';
import type { FoundWorker } from '../ports/driver.ts';
import type { ControlPorts } from './control-options.ts';
import { EndedWorkers } from './ended-workers.ts';
import {
  addWorker,
  newWorkerEntry,
  removeWorker,
  type EndpointEntry,
  type WorkerEntry,
} from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import type { Inventory } from './inventory.ts';
import type { Resources } from './resources/resources.ts';
import { NO_LONGER, WorkerHealth } from './worker-health.ts';
import { WorkerLaunch } from './worker-launch.ts';
import { routeWorker } from './worker-route.ts';
import { WorkerStates } from './worker-states.ts';
import { WorkerStop } from './worker-stop.ts';
import { WorkerTimes } from './worker-times.ts';

/** What the lifecycle tells the reconciler. All calls come in the turn in which the thing happened. */
export interface LifecycleListener {
  /** A worker's state changed in a way that can change decisions. */
  workerChanged(entry: EndpointEntry): void;
  /** It ended by itself or never became ready. Called before `workerChanged`. */
  workerBroke(entry: EndpointEntry, worker: WorkerEntry, why: string): void;
  /** Devices came back. */
  devicesFreed(): void;
}

/** Carries workers through their states, with a part for each stretch of the way: launch, health, stop, what is kept. */
export class WorkerLifecycle {
  readonly #ports: ControlPorts;
  readonly #records: EndpointRecords;
  readonly #listener: LifecycleListener;
  readonly #inventory: Inventory;
  readonly #states: WorkerStates;
  readonly #times: WorkerTimes;
  readonly #launches: WorkerLaunch;
  readonly #health: WorkerHealth;
  readonly #stops: WorkerStop;
  /** Aborted when this server lets go of its workers: what was begun for them is not carried on. */
  readonly #closing = new AbortController();
  readonly ended: EndedWorkers;

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
    this.ended = new EndedWorkers(ports, records);
    const states = new WorkerStates(ports, records);
    const times = new WorkerTimes(ports, records);
    const closed = this.#closing.signal;
    const stops = new WorkerStop(ports, records, closed, (entry, worker, exit) => {
      this.#ended(entry, worker, exit);
    });
    this.#states = states;
    this.#times = times;
    this.#stops = stops;
    this.#health = new WorkerHealth({
      ports,
      states,
      times,
      closed,
      onChange: (entry) => listener.workerChanged(entry),
      onNoAddress: (entry, worker) =>
        this.#broke(entry, worker, 'the driver gave no address for its port', null),
    });
    this.#launches = new WorkerLaunch({
      ports,
      records,
      states,
      times,
      stops,
      inventory,
      resources,
      fence,
      closed,
      onStarted: (entry, worker) => this.#health.watch(entry, worker),
      onFailed: (entry, worker, why) => this.#broke(entry, worker, why, null),
    });
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
    addWorker(entry, worker);
    this.#records.workerPut(record);
    return worker;
  }

  /** Its devices are there: it is prepared and started, in this turn as far as the driver allows. */
  launch(entry: EndpointEntry, worker: WorkerEntry, devices: readonly string[]): void {
    this.#launches.launch(entry, worker, devices);
  }

  /** A changed health check holds for workers that run already. */
  healthCheckChanged(entry: EndpointEntry): void {
    this.#health.checkChanged(entry);
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
    this.#states.change(worker, 'drainAsked', { reason });
    const load = this.#ports.traffic.load(entry.endpoint.id).workers.get(worker.record.id);
    worker.drainingSinceMs = (load?.running ?? 0) > 0 ? this.#ports.clock.nowMs() : null;
    this.#ports.traffic.workerDrain(entry.endpoint.id, worker.record.id);
  }

  drained(entry: EndpointEntry, worker: WorkerEntry): void {
    if (worker.record.state !== 'draining') return;
    if (worker.drainingSinceMs !== null)
      this.#times.measure(entry, worker, 'drainTimeMs', this.#times.sinceMs(worker.drainingSinceMs));
    this.stop(entry, worker, worker.record.reason);
  }

  withdrawDrain(entry: EndpointEntry, worker: WorkerEntry): void {
    if (worker.record.state !== 'draining') return;
    worker.drainingSinceMs = null;
    this.#states.change(worker, 'drainWithdrawn', { reason: 'taken back into service' });
    worker.unhealthySinceMs = null;
    routeWorker(this.#ports, entry, worker);
    // What its probes said while it drained was not heard: they begin anew, and tell it again.
    this.#health.watch(entry, worker);
  }

  stop(entry: EndpointEntry, worker: WorkerEntry, reason: string): void {
    const { state } = worker.record;
    if (state === 'stopping' || workerIsOver(state)) return;
    worker.stoppingSinceMs = worker.record.readyAtMs === null ? null : this.#ports.clock.nowMs();
    this.#states.change(worker, 'stopAsked', { reason });
    worker.abort.abort(NO_LONGER);
    worker.probes.abort(NO_LONGER);
    if (workerIsOver(worker.record.state)) {
      this.#over(entry, worker);
      return;
    }
    void this.#stops.stop(entry, worker, this.#stops.graceMs(worker));
  }

  /** Stops it and counts it as broken. */
  fail(entry: EndpointEntry, worker: WorkerEntry, reason: string): void {
    if (worker.record.state === 'stopping' || workerIsOver(worker.record.state)) return;
    this.#listener.workerBroke(entry, worker, reason);
    this.stop(entry, worker, reason);
  }

  /** The driver says that a worker's process is gone. */
  exited(entry: EndpointEntry, worker: WorkerEntry, exit: WorkerExit): void {
    if (this.#closing.signal.aborted || workerIsOver(worker.record.state)) return;
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
    addWorker(entry, worker);
    this.#records.workerPut(worker.record);
    if (record.state === 'ready' || record.state === 'starting' || record.state === 'unhealthy') {
      if (record.state === 'unhealthy') worker.unhealthySinceMs = this.#ports.clock.nowMs();
      routeWorker(this.#ports, entry, worker);
      this.#health.watch(entry, worker);
    } else if (record.state === 'draining') {
      // Jobs outlive the restart. The connections it drained for do not: nothing else holds it any more.
      const runs = this.#ports.traffic.load(entry.endpoint.id).workers.get(record.id)?.running ?? 0;
      if (runs > 0) {
        worker.drainingSinceMs = this.#ports.clock.nowMs();
        this.#ports.traffic.workerDrain(entry.endpoint.id, record.id);
      } else this.stop(entry, worker, record.reason);
    } else {
      void this.#stops.stop(entry, worker, this.#ports.options.stopGraceMs);
    }
  }

  /** Ends probes; workers run on. */
  close(entries: Iterable<EndpointEntry>): void {
    this.#closing.abort(NO_LONGER);
    this.ended.close();
    for (const entry of entries) for (const worker of entry.workers.values()) worker.probes.abort(NO_LONGER);
  }

  #broke(entry: EndpointEntry, worker: WorkerEntry, why: string, exit: WorkerExit | null): void {
    this.#states.change(worker, 'broke', { reason: why, exit, endedAtMs: this.#ports.clock.nowMs() });
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
      this.#times.measure(entry, worker, 'stopTimeMs', this.#times.sinceMs(worker.stoppingSinceMs));
    this.#states.change(worker, 'ended', { exit, endedAtMs: this.#ports.clock.nowMs() });
    this.#over(entry, worker);
  }

  #over(entry: EndpointEntry, worker: WorkerEntry): void {
    const { record } = worker;
    this.#states.put(worker, { devices: [], endedAtMs: record.endedAtMs ?? this.#ports.clock.nowMs() });
    removeWorker(entry, record.id);
    this.ended.keep(entry, worker.record);
    if (worker.placed) void this.ended.keepOutput(entry, record.id);
    this.#ports.traffic.workerRemove(entry.endpoint.id, record.id, record.reason);
    this.#listener.devicesFreed();
    this.#listener.workerChanged(entry);
  }
}
