import { newId, type EndpointId, type RolloutId } from '../base/ids.ts';
import { classifyChange, fieldChanges } from '../decide/update/classify.ts';
import type { EndpointParts } from '../decide/update/merge.ts';
import { planRollback } from '../decide/update/plan-rollback.ts';
import { specWarnings } from '../decide/resources/spec-warnings.ts';
import { planUpdate, type StoredEndpoint } from '../decide/update/plan-update.ts';
import type { ChangeClass } from '../model/endpoint-fields.ts';
import type { Endpoint, Revision, RevisionSpec, Rollout } from '../model/endpoint.ts';
import { endpointEtag, type TagCondition } from '../model/etag.ts';
import { faultsError } from '../model/faults.ts';
import { chosenOptions, type RolloutChoices } from '../model/rollout-options.ts';
import { rolloutIsMoving, rolloutIsOver, rolloutTransition } from '../model/rollout-state.ts';
import { workerIsLive } from '../model/worker-state.ts';
import type { Caller, UpdateOutcome, UpdatePreview } from '../ports/endpoint-service.ts';
import type { ControlPorts } from './control-options.ts';
import {
  currentRevision,
  measuredTimes,
  newRevision,
  revisionOf,
  type EndpointEntry,
} from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import { pinnedImage, type ImagePin } from './image-pin.ts';
import type { Inventory } from './inventory.ts';
import type { Keep } from './kept-answers.ts';
import { checkPrecondition } from './precondition.ts';
import type { Reconciler } from './reconciler.ts';
import { noRevision } from './revision-history.ts';
import type { Resources } from './resources/resources.ts';
import { checkSpec } from './resource-check.ts';
import { settledEndpoint } from './rollout-record.ts';
import { forgetFailures } from './start-failures.ts';
import { updatePreview } from './update-preview.ts';
import type { WorkerLifecycle } from './worker-lifecycle.ts';
import { routeWorkers } from './worker-route.ts';

/** Who asks what an update would do, and on which condition. */
export interface PlanRequest {
  readonly caller: Caller;
  readonly ifMatch: TagCondition | null;
  /** How the rollout that it begins goes about its work. */
  readonly rollout?: RolloutChoices | undefined;
}

/** The same for one that is to be made, and what is to be kept of the answer. */
export interface UpdateRequest extends PlanRequest {
  readonly keep: Keep<UpdateOutcome>;
}

interface PreparedChange {
  readonly change: Partial<Endpoint>;
  /** The endpoint with the change made. */
  readonly next: Endpoint;
  /** The one that is to be made; null where none is. */
  readonly revision: Revision | null;
  readonly revisionChanged: boolean;
  readonly unchanged: boolean;
}

/** What an update makes of an endpoint, before anything of it is done. */
interface WantedChange extends EndpointParts {
  readonly changed: Readonly<Record<string, ChangeClass>>;
  /** The revision that is brought back; null when the fields come from a body. */
  readonly restored: Revision | null;
}

/** Changes of an endpoint's fields. The caller lets one endpoint's changes in one after the other. */
export class EndpointUpdates {
  readonly #ports: ControlPorts;
  readonly #entries: ReadonlyMap<EndpointId, EndpointEntry>;
  readonly #records: EndpointRecords;
  readonly #reconciler: Reconciler;
  readonly #lifecycle: WorkerLifecycle;
  readonly #inventory: Inventory;
  readonly #resources: Resources;

  constructor(
    ports: ControlPorts,
    entries: ReadonlyMap<EndpointId, EndpointEntry>,
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
  }

  async update(entry: EndpointEntry, body: unknown, request: UpdateRequest): Promise<UpdateOutcome> {
    const wanted = this.#wantedByBody(entry, body);
    const { images } = this.#ports.driver;
    // What the endpoint runs does not change with a variable: an image that is pinned stays so.
    const isNew = wanted.changed['image'] ?? wanted.changed['registry_auth_id'];
    if (images === null || isNew === undefined) return await this.#change(entry, wanted, request, null);
    // Whatever else refuses it need not ask anybody.
    this.#prepare(entry, wanted, request, null);
    const { image } = wanted.spec;
    const credential = this.#resources.credentialOf(wanted.spec);
    const pinned = await pinnedImage(images, image, credential, this.#ports.log);
    // Read again: while the registry was asked, a rollout may have ended.
    return await this.#change(entry, this.#wantedByBody(entry, body), request, { image, pinned });
  }

  async rollback(entry: EndpointEntry, body: unknown, request: UpdateRequest): Promise<UpdateOutcome> {
    return await this.#change(entry, this.#wantedBack(entry, body), request, null);
  }

  /** Nothing is stored, started or told. */
  updatePlan(entry: EndpointEntry, body: unknown, request: PlanRequest): UpdatePreview {
    return this.#preview(entry, this.#wantedByBody(entry, body), request);
  }

  rollbackPlan(entry: EndpointEntry, body: unknown, request: PlanRequest): UpdatePreview {
    return this.#preview(entry, this.#wantedBack(entry, body), request);
  }

  #wantedByBody(entry: EndpointEntry, body: unknown): WantedChange {
    const plan = planUpdate(this.#stored(entry), body);
    if ('faults' in plan) throw faultsError(plan.faults);
    return { ...plan, restored: null };
  }

  #wantedBack(entry: EndpointEntry, body: unknown): WantedChange {
    const plan = planRollback(this.#stored(entry), entry.revisions, body);
    if ('faults' in plan) throw faultsError(plan.faults);
    return 'missing' in plan ? noRevision(entry, plan.missing) : plan;
  }

  #stored(entry: EndpointEntry): StoredEndpoint {
    const { endpoint } = entry;
    return {
      id: endpoint.id,
      type: endpoint.type,
      appName: endpoint.appName,
      url: this.#ports.options.urlOf(endpoint),
      ownerId: endpoint.ownerId,
      createdAtMs: endpoint.createdAtMs,
      settings: endpoint.settings,
      spec: currentRevision(entry).spec,
    };
  }

  /** Refuses what cannot be, and says what would be stored. */
  #prepare(
    entry: EndpointEntry,
    wanted: WantedChange,
    { caller, ifMatch, rollout }: PlanRequest,
    pin: ImagePin | null,
  ): PreparedChange {
    const classes = Object.values(wanted.changed);
    const revisionChanged = classes.includes('revision');
    if (revisionChanged) {
      checkSpec(wanted.spec, this.#inventory, this.#ports.driver);
      this.#resources.check(wanted.spec, entry.endpoint.ownerId);
    }
    // After everything else that can refuse it (RFC 9110, section 13.2.1).
    checkPrecondition(entry, ifMatch);
    const target: { change: Partial<Endpoint>; revision?: Revision } = revisionChanged
      ? this.#newTarget(entry, wanted, { caller, rollout: rollout ?? {}, pin })
      : { change: {} };
    const settingsGeneration = entry.endpoint.settingsGeneration + (classes.includes('settings') ? 1 : 0);
    const change = { settings: wanted.settings, settingsGeneration, ...target.change };
    return {
      change,
      next: { ...entry.endpoint, ...change },
      revision: target.revision ?? null,
      revisionChanged,
      unchanged: classes.length === 0,
    };
  }

  #preview(entry: EndpointEntry, wanted: WantedChange, request: PlanRequest): UpdatePreview {
    const prepared = this.#prepare(entry, wanted, request, null);
    const { settings } = entry.endpoint;
    const preview = updatePreview(this.#ports, this.#entries, this.#inventory, entry, {
      ...prepared,
      changed: fieldChanges({ settings, spec: currentRevision(entry).spec }, wanted),
    });
    return { ...preview, ...(prepared.revisionChanged ? warningsOf(wanted.spec) : {}) };
  }

  async #change(
    entry: EndpointEntry,
    wanted: WantedChange,
    request: UpdateRequest,
    pin: ImagePin | null,
  ): Promise<UpdateOutcome> {
    const { change, next, revision, revisionChanged, unchanged } = this.#prepare(entry, wanted, request, pin);
    const outcome = {
      ...outcomeOf(next, wanted.changed),
      ...(revisionChanged ? warningsOf(wanted.spec) : {}),
    };
    const answer = request.keep(outcome);
    if (unchanged) {
      if (answer !== undefined) await this.#ports.store.answerInsert(answer);
      return outcome;
    }
    const { rollout } = entry.endpoint;
    const holder = {
      endpointId: entry.endpoint.id,
      name: next.settings.name,
      revision: outcome.revision,
      spec: wanted.spec,
    };
    await this.#resources.holders.during(holder, async () =>
      this.#records.endpointCommit(entry, change, revision ?? undefined, answer),
    );
    const fields = Object.keys(wanted.changed).join(', ');
    entry.events.note(this.#ports.clock.nowMs(), {
      kind: 'order',
      code: wanted.restored === null ? 'update' : 'rollback',
      message: revisionChanged
        ? `revision ${outcome.revision} is wanted: ${fields}`
        : `in force now: ${fields}`,
      revision: revisionChanged ? outcome.revision : null,
      facts: { by: request.caller.ownerId, etag: outcome.etag },
    });
    if (revisionChanged && rollout?.state === 'watching') {
      this.#records.revisionChange(entry, rollout.toRevision, { stableAtMs: this.#ports.clock.nowMs() });
    }
    const healthCheckChanged = wanted.changed['health_check'] !== undefined;
    // What failed was another revision, or nobody could pass the health check: the next start need not wait.
    if (revisionChanged || healthCheckChanged) forgetFailures(entry);
    if (healthCheckChanged) this.#lifecycle.healthCheckChanged(entry);
    routeWorkers(this.#ports, entry);
    this.#reconciler.reconcile(entry);
    return outcome;
  }

  /**
   * The next revision and the rollout to it. Where the wanted fields are the stable revision's own
   * (an update taken back while it rolls out), no revision is made: the endpoint returns to that one.
   */
  #newTarget(
    entry: EndpointEntry,
    wanted: WantedChange,
    {
      caller,
      rollout: rolloutChoices,
      pin,
    }: { readonly caller: Caller; readonly rollout: RolloutChoices; readonly pin: ImagePin | null },
  ): { change: Partial<Endpoint>; revision?: Revision } {
    const endpoint = settledEndpoint(entry.endpoint);
    const nowMs = this.#ports.clock.nowMs();
    const { settings } = endpoint;
    const stable = revisionOf(entry, endpoint.stableRevision);
    const back = classifyChange({ settings, spec: stable.spec }, { settings, spec: wanted.spec });
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
      options: chosenOptions(this.#ports.options.rollout, rolloutChoices),
      order: 'go',
      stateSinceMs: nowMs,
    };
    const revision = newRevision(endpoint.id, number, wanted, {
      createdAtMs: nowMs,
      createdBy: caller.ownerId,
      fromRevision: currentRevision(entry).number,
      restores: wanted.restored?.number ?? null,
      pinnedImage: pinnedImageOf(entry, wanted, pin),
      // The same fields take the same time: what was measured of them is not forgotten.
      ...measuredTimes(wanted.restored),
    });
    const { stableRevision } = endpoint;
    return {
      change: { stableRevision, targetRevision: number, lastRevision: number, rollout, message: '' },
      revision,
    };
  }
}

/** Left out where there are none: an answer is what the contract says it is. */
export function warningsOf(spec: RevisionSpec): { readonly warnings?: readonly string[] } {
  const warnings = specWarnings(spec);
  return warnings.length === 0 ? {} : { warnings };
}

/** The pin of the revision it brings back, of the one it was made from, or of its own. */
function pinnedImageOf(entry: EndpointEntry, wanted: WantedChange, pin: ImagePin | null): string | null {
  const { image } = wanted.spec;
  if (wanted.restored !== null) return wanted.restored.pinnedImage;
  if (pin?.image === image) return pin.pinned;
  const current = currentRevision(entry);
  return current.spec.image === image ? current.pinnedImage : null;
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

function outcomeOf(endpoint: Endpoint, changed: UpdateOutcome['changed']): UpdateOutcome {
  const { rollout } = endpoint;
  const running = rollout !== null && rolloutIsMoving(rollout.state);
  const revision = endpoint.targetRevision ?? endpoint.stableRevision;
  return {
    revision,
    changed,
    rollout: running ? { id: rollout.id, state: rollout.state } : null,
    etag: endpointEtag(revision, endpoint.settingsGeneration),
  };
}
