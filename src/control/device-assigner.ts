import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { ControlPorts } from './control-options.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';
import type { Inventory } from './inventory.ts';
import type { WorkerLifecycle } from './worker-lifecycle.ts';

/** So late the line may see that another request is an endpoint's oldest. */
const ORDER_DELAY_MS = 100;

/**
 * Hands out devices over all endpoints, and lets idle workers give way where a request waits. Woken
 * when a worker begins to want devices, when some come back, when a load changes while somebody
 * stands in line, and at the time the last decision asked for.
 */
export class DeviceAssigner {
  readonly #ports: ControlPorts;
  readonly #entries: ReadonlyMap<EndpointId, EndpointEntry>;
  readonly #inventory: Inventory;
  readonly #lifecycle: WorkerLifecycle;
  #assigning = false;
  #again = false;
  /** In monotonic time: the wall clock may be set while the timer runs. */
  #wakeDueMs: number | null = null;
  #cancelWake: (() => void) | null = null;
  #closed = false;
  /** A worker is still without devices after the last time they were handed out. */
  wanted = false;

  constructor(
    ports: ControlPorts,
    entries: ReadonlyMap<EndpointId, EndpointEntry>,
    inventory: Inventory,
    lifecycle: WorkerLifecycle,
  ) {
    this.#ports = ports;
    this.#entries = entries;
    this.#inventory = inventory;
    this.#lifecycle = lifecycle;
  }

  assign(): void {
    if (this.#closed) return;
    // What it does to one worker can ask for it again: the plan in hand would then be out of date.
    if (this.#assigning) {
      this.#again = true;
      return;
    }
    this.#assigning = true;
    try {
      do {
        this.#again = false;
        this.#assignOnce();
      } while (this.#again);
    } finally {
      this.#assigning = false;
    }
  }

  /** Once for many endpoints whose load changes together. */
  assignSoon(): void {
    this.#assignAt(this.#ports.clock.nowMs());
  }

  /**
   * Looks at the line again when the endpoint's load has changed since this was last asked in a way that
   * can give somebody devices: requests begin or cease to wait, or a worker became ready or idle; in a
   * moment, where only another request is the oldest now, which happens with each one that is served.
   * A worker that became busy gives nobody any.
   */
  loadChanged(entry: EndpointEntry, atOnce: boolean): void {
    const load = this.#ports.traffic.load(entry.endpoint.id);
    let ready = 0;
    let becameIdle = false;
    for (const worker of entry.workers.values()) {
      if (worker.record.state !== 'ready') continue;
      ready += 1;
      const idleSinceMs = load.workers.get(worker.record.id)?.idleSinceMs ?? null;
      if (idleSinceMs !== null && idleSinceMs !== worker.idleInLineSinceMs) becameIdle = true;
      worker.idleInLineSinceMs = idleSinceMs;
    }
    const { oldestWaitingSinceMs } = load;
    const { endpoint, seenInLine: seen } = entry;
    const alike = seen !== null && !becameIdle && seen.endpoint === endpoint && seen.ready === ready;
    if (alike && seen.oldestWaitingSinceMs === oldestWaitingSinceMs) return;
    entry.seenInLine = { endpoint, oldestWaitingSinceMs, ready };
    if (alike && seen.oldestWaitingSinceMs !== null && oldestWaitingSinceMs !== null) {
      this.#assignAt(this.#ports.clock.nowMs() + ORDER_DELAY_MS);
    } else if (atOnce) this.assign();
    else this.assignSoon();
  }

  close(): void {
    this.#closed = true;
    this.#cancelWake?.();
  }

  #assignOnce(): void {
    const nowMs = this.#ports.clock.nowMs();
    this.#cancelWake?.();
    this.#cancelWake = null;
    this.#wakeDueMs = null;
    const active = [...this.#entries.values()].filter((entry) => entry.workers.size > 0);
    this.wanted = active.some(hasPendingWorker);
    if (!this.wanted) return;
    const plan = this.#inventory.plan(active, this.#ports.traffic, this.#ports.options, nowMs);
    for (const { workerId, devices } of plan.assign) {
      const found = findWorker(active, workerId);
      if (found !== null) this.#lifecycle.launch(found.entry, found.worker, devices);
    }
    for (const { workerId, forWorkerId, reason } of plan.giveWay) {
      const found = findWorker(active, workerId);
      if (found === null) continue;
      const endpointId = found.entry.endpoint.id;
      this.#ports.metrics.scaleDecision(endpointId, reason.code);
      this.#ports.log.info('worker gives way', { endpointId, workerId, why: reason.text });
      const devices = found.worker.record.devices.join(' ');
      found.entry.events.note(nowMs, {
        kind: 'eviction',
        code: reason.code,
        message: reason.text,
        revision: found.worker.record.revision,
        workerId,
        facts: { devices },
      });
      const taker = findWorker(active, forWorkerId);
      taker?.entry.events.note(nowMs, {
        kind: 'eviction',
        code: 'devicesComing',
        message: `worker ${workerId} of endpoint ${endpointId} gives its devices to this one, for a request that waits`,
        revision: taker.worker.record.revision,
        workerId: forWorkerId,
        facts: { devices, why: reason.code },
      });
      this.#lifecycle.drain(found.entry, found.worker, reason.text);
    }
    this.wanted = active.some(hasPendingWorker);
    if (plan.lookAgainAtMs !== null) this.#assignAt(plan.lookAgainAtMs);
  }

  #assignAt(atMs: number): void {
    const { clock } = this.#ports;
    const delayMs = Math.max(0, atMs - clock.nowMs());
    const dueMs = clock.monotonicMs() + delayMs;
    if (this.#closed || (this.#wakeDueMs !== null && this.#wakeDueMs <= dueMs)) return;
    this.#cancelWake?.();
    this.#wakeDueMs = dueMs;
    this.#cancelWake = clock.schedule(delayMs, () => this.assign());
  }
}

export function hasPendingWorker(entry: EndpointEntry): boolean {
  for (const worker of entry.workers.values()) if (worker.record.state === 'pending') return true;
  return false;
}

export function findWorker(
  entries: Iterable<EndpointEntry>,
  workerId: WorkerId,
): { entry: EndpointEntry; worker: WorkerEntry } | null {
  for (const entry of entries) {
    const worker = entry.workers.get(workerId);
    if (worker !== undefined) return { entry, worker };
  }
  return null;
}
