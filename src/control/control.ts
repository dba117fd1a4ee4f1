import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { RevisionSpec } from '../model/endpoint.ts';
import { rolloutIsOver } from '../model/rollout-state.ts';
import type { RequestTimeline } from '../model/request-timeline.ts';
import type { WorkerState } from '../model/worker-state.ts';
import type { EndpointGauges } from '../ports/metrics.ts';
import type { RequestAnswer, RequestOutcome, TrafficListener } from '../ports/traffic.ts';
import type { ControlPorts } from './control-options.ts';
import { DeviceRefresh } from './device-refresh.ts';
import { findWorker, hasPendingWorker } from './device-assigner.ts';
import { EndpointCommands } from './endpoint-commands.ts';
import type { EndpointEntry } from './endpoint-entry.ts';
import { EndpointRecords } from './endpoint-records.ts';
import { noteAnswer, noteOutcome } from './guard-facts.ts';
import { Inventory } from './inventory.ts';
import { noteEnded, noteGone, noteStarted, noteWaiting } from './load-learning.ts';
import { Reconciler } from './reconciler.ts';
import { Resources } from './resources/resources.ts';
import { checkSpec } from './resource-check.ts';
import { recover } from './recovery.ts';
import { WorkerLifecycle } from './worker-lifecycle.ts';

/**
 * The owner of all endpoints of this process: it holds them in memory, hears what the gateway and
 * the driver tell, and keeps the reconciler going. One instance a process.
 */
export class Control implements TrafficListener {
  readonly #ports: ControlPorts;
  readonly #entries: Map<EndpointId, EndpointEntry>;
  readonly #records: EndpointRecords;
  readonly #reconciler: Reconciler;
  readonly #lifecycle: WorkerLifecycle;
  readonly #inventory: Inventory;
  #deviceRefresh: DeviceRefresh | null = null;
  readonly service: EndpointCommands;
  readonly resources: Resources;

  private constructor(
    ports: ControlPorts,
    entries: Map<EndpointId, EndpointEntry>,
    records: EndpointRecords,
    reconciler: Reconciler,
    lifecycle: WorkerLifecycle,
    inventory: Inventory,
    service: EndpointCommands,
    resources: Resources,
  ) {
    this.#ports = ports;
    this.#entries = entries;
    this.#records = records;
    this.#reconciler = reconciler;
    this.#lifecycle = lifecycle;
    this.#inventory = inventory;
    this.service = service;
    this.resources = resources;
  }

  /** Loads what is stored, takes running workers back, and starts deciding. */
  static async open(ports: ControlPorts): Promise<Control> {
    const fence = await ports.store.fenceRaise();
    const inventory = new Inventory(await ports.driver.fingerprint(), ports.options);
    const entries = new Map<EndpointId, EndpointEntry>();
    const records = new EndpointRecords(ports);
    const reconciler = new Reconciler(ports, entries, records, inventory, (entry) => {
      void service.forget(entry);
    });
    const resources = new Resources(ports, entries, inventory);
    const lifecycle = new WorkerLifecycle(ports, records, reconciler, inventory, resources, fence);
    reconciler.attach(lifecycle);
    const service = new EndpointCommands(
      ports,
      entries,
      records,
      reconciler,
      lifecycle,
      inventory,
      resources,
    );
    const control = new Control(
      ports,
      entries,
      records,
      reconciler,
      lifecycle,
      inventory,
      service,
      resources,
    );
    ports.onListener(control);
    // Exits can be told from the first recovered worker on.
    ports.driver.onExit((workerId, exit) => {
      const found = findWorker(entries.values(), workerId);
      if (found !== null) lifecycle.exited(found.entry, found.worker, exit);
    });
    // Before anything starts: a worker may need a credential or a volume.
    await resources.load();
    await recover(ports, entries, records, lifecycle);
    resources.start();
    ports.metrics.onScrape(() => control.#gauges());
    control.#watchDevices();
    for (const entry of entries.values()) reconciler.reconcile(entry);
    reconciler.assignDevices();
    return control;
  }

  requestWaiting(endpointId: EndpointId): void {
    const entry = this.#entries.get(endpointId);
    if (entry === undefined) return;
    noteWaiting(entry, this.#ports.clock.nowMs());
    // With no worker this request is what wakes one: decided in this very turn.
    if (entry.workers.size === 0) this.#reconciler.reconcile(entry);
    else this.#reconciler.reconcileSoon(entry);
    if (hasPendingWorker(entry)) this.#reconciler.assignDevicesFor(entry);
  }

  requestGone(endpointId: EndpointId): void {
    const entry = this.#entries.get(endpointId);
    if (entry === undefined) return;
    noteGone(entry);
    this.#reconciler.reconcileSoon(entry);
  }

  requestStarted(endpointId: EndpointId): void {
    const entry = this.#entries.get(endpointId);
    if (entry === undefined) return;
    noteStarted(entry, this.#ports.clock.nowMs());
    this.#reconciler.reconcileSoon(entry);
  }

  requestAnswered(endpointId: EndpointId, answer: RequestAnswer): void {
    const entry = this.#entries.get(endpointId);
    const worker = entry?.workers.get(answer.workerId);
    if (entry === undefined || worker === undefined) return;
    if (answer.status < 500) worker.proved = true;
    noteAnswer(entry, worker, answer, this.#ports.clock.nowMs());
    // An answer can be what a rollout waits for.
    const { rollout } = entry.endpoint;
    if (rollout !== null && !rolloutIsOver(rollout.state)) this.#reconciler.reconcileSoon(entry);
  }

  requestEnded(endpointId: EndpointId, outcome: RequestOutcome): void {
    const entry = this.#entries.get(endpointId);
    if (entry === undefined) return;
    noteEnded(entry, outcome, this.#ports.clock.nowMs());
    noteOutcome(entry, outcome);
    this.#reconciler.reconcileSoon(entry);
  }

  workerDrained(endpointId: EndpointId, workerId: WorkerId): void {
    const entry = this.#entries.get(endpointId);
    const worker = entry?.workers.get(workerId);
    if (entry === undefined || worker === undefined) return;
    this.#lifecycle.drained(entry, worker);
    this.#reconciler.reconcile(entry);
  }

  workerSpent(endpointId: EndpointId, workerId: WorkerId, why: string): void {
    const entry = this.#entries.get(endpointId);
    const worker = entry?.workers.get(workerId);
    if (entry === undefined || worker === undefined) return;
    this.#lifecycle.drain(entry, worker, why);
    this.#reconciler.reconcile(entry);
  }

  /** A worker that has not ended; null for any other. */
  workerFind(endpointId: EndpointId, workerId: WorkerId): { readonly revision: number } | null {
    return this.#entries.get(endpointId)?.workers.get(workerId)?.record ?? null;
  }

  /** How many of an endpoint's workers are in each state. */
  workerStates(endpointId: EndpointId): Readonly<Partial<Record<WorkerState, number>>> {
    const states: Partial<Record<WorkerState, number>> = {};
    for (const { record } of this.#entries.get(endpointId)?.workers.values() ?? []) {
      states[record.state] = (states[record.state] ?? 0) + 1;
    }
    return states;
  }

  workerLeft(endpointId: EndpointId, workerId: WorkerId, requests: readonly RequestTimeline[]): void {
    const entry = this.#entries.get(endpointId);
    if (entry !== undefined) this.#lifecycle.ended.keepRequests(entry, workerId, requests);
  }

  #gauges(): readonly EndpointGauges[] {
    const nowMs = this.#ports.clock.nowMs();
    return [...this.#entries.values()].map((entry) => {
      const load = this.#ports.traffic.load(entry.endpoint.id);
      const workers = this.workerStates(entry.endpoint.id);
      const ready = (workers.ready ?? 0) + (workers.draining ?? 0);
      const oldestMs = load.oldestWaitingSinceMs;
      return {
        endpointId: entry.endpoint.id,
        waiting: load.waiting,
        oldestWaitSeconds: oldestMs === null ? 0 : Math.max(0, nowMs - oldestMs) / 1_000,
        slotsUsed: load.running,
        slotsTotal: ready * entry.endpoint.settings.maxConcurrentPerWorker,
        workers,
      };
    });
  }

  #watchDevices(): void {
    const { deviceWatch } = this.#ports;
    if (deviceWatch === null) return;
    this.#deviceRefresh = new DeviceRefresh({
      ports: this.#ports,
      deviceWatch,
      inventory: this.#inventory,
      entries: this.#entries,
      wanted: () => this.#reconciler.devicesWanted,
      onMore: () => this.#reconciler.devicesFreed(),
    });
  }

  /** Throws where an update to this spec would be refused. */
  checkSpec(spec: RevisionSpec): void {
    checkSpec(spec, this.#inventory, this.#ports.driver);
  }

  /** Stops deciding and probing, waits for what was written, and leaves all workers running. */
  async close(): Promise<void> {
    this.#deviceRefresh?.close();
    this.#reconciler.close();
    this.#lifecycle.close(this.#entries.values());
    await this.resources.close();
    await this.#records.settled();
  }
}
