import { newId, type RolloutId } from '../base/ids.ts';
import { classifyChange } from '../decide/update/classify.ts';
import type { EndpointParts } from '../decide/update/merge.ts';
import { planRollback } from '../decide/update/plan-rollback.ts';
import { planUpdate, type StoredEndpoint } from '../decide/update/plan-update.ts';
import type { ChangeClass } from '../model/endpoint-fields.ts';
import type { Endpoint, Revision, Rollout } from '../model/endpoint.ts';
import { endpointEtag, type TagCondition } from '../model/etag.ts';
import { faultsError } from '../model/faults.ts';
import { rolloutIsMoving, rolloutIsOver, rolloutTransition } from '../model/rollout-state.ts';
import { workerIsLive } from '../model/worker-state.ts';
import type { Caller, UpdateOutcome } from '../ports/endpoint-service.ts';
import type { ControlPorts } from './control-options.ts';
import {
  currentRevision,
  measuredTimes,
  newRevision,
  revisionOf,
  type EndpointEntry,
} from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import type { Inventory } from './inventory.ts';
import type { Keep } from './kept-answers.ts';
import { checkPrecondition } from './precondition.ts';
import type { Reconciler } from './reconciler.ts';
import { noRevision } from './revision-history.ts';
import { checkSpec } from './resource-check.ts';
import { settledEndpoint } from './rollout-record.ts';
import { forgetFailures } from './start-failures.ts';
import type { WorkerLifecycle } from './worker-lifecycle.ts';

/** Who asks for an update, on which condition, and what is to be kept of the answer. */
export interface UpdateRequest {
  readonly caller: Caller;
  readonly ifMatch: TagCondition | null;
  readonly keep: Keep<UpdateOutcome>;
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
  readonly #records: EndpointRecords;
  readonly #reconciler: Reconciler;
  readonly #lifecycle: WorkerLifecycle;
  readonly #inventory: Inventory;

  constructor(
    ports: ControlPorts,
    records: EndpointRecords,
    reconciler: Reconciler,
    lifecycle: WorkerLifecycle,
    inventory: Inventory,
  ) {
    this.#ports = ports;
    this.#records = records;
    this.#reconciler = reconciler;
    this.#lifecycle = lifecycle;
    this.#inventory = inventory;
  }

  async update(entry: EndpointEntry, body: unknown, request: UpdateRequest): Promise<UpdateOutcome> {
    const plan = planUpdate(this.#stored(entry), body);
    if ('faults' in plan) throw faultsError(plan.faults);
    return await this.#change(entry, { ...plan, restored: null }, request);
  }

  async rollback(entry: EndpointEntry, body: unknown, request: UpdateRequest): Promise<UpdateOutcome> {
    const plan = planRollback(this.#stored(entry), entry.revisions, body);
    if ('faults' in plan) throw faultsError(plan.faults);
    if ('missing' in plan) noRevision(entry, plan.missing);
    return await this.#change(entry, plan, request);
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

  async #change(
    entry: EndpointEntry,
    wanted: WantedChange,
    { caller, ifMatch, keep }: UpdateRequest,
  ): Promise<UpdateOutcome> {
    const classes = Object.values(wanted.changed);
    const revisionChanged = classes.includes('revision');
    if (revisionChanged) checkSpec(wanted.spec, this.#inventory, this.#ports.driver);
    // After everything else that can refuse it (RFC 9110, section 13.2.1).
    checkPrecondition(entry, ifMatch);
    const target = revisionChanged ? this.#newTarget(entry, wanted, caller) : { change: {} };
    const settingsGeneration = entry.endpoint.settingsGeneration + (classes.includes('settings') ? 1 : 0);
    const change = { settings: wanted.settings, settingsGeneration, ...target.change };
    const outcome = outcomeOf({ ...entry.endpoint, ...change }, wanted.changed);
    const answer = keep(outcome);
    if (classes.length === 0) {
      if (answer !== undefined) await this.#ports.store.answerInsert(answer);
      return outcome;
    }
    const { rollout } = entry.endpoint;
    await this.#records.endpointCommit(entry, change, target.revision, answer);
    if (revisionChanged && rollout?.state === 'watching') {
      this.#records.revisionChange(entry, rollout.toRevision, { stableAtMs: this.#ports.clock.nowMs() });
    }
    const healthCheckChanged = wanted.changed['health_check'] !== undefined;
    // What failed was another revision, or nobody could pass the health check: the next start need not wait.
    if (revisionChanged || healthCheckChanged) forgetFailures(entry);
    if (healthCheckChanged) this.#lifecycle.healthCheckChanged(entry);
    for (const worker of entry.workers.values()) this.#lifecycle.route(entry, worker);
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
    caller: Caller,
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
      options: this.#ports.options.rollout,
      order: 'go',
      stateSinceMs: nowMs,
    };
    const revision = newRevision(endpoint.id, number, wanted, {
      createdAtMs: nowMs,
      createdBy: caller.ownerId,
      fromRevision: currentRevision(entry).number,
      restores: wanted.restored?.number ?? null,
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
