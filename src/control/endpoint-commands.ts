import { AppError } from '../base/errors.ts';
import { newId, type EndpointId, type RolloutId, type WorkerId } from '../base/ids.ts';
import { endpointStatus } from '../decide/endpoint-status.ts';
import { classifyChange } from '../decide/update/classify.ts';
import { createEndpointSpec } from '../decide/update/create-spec.ts';
import { planUpdate, type UpdatePlan } from '../decide/update/plan-update.ts';
import type { Endpoint, Revision, RevisionSpec, Rollout } from '../model/endpoint.ts';
import { faultsError } from '../model/faults.ts';
import { LOCAL_REGION, type Product, type Region } from '../model/product.ts';
import { rolloutIsOver, rolloutTransition } from '../model/rollout-state.ts';
import type { Worker } from '../model/worker.ts';
import { workerIsLive } from '../model/worker-state.ts';
import type { WorkerLog } from '../ports/driver.ts';
import type {
  Caller,
  EndpointListQuery,
  EndpointService,
  EndpointView,
  UpdateOutcome,
} from '../ports/endpoint-service.ts';
import type { ControlPorts } from './control-options.ts';
import { currentRevision, newEntry, revisionOf, type EndpointEntry } from './endpoint-entry.ts';
import { endpointPage } from './endpoint-page.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import type { Inventory } from './inventory.ts';
import { checkResources } from './resource-check.ts';
import type { Reconciler } from './reconciler.ts';
import { forgetFailures } from './start-failures.ts';
import type { WorkerLifecycle } from './worker-lifecycle.ts';

/** What a client asks of an endpoint. Changes of one endpoint are made one after the other. */
export class EndpointCommands implements EndpointService {
  readonly #ports: ControlPorts;
  readonly #entries: Map<EndpointId, EndpointEntry>;
  readonly #records: EndpointRecords;
  readonly #reconciler: Reconciler;
  readonly #lifecycle: WorkerLifecycle;
  readonly #inventory: Inventory;
  /** App names of endpoints whose insertion is being committed. */
  readonly #namesInFlight = new Set<string>();

  constructor(
    ports: ControlPorts,
    entries: Map<EndpointId, EndpointEntry>,
    records: EndpointRecords,
    reconciler: Reconciler,
    lifecycle: WorkerLifecycle,
    inventory: Inventory,
  ) {
    this.#ports = ports;
    this.#entries = entries;
    this.#records = records;
    this.#reconciler = reconciler;
    this.#lifecycle = lifecycle;
    this.#inventory = inventory;
  }

  async create(body: unknown, caller: Caller): Promise<{ readonly id: EndpointId }> {
    const created = createEndpointSpec(body, { defaultRegionId: LOCAL_REGION.id });
    if ('faults' in created) throw faultsError(created.faults);
    this.#checkSpec(created.spec);
    const id = newId<EndpointId>(this.#ports.random);
    const appName = created.appName ?? id;
    if (this.#nameTaken(appName)) throw nameTaken(appName);
    const nowMs = this.#ports.clock.nowMs();
    const endpoint: Endpoint = {
      id,
      type: created.type,
      appName,
      ownerId: caller.ownerId,
      createdAtMs: nowMs,
      generation: 1,
      settings: created.settings,
      stableRevision: 1,
      targetRevision: null,
      lastRevision: 1,
      rollout: null,
      message: '',
      deleting: false,
    };
    const revision = newRevision(id, 1, created.spec, nowMs);
    this.#namesInFlight.add(appName);
    try {
      await this.#ports.store.endpointInsert(endpoint, revision);
    } finally {
      this.#namesInFlight.delete(appName);
    }
    const entry = newEntry(endpoint, [revision]);
    this.#entries.set(id, entry);
    this.#reconciler.reconcile(entry);
    return { id };
  }

  get(endpointId: string, caller: Caller): EndpointView {
    return this.#view(this.#entry(endpointId, caller));
  }

  list(
    query: EndpointListQuery,
    caller: Caller,
  ): { readonly views: readonly EndpointView[]; readonly nextCursor: string; readonly hasMore: boolean } {
    const page = endpointPage(
      [...this.#entries.values()].map((entry) => entry.endpoint),
      query,
      caller,
    );
    const views = page.endpoints.flatMap((endpoint) => {
      const entry = this.#entries.get(endpoint.id);
      return entry === undefined ? [] : [this.#view(entry)];
    });
    return { views, nextCursor: page.nextCursor, hasMore: page.hasMore };
  }

  async update(endpointId: string, body: unknown, caller: Caller): Promise<UpdateOutcome> {
    const entry = this.#entry(endpointId, caller);
    return await this.#inTurn(entry, async () => {
      if (entry.endpoint.deleting) throw notFound(endpointId);
      const current = currentRevision(entry);
      const { endpoint } = entry;
      const plan = planUpdate(
        {
          id: endpoint.id,
          type: endpoint.type,
          appName: endpoint.appName,
          url: this.#ports.options.urlOf(endpoint),
          ownerId: endpoint.ownerId,
          createdAtMs: endpoint.createdAtMs,
          settings: endpoint.settings,
          spec: current.spec,
        },
        body,
      );
      if ('faults' in plan) throw faultsError(plan.faults);
      const classes = Object.values(plan.changed);
      if (classes.length === 0) return outcome(entry, {});
      const revisionChanged = classes.includes('revision');
      if (revisionChanged) this.#checkSpec(plan.spec);
      const change = revisionChanged ? this.#newTarget(entry, plan) : { change: {} };
      const healthCheckChanged = plan.changed['health_check'] !== undefined;
      await this.#records.endpointCommit(
        entry,
        { settings: plan.settings, ...change.change },
        change.revision,
      );
      // What failed was another revision, or nobody could pass the health check: the next start need not wait.
      if (revisionChanged || healthCheckChanged) forgetFailures(entry);
      if (healthCheckChanged) this.#lifecycle.healthCheckChanged(entry);
      for (const worker of entry.workers.values()) this.#lifecycle.route(entry, worker);
      this.#reconciler.reconcile(entry);
      return outcome(entry, plan.changed);
    });
  }

  /**
   * The next revision and the rollout to it. Where the wanted fields are the stable revision's own
   * (an update taken back while it rolls out), no revision is made: the endpoint returns to that one.
   */
  #newTarget(entry: EndpointEntry, plan: UpdatePlan): { change: Partial<Endpoint>; revision?: Revision } {
    const { endpoint } = entry;
    const nowMs = this.#ports.clock.nowMs();
    const { settings } = endpoint;
    const stable = revisionOf(entry, endpoint.stableRevision);
    const back = classifyChange({ settings, spec: stable.spec }, { settings, spec: plan.spec });
    if (endpoint.rollout !== null && Object.keys(back).length === 0) {
      return {
        change: {
          targetRevision: null,
          rollout: superseded(
            endpoint.rollout,
            `taken back: revision ${stable.number} is wanted again`,
            nowMs,
          ),
          message: '',
        },
      };
    }
    const number = endpoint.lastRevision + 1;
    const live = [...entry.workers.values()].filter((worker) => workerIsLive(worker.record.state)).length;
    const rollout: Rollout = {
      id: newId<RolloutId>(this.#ports.random),
      state: 'waiting',
      fromRevision: endpoint.stableRevision,
      toRevision: number,
      mode: null,
      startedAtMs: nowMs,
      endedAtMs: null,
      workersBefore: live,
      startFailures: 0,
      postponements: 0,
      notBeforeMs: 0,
      message: 'starts with the next request',
    };
    return {
      change: { targetRevision: number, lastRevision: number, rollout, message: '' },
      revision: newRevision(endpoint.id, number, plan.spec, nowMs),
    };
  }

  async delete(endpointId: string, caller: Caller): Promise<void> {
    const entry = this.#entry(endpointId, caller);
    await this.#inTurn(entry, async () => {
      if (entry.endpoint.deleting) return;
      await this.#records.endpointCommit(entry, { deleting: true });
      this.#reconciler.reconcile(entry);
    });
  }

  /** The last worker of a deleted endpoint is gone: nothing of it is kept. */
  async forget(entry: EndpointEntry): Promise<void> {
    const { id } = entry.endpoint;
    if (!this.#entries.delete(id)) return;
    this.#ports.traffic.endpointRemove(id, notFound(id));
    this.#ports.metrics.endpointForgotten(id);
    this.#ports.onForgotten?.(id);
    for (const worker of entry.ended) this.#lifecycle.forget(worker.id);
    try {
      await this.#ports.store.endpointDelete(id);
    } catch (error) {
      // The record still says "deleting": the next start of the server finishes it.
      this.#ports.log.error('a deleted endpoint could not be removed from the store', {
        endpointId: id,
        error,
      });
    }
  }

  workerList(endpointId: string, caller: Caller): readonly Worker[] {
    const entry = this.#entry(endpointId, caller);
    const live = [...entry.workers.values()].map((worker) => worker.record);
    return [...live, ...entry.ended].sort((a, b) => b.createdAtMs - a.createdAtMs);
  }

  async workerLog(
    endpointId: string,
    workerId: string,
    maxBytes: number,
    caller: Caller,
  ): Promise<WorkerLog> {
    const worker = this.workerList(endpointId, caller).find((candidate) => candidate.id === workerId);
    if (worker === undefined) {
      throw new AppError(
        'SERVERLESS_WORKER_NOT_FOUND',
        `Endpoint ${endpointId} has no worker ${workerId}, and none that ended lately; list its workers to see which there are.`,
      );
    }
    return await this.#ports.driver.logs(workerId as WorkerId, maxBytes);
  }

  productList(): readonly (Product & { readonly available: number })[] {
    return [...this.#inventory.products.values()].map((product) => ({
      ...product,
      available: this.#inventory.available(product.id, this.#entries.values()),
    }));
  }

  regionList(): readonly Region[] {
    return [LOCAL_REGION];
  }

  #view(entry: EndpointEntry): EndpointView {
    const { endpoint } = entry;
    const workers = [...entry.workers.values()].map((worker) => worker.record);
    const status = endpointStatus({
      settings: endpoint.settings,
      deleting: endpoint.deleting,
      rollout: endpoint.rollout,
      startFailures: entry.startFailures,
      waiting: this.#ports.traffic.load(endpoint.id).waiting,
      workers,
      everReady: [...entry.revisions.values()].some((revision) => revision.startTimeMs !== null),
    });
    const moving = endpoint.rollout !== null && !rolloutIsOver(endpoint.rollout.state);
    const failed = status === 'failed' || status === 'degraded';
    return {
      endpoint,
      revision: currentRevision(entry),
      status,
      error: failed ? endpoint.message : '',
      message: moving ? (endpoint.rollout?.message ?? '') : endpoint.message,
      url: this.#ports.options.urlOf(endpoint),
      workers,
    };
  }

  #checkSpec(spec: RevisionSpec): void {
    checkResources(spec, this.#inventory);
    const refusal = this.#ports.driver.refusal(spec);
    if (refusal !== null) throw refusal;
  }

  #entry(endpointId: string, caller: Caller): EndpointEntry {
    const entry = this.#entries.get(endpointId as EndpointId);
    if (entry === undefined) throw notFound(endpointId);
    if (!caller.admin && entry.endpoint.ownerId !== caller.ownerId) {
      throw new AppError('FORBIDDEN', `Endpoint ${endpointId} belongs to another owner than this API key.`);
    }
    return entry;
  }

  #nameTaken(appName: string): boolean {
    if (this.#namesInFlight.has(appName)) return true;
    for (const entry of this.#entries.values()) if (entry.endpoint.appName === appName) return true;
    return false;
  }

  async #inTurn<Result>(entry: EndpointEntry, command: () => Promise<Result>): Promise<Result> {
    const turn = entry.commands.then(command).finally(() => {
      // What happened while the change was on its way to the disk, and it was refused there.
      if (entry.dirty) this.#reconciler.reconcile(entry);
    });
    entry.commands = turn.catch(() => undefined);
    return await turn;
  }
}

function newRevision(endpointId: EndpointId, number: number, spec: RevisionSpec, nowMs: number): Revision {
  return { endpointId, number, spec, createdAtMs: nowMs, failure: null, startTimeMs: null };
}

function superseded(rollout: Rollout, message: string, nowMs: number): Rollout {
  if (rolloutIsOver(rollout.state)) return rollout;
  return {
    ...rollout,
    state: rolloutTransition(rollout.state, 'replacedByNewer'),
    message,
    endedAtMs: nowMs,
  };
}

function outcome(entry: EndpointEntry, changed: UpdateOutcome['changed']): UpdateOutcome {
  const { rollout } = entry.endpoint;
  const running = rollout !== null && !rolloutIsOver(rollout.state);
  return {
    revision: currentRevision(entry).number,
    changed,
    rollout: running ? { id: rollout.id, state: rollout.state } : null,
  };
}

function notFound(endpointId: string): AppError {
  return new AppError(
    'SERVERLESS_ENDPOINT_NOT_FOUND',
    `There is no endpoint ${endpointId}; list the endpoints to see which there are.`,
  );
}

function nameTaken(appName: string): AppError {
  return new AppError(
    'SERVERLESS_APP_NAME_IS_EXIST',
    `The app_name "${appName}" is taken by another endpoint; choose another one, or leave it out to have one made.`,
    { metadata: { app_name: `"${appName}" is taken` } },
  );
}
