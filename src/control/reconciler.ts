import { AppError, impossible } from '../base/errors.ts';
import type { EndpointId, WorkerId } from '../base/ids.ts';
import { planEndpoint, type EndpointPlan } from '../decide/endpoint-plan.ts';
import { nextRollout } from '../decide/rollout/next-rollout.ts';
import type { RolloutStep } from '../decide/rollout/rollout-step.ts';
import type { WorkerCut } from '../decide/scale/drain-deadline.ts';
import { earlier, type EndpointWorld, type Reason } from '../decide/world.ts';
import { BrokenWorkers } from './broken-workers.ts';
import type { ControlPorts } from './control-options.ts';
import { noteDoubt, noteRolloutStep, noteScaleDecision } from './decision-events.ts';
import { DeviceAssigner } from './device-assigner.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import { applyRefusal } from './endpoint-refusal.ts';
import type { Inventory } from './inventory.ts';
import { rolloutOptionsOf } from './rollout-options.ts';
import { afterRollout, sayOfRollout } from './rollout-record.ts';
import { forgetFailures, forgivenAtMs } from './start-failures.ts';
import { WakeUps } from './wake-ups.ts';
import type { LifecycleListener, WorkerLifecycle } from './worker-lifecycle.ts';
import { routeProof, routeSpare, routeWorkers } from './worker-route.ts';
import { worldOf } from './world-view.ts';

/** A decision that is not settled after so many rounds contradicts itself: a defect, told loudly. */
const ROUNDS_MAX = 64;

/**
 * Reads what is, asks the pure decisions what should be, and carries it out, for one endpoint at a
 * time. Woken by events and at the times the decisions ask for, never by a poll. It takes no input
 * but the endpoint: whatever woke it, it looks at everything.
 */
export class Reconciler implements LifecycleListener {
  readonly #ports: ControlPorts;
  readonly #entries: ReadonlyMap<EndpointId, EndpointEntry>;
  readonly #records: EndpointRecords;
  readonly #inventory: Inventory;
  readonly #wakeUps: WakeUps;
  #parts: {
    readonly lifecycle: WorkerLifecycle;
    readonly assigner: DeviceAssigner;
    readonly broken: BrokenWorkers;
  } | null = null;
  #closed = false;
  /** Plans that are being carried out; what comes free meanwhile is given out once they are. */
  #applying = 0;
  #freed = false;
  readonly #onForgotten: (entry: EndpointEntry) => void;

  constructor(
    ports: ControlPorts,
    entries: ReadonlyMap<EndpointId, EndpointEntry>,
    records: EndpointRecords,
    inventory: Inventory,
    onForgotten: (entry: EndpointEntry) => void,
  ) {
    this.#ports = ports;
    this.#entries = entries;
    this.#records = records;
    this.#inventory = inventory;
    this.#onForgotten = onForgotten;
    this.#wakeUps = new WakeUps(ports, (entry) => this.reconcile(entry));
  }

  /** The lifecycle calls back into the reconciler, so one of the two is given after construction. */
  attach(lifecycle: WorkerLifecycle): void {
    const assigner = new DeviceAssigner(this.#ports, this.#entries, this.#inventory, lifecycle);
    const broken = new BrokenWorkers(this.#ports, this.#records, lifecycle.ended);
    this.#parts = { lifecycle, assigner, broken };
  }

  get #workers(): WorkerLifecycle {
    return (this.#parts ?? impossible('reconciler-40be', 'used before attach')).lifecycle;
  }

  get #devices(): DeviceAssigner {
    return (this.#parts ?? impossible('reconciler-40bf', 'used before attach')).assigner;
  }

  get #broken(): BrokenWorkers {
    return (this.#parts ?? impossible('reconciler-40c0', 'used before attach')).broken;
  }

  /** Soon, and once for many events that come together: enough where requests are being served. */
  reconcileSoon(entry: EndpointEntry): void {
    this.#wakeUps.soon(entry);
  }

  /** Now, in this turn: what a request that found no worker asks for. */
  reconcile(entry: EndpointEntry): void {
    if (this.#closed) return;
    if (entry.locked || entry.reconciling) {
      entry.dirty = true;
      return;
    }
    entry.reconciling = true;
    try {
      this.#settle(entry);
    } finally {
      entry.reconciling = false;
    }
  }

  #settle(entry: EndpointEntry): void {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      entry.dirty = false;
      const nowMs = this.#ports.clock.nowMs();
      const forgivenMs = this.#forgiveFailures(entry, nowMs);
      const world = worldOf(
        entry,
        this.#entries,
        this.#inventory,
        this.#ports.traffic,
        this.#ports.options,
        nowMs,
      );
      const plan = planEndpoint(world, nowMs);
      const changed = this.#applyWhole(entry, plan, world);
      if (changed || entry.dirty) continue;
      this.#wakeUps.onlyAt(entry, earlier(plan.lookAgainAtMs, forgivenMs));
      // What became of this one's load or workers may be what another endpoint waits for: a worker that
      // is ready or idle only now can give way.
      if (this.#devices.wanted) this.#devices.loadChanged(entry, false);
      if (entry.endpoint.deleting && entry.workers.size === 0) this.#onForgotten(entry);
      return;
    }
    this.#ports.log.error('the decisions for an endpoint do not settle', { endpointId: entry.endpoint.id });
    this.#wakeUps.at(entry, this.#ports.clock.nowMs() + 1_000);
  }

  /**
   * As one step: a thousand workers that leave together give their devices back together, and a
   * revision's new worker has its claim before they are given to others.
   */
  #applyWhole(entry: EndpointEntry, plan: EndpointPlan, world: EndpointWorld): boolean {
    this.#applying += 1;
    try {
      return this.#apply(entry, plan, world);
    } finally {
      this.#applying -= 1;
      if (this.#applying === 0 && this.#freed) this.assignDevices();
    }
  }

  /** True when something changed that the next look must see. */
  #apply(entry: EndpointEntry, plan: EndpointPlan, world: EndpointWorld): boolean {
    applyRefusal(this.#ports, entry, plan.refusal);
    if (plan.rollout.event !== null) {
      this.#applyRollout(entry, plan.rollout, world);
      return true;
    }
    if (plan.rollout.message !== '') sayOfRollout(this.#records, entry, plan.rollout.message);
    for (const cut of plan.cut) this.#cutRequests(entry, cut);
    noteDoubt(entry, world, this.#ports.clock.nowMs());
    routeProof(this.#ports, entry, world);
    routeSpare(this.#ports, entry, plan.workers.spare);
    return this.#applyWorkers(entry, plan);
  }

  /** What still runs on a worker that has drained for too long is closed; the worker then ends by itself. */
  #cutRequests(entry: EndpointEntry, { workerId, reason, unansweredOnly }: WorkerCut): void {
    const seconds = rolloutOptionsOf(entry.endpoint, this.#ports.options).drainDeadlineMs / 1_000;
    const message = unansweredOnly
      ? 'The worker of this request belongs to a revision that failed and has not begun to answer; it gives its device to requests that wait. Send the request again.'
      : `The worker of this request is leaving and has waited ${seconds} s for it, which is the drain deadline. Send the request again; for longer ones raise drain_seconds.`;
    const error = new AppError('DRAIN_DEADLINE', message, { metadata: { drain_seconds: String(seconds) } });
    const cut = this.#ports.traffic.runningCut(entry.endpoint.id, workerId, error, unansweredOnly);
    // Those that are being closed can be seen again before they are gone.
    if (cut > 0) noteScaleDecision(this.#ports, entry, reason, { cut, workerId });
  }

  #applyWorkers(entry: EndpointEntry, plan: EndpointPlan): boolean {
    const { workers } = plan;
    let changed = false;
    for (const { workerId, reason } of workers.fail) {
      changed =
        this.#leave(entry, workerId, reason, (worker) => this.#workers.fail(entry, worker, reason.text)) ||
        changed;
    }
    for (const { workerId, reason } of workers.stop) {
      changed =
        this.#leave(entry, workerId, reason, (worker) => this.#workers.stop(entry, worker, reason.text)) ||
        changed;
    }
    // Before they are drained: one that is gone at once has no devices any more.
    const claims = workers.start.map(({ claimFrom }) => this.#devicesOf(entry, claimFrom));
    for (const { workerId, reason } of workers.drain) {
      changed =
        this.#leave(entry, workerId, reason, (worker) => this.#workers.drain(entry, worker, reason.text)) ||
        changed;
    }
    for (const [index, start] of workers.start.entries()) {
      noteScaleDecision(this.#ports, entry, start.reason, { start: start.count, revision: start.revision });
      for (let count = 0; count < start.count; count += 1) {
        this.#workers.create(
          entry,
          start.revision,
          start.reason.text,
          count === 0 ? (claims[index] ?? []) : [],
        );
      }
      changed = true;
    }
    if (changed) this.assignDevices();
    return changed;
  }

  #applyRollout(entry: EndpointEntry, step: RolloutStep, world: EndpointWorld): void {
    const { rollout, targetRevision } = entry.endpoint;
    if (rollout === null || targetRevision === null || step.event === null) return;
    const nowMs = this.#ports.clock.nowMs();
    const { event } = step;
    const next = nextRollout(rollout, { ...step, event }, oldReady(entry, targetRevision), nowMs);
    const { state } = next;
    noteRolloutStep(entry, step, next, world, nowMs);
    this.#ports.log.info('rollout', {
      endpointId: entry.endpoint.id,
      rolloutId: rollout.id,
      revision: targetRevision,
      event: step.event,
      state,
      why: step.message,
    });
    const claimed = this.#devicesOf(entry, [...step.drain, ...(step.restoreStable ? step.stop : [])]);
    // Before the rollout's own end: a server that dies in between finds a rollout that has still to end.
    if (state === 'done') this.#records.revisionChange(entry, targetRevision, { stableAtMs: nowMs });
    if (step.event === 'gaveUp' || step.event === 'abortAsked')
      this.#broken.targetFailed(entry, targetRevision, step);
    this.#records.endpointChange(entry, () => afterRollout(entry.endpoint, next, step.message));
    for (const workerId of step.stop) {
      this.#with(entry, workerId, (worker) =>
        worker.record.state === 'ready'
          ? this.#workers.drain(entry, worker, step.message)
          : this.#workers.stop(entry, worker, step.message),
      );
    }
    for (const workerId of step.withdrawDrain) {
      this.#with(entry, workerId, (worker) => this.#workers.withdrawDrain(entry, worker));
    }
    for (const workerId of step.drain) {
      this.#with(entry, workerId, (worker) => this.#workers.drain(entry, worker, step.message));
    }
    if (step.startTarget) this.#workers.create(entry, targetRevision, step.message, claimed);
    if (step.restoreStable) {
      this.#workers.create(
        entry,
        entry.endpoint.stableRevision,
        'takes its place back after a failed update',
        claimed,
      );
    }
    // What the target may be given depends on the rollout's state.
    routeWorkers(this.#ports, entry);
    this.assignDevices();
  }

  /** Hands out devices, now: somebody began to want some, or some came back. */
  assignDevices(): void {
    this.#freed = false;
    this.#devices.assign();
  }

  /** The same where all that happened is that a request of this endpoint waits. */
  assignDevicesFor(entry: EndpointEntry): void {
    this.#devices.loadChanged(entry, true);
  }

  // What the lifecycle tells.

  workerChanged(entry: EndpointEntry): void {
    this.reconcile(entry);
  }

  workerBroke(entry: EndpointEntry, worker: WorkerEntry, why: string): void {
    this.#broken.count(entry, worker, why);
  }

  /** A worker stands in line for devices. */
  get devicesWanted(): boolean {
    return this.#devices.wanted;
  }

  devicesFreed(): void {
    if (this.#applying > 0) this.#freed = true;
    else this.assignDevices();
  }

  /** Forgets failed starts when it is time to; else says when that will be. */
  #forgiveFailures(entry: EndpointEntry, nowMs: number): number | null {
    const atMs = forgivenAtMs(entry, nowMs);
    if (atMs === null || atMs > nowMs) return atMs;
    forgetFailures(entry);
    if (entry.endpoint.message !== '') this.#records.endpointChange(entry, () => ({ message: '' }));
    return null;
  }

  #leave(entry: EndpointEntry, workerId: WorkerId, why: Reason, act: (worker: WorkerEntry) => void): boolean {
    const worker = entry.workers.get(workerId);
    const changed = this.#with(entry, workerId, act);
    if (changed) noteScaleDecision(this.#ports, entry, why, { leave: workerId }, worker);
    return changed;
  }

  #with(entry: EndpointEntry, workerId: WorkerId, act: (worker: WorkerEntry) => void): boolean {
    const worker = entry.workers.get(workerId);
    if (worker === undefined) return false;
    const before = worker.record.state;
    act(worker);
    return worker.record.state !== before;
  }

  /** The devices they hold, or that are kept for them. */
  #devicesOf(entry: EndpointEntry, workerIds: readonly WorkerId[]): readonly string[] {
    return workerIds.flatMap((id) => {
      const worker = entry.workers.get(id);
      return worker === undefined ? [] : [...worker.record.devices, ...worker.claimed];
    });
  }

  close(): void {
    this.#closed = true;
    this.#devices.close();
    this.#broken.close();
    this.#wakeUps.close(this.#entries.values());
  }
}

function oldReady(entry: EndpointEntry, target: number): number {
  const old = [...entry.workers.values()].filter(({ record }) => record.revision !== target);
  return old.filter(({ record }) => record.state === 'ready').length;
}
