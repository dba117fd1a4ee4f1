import { AppError } from '../base/errors.ts';
import { newId, type EndpointId } from '../base/ids.ts';
import { endpointStatus } from '../decide/endpoint-status.ts';
import { createEndpointSpec } from '../decide/update/create-spec.ts';
import type { Endpoint, RevisionSpec } from '../model/endpoint.ts';
import type { EndpointEvent } from '../model/endpoint-event.ts';
import type { RolloutCommand } from '../model/rollout-order.ts';
import type { TagCondition } from '../model/etag.ts';
import { faultsError } from '../model/faults.ts';
import { LOCAL_REGION, type Product, type Region } from '../model/product.ts';
import { rolloutIsMoving } from '../model/rollout-state.ts';
import type { DeviceList } from '../model/device-view.ts';
import type { Worker } from '../model/worker.ts';
import type { WorkerLog } from '../ports/driver.ts';
import {
  NO_TERMS,
  type Caller,
  type ChangeTerms,
  type CreateOutcome,
  type DrainHolder,
  type EndpointListQuery,
  type EndpointService,
  type EndpointView,
  type EventFollow,
  type EventReader,
  type RepeatKey,
  type RequestListView,
  type RolloutView,
  type RevisionView,
  type UpdateOutcome,
  type UpdatePreview,
} from '../ports/endpoint-service.ts';
import type { ControlPorts } from './control-options.ts';
import { currentRevision, newEndpoint, newEntry, newRevision, type EndpointEntry } from './endpoint-entry.ts';
import { endpointPage } from './endpoint-page.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import { EndpointUpdates, warningsOf } from './endpoint-updates.ts';
import { pinnedImage } from './image-pin.ts';
import type { Inventory } from './inventory.ts';
import { KeptAnswers, type Keep } from './kept-answers.ts';
import { checkPrecondition } from './precondition.ts';
import { checkSpec } from './resource-check.ts';
import { requestPage } from './request-page.ts';
import { orderRollout } from './rollout-commands.ts';
import { drainHolders, rolloutView } from './rollout-view.ts';
import { endpointPullMessage, shownWorker } from './pull-message.ts';
import type { Reconciler } from './reconciler.ts';
import { revisionView, revisionViews } from './revision-history.ts';
import type { Resources } from './resources/resources.ts';
import type { WorkerLifecycle } from './worker-lifecycle.ts';

/** What a client asks of an endpoint. Changes of one endpoint are made one after the other. */
export class EndpointCommands implements EndpointService {
  readonly #ports: ControlPorts;
  readonly #entries: Map<EndpointId, EndpointEntry>;
  readonly #records: EndpointRecords;
  readonly #reconciler: Reconciler;
  readonly #lifecycle: WorkerLifecycle;
  readonly #inventory: Inventory;
  readonly #resources: Resources;
  readonly #updates: EndpointUpdates;
  readonly #answers: KeptAnswers;
  /** App names of endpoints whose insertion is being committed. */
  readonly #namesInFlight = new Set<string>();
  #names: Set<string> | null = null;

  constructor(
    ports: ControlPorts,
    entries: Map<EndpointId, EndpointEntry>,
    records: EndpointRecords,
    reconciler: Reconciler,
    lifecycle: WorkerLifecycle,
    inventory: Inventory,
    resources: Resources,
  ) {
    this.#ports = ports;
    this.#entries = entries;
    this.#records = records;
    this.#reconciler = reconciler;
    this.#lifecycle = lifecycle;
    this.#inventory = inventory;
    this.#resources = resources;
    this.#updates = new EndpointUpdates(ports, entries, records, reconciler, lifecycle, inventory, resources);
    this.#answers = new KeptAnswers(ports);
  }

  async create(body: unknown, caller: Caller, once: RepeatKey | null = null): Promise<CreateOutcome> {
    return await this.#answers.once<CreateOutcome>(once, caller, async (keep) =>
      this.#create(body, caller, keep),
    );
  }

  async #create(body: unknown, caller: Caller, keep: Keep<CreateOutcome>): Promise<CreateOutcome> {
    const created = createEndpointSpec(body, { defaultRegionId: LOCAL_REGION.id });
    if ('faults' in created) throw faultsError(created.faults);
    checkSpec(created.spec, this.#inventory, this.#ports.driver);
    this.#resources.check(created.spec, caller.ownerId);
    const pinned = await this.#pinnedImage(created.spec);
    // Again: while the registry was asked, what it names may have gone.
    this.#resources.check(created.spec, caller.ownerId);
    const id = newId<EndpointId>(this.#ports.random);
    const appName = created.appName ?? id;
    if (this.#nameTaken(appName)) throw nameTaken(appName);
    const nowMs = this.#ports.clock.nowMs();
    const endpoint = newEndpoint({
      id,
      type: created.type,
      appName,
      ownerId: caller.ownerId,
      createdAtMs: nowMs,
      settings: created.settings,
    });
    const revision = newRevision(id, 1, created, {
      createdAtMs: nowMs,
      createdBy: caller.ownerId,
      fromRevision: null,
      restores: null,
      stableAtMs: nowMs,
      pinnedImage: pinned,
    });
    const outcome = { id, ...warningsOf(created.spec) };
    this.#namesInFlight.add(appName);
    const holder = { endpointId: id, name: created.settings.name, revision: 1, spec: created.spec };
    const entry = await this.#resources.holders.during(holder, async () => {
      try {
        await this.#records.endpointInsert(endpoint, revision, keep(outcome));
      } finally {
        this.#namesInFlight.delete(appName);
      }
      const inserted = newEntry(endpoint, [revision], nowMs);
      this.#entries.set(id, inserted);
      if (isNamed(endpoint)) this.#givenNames().add(appName);
      return inserted;
    });
    this.#reconciler.reconcile(entry);
    return outcome;
  }

  async #pinnedImage(spec: RevisionSpec): Promise<string | null> {
    const { images } = this.#ports.driver;
    if (images === null) return null;
    return await pinnedImage(images, spec.image, this.#resources.credentialOf(spec), this.#ports.log);
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

  async update(
    endpointId: string,
    body: unknown,
    caller: Caller,
    terms: ChangeTerms = NO_TERMS,
  ): Promise<UpdateOutcome> {
    return await this.#changed(endpointId, caller, terms, async (entry, keep) =>
      this.#updates.update(entry, body, { caller, ifMatch: terms.ifMatch, rollout: terms.rollout, keep }),
    );
  }

  async rollback(
    endpointId: string,
    body: unknown,
    caller: Caller,
    terms: ChangeTerms = NO_TERMS,
  ): Promise<UpdateOutcome> {
    return await this.#changed(endpointId, caller, terms, async (entry, keep) =>
      this.#updates.rollback(entry, body, { caller, ifMatch: terms.ifMatch, rollout: terms.rollout, keep }),
    );
  }

  updatePlan(
    endpointId: string,
    body: unknown,
    caller: Caller,
    { ifMatch, rollout }: ChangeTerms = NO_TERMS,
  ): UpdatePreview {
    return this.#updates.updatePlan(this.#present(endpointId, caller), body, { caller, ifMatch, rollout });
  }

  rollbackPlan(
    endpointId: string,
    body: unknown,
    caller: Caller,
    { ifMatch, rollout }: ChangeTerms = NO_TERMS,
  ): UpdatePreview {
    return this.#updates.rollbackPlan(this.#present(endpointId, caller), body, { caller, ifMatch, rollout });
  }

  revisionList(endpointId: string, caller: Caller): readonly RevisionView[] {
    return revisionViews(this.#entry(endpointId, caller));
  }

  revision(endpointId: string, number: number, caller: Caller): RevisionView {
    return revisionView(this.#entry(endpointId, caller), number);
  }

  /** The door of every change of an endpoint's fields: once for a key, and in its turn. */
  async #changed(
    endpointId: string,
    caller: Caller,
    { once }: ChangeTerms,
    change: (entry: EndpointEntry, keep: Keep<UpdateOutcome>) => Promise<UpdateOutcome>,
  ): Promise<UpdateOutcome> {
    return await this.#answers.once<UpdateOutcome>(once, caller, async (keep) => {
      const entry = this.#entry(endpointId, caller);
      return await this.#inTurn(entry, async () => {
        if (entry.endpoint.deleting) throw notFound(endpointId);
        return await change(entry, keep);
      });
    });
  }

  async delete(endpointId: string, caller: Caller, ifMatch: TagCondition | null = null): Promise<void> {
    const entry = this.#entry(endpointId, caller);
    await this.#inTurn(entry, async () => {
      if (entry.endpoint.deleting) return;
      checkPrecondition(entry, ifMatch);
      await this.#records.endpointCommit(entry, { deleting: true });
      this.#reconciler.reconcile(entry);
    });
  }

  /** The last worker of a deleted endpoint is gone: nothing of it is kept. */
  async forget(entry: EndpointEntry): Promise<void> {
    const { id } = entry.endpoint;
    if (!this.#entries.delete(id)) return;
    this.#names?.delete(entry.endpoint.appName);
    this.#ports.traffic.endpointRemove(id, notFound(id));
    entry.events.close();
    this.#ports.metrics.endpointForgotten(id);
    this.#ports.onForgotten?.(id);
    this.#lifecycle.ended.forgetAll(entry);
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
    const live = [...entry.workers.values()].map(shownWorker);
    return [...live, ...entry.ended].sort((a, b) => b.createdAtMs - a.createdAtMs);
  }

  worker(endpointId: string, workerId: string, caller: Caller): Worker {
    const worker = this.workerList(endpointId, caller).find((candidate) => candidate.id === workerId);
    if (worker !== undefined) return worker;
    throw new AppError(
      'SERVERLESS_WORKER_NOT_FOUND',
      `Endpoint ${endpointId} has no worker ${workerId}, and none that ended lately; list its workers to see which there are.`,
    );
  }

  async workerLog(
    endpointId: string,
    workerId: string,
    maxBytes: number,
    caller: Caller,
  ): Promise<WorkerLog> {
    const worker = this.worker(endpointId, workerId, caller);
    return await this.#ports.driver.logs(worker.id, maxBytes);
  }

  async rollout(endpointId: string, caller: Caller): Promise<RolloutView> {
    return await rolloutView(this.#entry(endpointId, caller), this.#entries, this.#inventory, this.#ports);
  }

  async rolloutOrder(endpointId: string, command: RolloutCommand, caller: Caller): Promise<RolloutView> {
    const entry = this.#entry(endpointId, caller);
    return await this.#inTurn(entry, async () => {
      if (entry.endpoint.deleting) throw notFound(endpointId);
      await orderRollout(entry, command, {
        ports: this.#ports,
        records: this.#records,
        reconciler: this.#reconciler,
      });
      return await rolloutView(entry, this.#entries, this.#inventory, this.#ports);
    });
  }

  async drainHolders(endpointId: string, caller: Caller): Promise<readonly DrainHolder[]> {
    return await drainHolders(this.#entry(endpointId, caller), this.#ports);
  }

  eventList(endpointId: string, afterId: number | null, caller: Caller): readonly EndpointEvent[] {
    return this.#entry(endpointId, caller).events.after(afterId);
  }

  eventsFollow(endpointId: string, afterId: number | null, caller: Caller, reader: EventReader): EventFollow {
    const { events } = this.#entry(endpointId, caller);
    const stop = events.follow(reader);
    return { past: events.after(afterId), missed: afterId !== null && events.missedAfter(afterId), stop };
  }

  async requestList(endpointId: string, limit: number, caller: Caller): Promise<RequestListView> {
    return await requestPage(this.#entry(endpointId, caller), limit, this.#ports);
  }

  productList(): readonly (Product & { readonly available: number })[] {
    return [...this.#inventory.products.values()].map((product) => ({
      ...product,
      available: this.#inventory.available(product.id, this.#entries.values()),
    }));
  }

  deviceList(): DeviceList {
    return this.#inventory.list(this.#entries.values());
  }

  regionList(): readonly Region[] {
    return [LOCAL_REGION];
  }

  #view(entry: EndpointEntry): EndpointView {
    const { endpoint } = entry;
    const workers = [...entry.workers.values()].map(shownWorker);
    const status = endpointStatus({
      settings: endpoint.settings,
      deleting: endpoint.deleting,
      rollout: endpoint.rollout,
      startFailures: entry.startFailures,
      waiting: this.#ports.traffic.load(endpoint.id).waiting,
      workers,
      everReady: [...entry.revisions.values()].some((revision) => revision.startTimeMs !== null),
    });
    const moving = endpoint.rollout !== null && rolloutIsMoving(endpoint.rollout.state);
    const failed = status === 'failed' || status === 'degraded';
    return {
      endpoint,
      revision: currentRevision(entry),
      status,
      error: failed ? endpoint.message : '',
      message: [moving ? (endpoint.rollout?.message ?? '') : endpoint.message, endpointPullMessage(entry)]
        .filter((part) => part !== '')
        .join('; '),
      url: this.#ports.options.urlOf(endpoint),
      workers,
    };
  }

  /** One that can still be changed. */
  #present(endpointId: string, caller: Caller): EndpointEntry {
    const entry = this.#entry(endpointId, caller);
    if (entry.endpoint.deleting) throw notFound(endpointId);
    return entry;
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
    // One that gave itself none has its id, under which it is found.
    if (this.#entries.get(appName as EndpointId)?.endpoint.appName === appName) return true;
    return this.#givenNames().has(appName);
  }

  /** The names that are no ids. Read off the endpoints once: those of a restart were there before. */
  #givenNames(): Set<string> {
    this.#names ??= new Set(
      [...this.#entries.values()]
        .map(({ endpoint }) => endpoint)
        .filter(isNamed)
        .map(({ appName }) => appName),
    );
    return this.#names;
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

function isNamed({ id, appName }: Endpoint): boolean {
  return appName !== (id as string);
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
