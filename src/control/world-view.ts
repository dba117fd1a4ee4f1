import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { LoadModel } from '../decide/autoscale/load-model.ts';
import { workersFor } from '../decide/autoscale/needed-workers.ts';
import type { GuardReport } from '../model/guard-report.ts';
import type { EndpointWorld, PlanOptions, RevisionView, WorkerView } from '../decide/world.ts';
import type { EndpointSettings, Revision, Rollout } from '../model/endpoint.ts';
import type { WorkerState } from '../model/worker-state.ts';
import type { EndpointLoad, Traffic, WorkerLoad } from '../ports/traffic.ts';
import type { ControlOptions } from './control-options.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';
import type { Inventory } from './inventory.ts';
import { loadOf } from './load-learning.ts';
import { guardReportOf } from './guard-facts.ts';
import { planOptionsOf } from './rollout-options.ts';

/**
 * The endpoint as the pure decisions see it, at this moment. Made for every event of a request, so
 * what is dear and rarely looked at (lists of times, free devices) is made when it is read: in the
 * same turn, before anything has changed.
 */
export function worldOf(
  entry: EndpointEntry,
  entries: ReadonlyMap<EndpointId, EndpointEntry>,
  inventory: Inventory,
  traffic: Traffic,
  options: ControlOptions,
  nowMs: number,
): EndpointWorld {
  return new EntryWorld(
    entry,
    entries,
    inventory,
    traffic.load(entry.endpoint.id),
    options,
    guardReportOf(entry, traffic, nowMs),
    nowMs,
  );
}

class EntryWorld implements EndpointWorld {
  readonly endpointId: EndpointId;
  readonly settings: EndpointSettings;
  readonly deleting: boolean;
  readonly stableRevision: number;
  readonly targetRevision: number | null;
  readonly rollout: Rollout | null;
  readonly revisions: ReadonlyMap<number, RevisionView>;
  readonly workers: readonly WorkerView[];
  readonly waiting: number;
  readonly earliestDeadlineMs: number | null;
  readonly guard: GuardReport | null;
  readonly startFailures: number;
  readonly notBeforeMs: number;
  readonly #entry: EndpointEntry;
  readonly #options: ControlOptions;
  #planOptions: PlanOptions | null = null;
  readonly #load: EndpointLoad;
  #waitingSinceMs: readonly number[] | null = null;
  #learned: LoadModel | null = null;
  readonly #nowMs: number;

  constructor(
    entry: EndpointEntry,
    entries: ReadonlyMap<EndpointId, EndpointEntry>,
    inventory: Inventory,
    load: EndpointLoad,
    options: ControlOptions,
    guard: GuardReport | null,
    nowMs: number,
  ) {
    const { endpoint } = entry;
    this.endpointId = endpoint.id;
    this.settings = endpoint.settings;
    this.deleting = endpoint.deleting;
    this.stableRevision = endpoint.stableRevision;
    this.targetRevision = endpoint.targetRevision;
    this.rollout = endpoint.rollout;
    this.waiting = load.waiting;
    this.earliestDeadlineMs = load.earliestDeadlineMs;
    // A queue that was refused as a whole went without a word for each.
    if (load.waiting === 0) entry.waitingSeen = 0;
    this.guard = guard;
    this.startFailures = entry.startFailures;
    this.notBeforeMs = entry.notBeforeMs;
    this.#entry = entry;
    this.#options = options;
    this.#load = load;
    this.#nowMs = nowMs;
    const needed = workersFor(load.waiting + load.running, endpoint.settings);
    // Where nobody ever asked, that nobody asks is nothing to be learned.
    if (needed > 0 || entry.load !== null) this.load.noteNeeded(needed, nowMs);
    const revisions = new Map<number, RevisionView>();
    const show = (number: number): void => {
      if (revisions.has(number)) return;
      const revision = entry.revisions.get(number);
      if (revision !== undefined) revisions.set(number, new EntryRevision(revision, entries, inventory));
    };
    show(endpoint.stableRevision);
    if (endpoint.targetRevision !== null) show(endpoint.targetRevision);
    const workers: WorkerView[] = [];
    for (const worker of entry.workers.values()) {
      show(worker.record.revision);
      workers.push(new EntryWorker(worker, load.workers.get(worker.record.id)));
    }
    this.revisions = revisions;
    this.workers = workers;
  }

  get load(): LoadModel {
    this.#learned ??= loadOf(this.#entry, this.#nowMs);
    return this.#learned;
  }

  get options(): PlanOptions {
    this.#planOptions ??= planOptionsOf(this.#entry.endpoint, this.#options);
    return this.#planOptions;
  }

  get waitingSinceMs(): readonly number[] {
    this.#waitingSinceMs ??= this.#load.waitingSinceMs;
    return this.#waitingSinceMs;
  }
}

class EntryWorker implements WorkerView {
  readonly id: WorkerId;
  readonly revision: number;
  readonly state: WorkerState;
  readonly running: number;
  readonly idleSinceMs: number | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly readyAtMs: number | null;
  readonly unhealthySinceMs: number | null;
  readonly drainingSinceMs: number | null;
  readonly #load: WorkerLoad | undefined;
  #runningSinceMs: readonly number[] | null = null;

  constructor(worker: WorkerEntry, load: WorkerLoad | undefined) {
    const { record } = worker;
    this.id = record.id;
    this.revision = record.revision;
    this.state = record.state;
    this.running = load?.running ?? 0;
    this.idleSinceMs = load?.idleSinceMs ?? null;
    this.createdAtMs = record.createdAtMs;
    this.startedAtMs = record.startedAtMs;
    this.readyAtMs = record.readyAtMs;
    this.unhealthySinceMs = worker.unhealthySinceMs;
    this.drainingSinceMs = worker.drainingSinceMs;
    this.#load = load;
  }

  get runningSinceMs(): readonly number[] {
    this.#runningSinceMs ??= this.#load?.runningSinceMs ?? [];
    return this.#runningSinceMs;
  }
}

class EntryRevision implements RevisionView {
  readonly number: number;
  readonly failed: boolean;
  readonly startTimeMs: number | null;
  readonly productId: string;
  readonly devicesPerWorker: number;
  readonly #revision: Revision;
  readonly #entries: ReadonlyMap<EndpointId, EndpointEntry>;
  readonly #inventory: Inventory;
  #roomWorkers: number | null = null;

  constructor(revision: Revision, entries: ReadonlyMap<EndpointId, EndpointEntry>, inventory: Inventory) {
    this.number = revision.number;
    this.failed = revision.failure !== null;
    this.startTimeMs = revision.startTimeMs;
    this.productId = inventory.typeOf(revision.spec.productId);
    this.devicesPerWorker = inventory.devicesWanted(revision.spec);
    this.#revision = revision;
    this.#entries = entries;
    this.#inventory = inventory;
  }

  get roomWorkers(): number {
    this.#roomWorkers ??= this.#inventory.room(this.#revision.spec, this.#entries.values());
    return this.#roomWorkers;
  }
}
