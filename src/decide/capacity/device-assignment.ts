import type { EndpointId, WorkerId } from '../../base/ids.ts';
import { MINUTE_MS, SECOND_MS } from '../../base/units.ts';
import { earlier, reason, seconds, type Reason } from '../world.ts';

/** A worker that wants to start: it has no device and no process yet. */
export interface PendingWorker {
  readonly workerId: WorkerId;
  readonly endpointId: EndpointId;
  readonly productId: string;
  readonly devices: number;
  /** Devices kept for it alone: those of the worker it replaces. */
  readonly reserved: readonly string[];
  readonly createdAtMs: number;
  /** Arrival of its endpoint's oldest waiting request; null when none waits. */
  readonly waitingSinceMs: number | null;
  /** Its endpoint's workers are at max_replicas + surge: it waits for one of them to go. */
  readonly held: boolean;
}

/** A worker that holds devices. */
export interface HoldingWorker {
  readonly workerId: WorkerId;
  readonly endpointId: EndpointId;
  readonly productId: string;
  readonly devices: readonly string[];
  /** Draining or stopping: its devices come back by themselves. */
  readonly leaving: boolean;
  readonly running: number;
  readonly idleSinceMs: number | null;
  readonly readyAtMs: number | null;
  readonly startTimeMs: number | null;
  /** Oldest waiting request of its own endpoint. */
  readonly waitingSinceMs: number | null;
  /** May not give way: starting, or needed for a rollout's proof. */
  readonly protected: boolean;
}

export interface CapacityWorld {
  /** Product → all device ids of it. */
  readonly devices: ReadonlyMap<string, readonly string[]>;
  readonly pending: readonly PendingWorker[];
  readonly holding: readonly HoldingWorker[];
  /** How many of its ready workers each endpoint can spare before it falls below its min. */
  readonly spare: ReadonlyMap<EndpointId, number>;
}

export interface GiveWay {
  readonly workerId: WorkerId;
  /** The pending worker that its devices are for. */
  readonly forWorkerId: WorkerId;
  readonly reason: Reason;
}

export interface CapacityPlan {
  readonly assign: readonly { readonly workerId: WorkerId; readonly devices: readonly string[] }[];
  readonly giveWay: readonly GiveWay[];
  readonly lookAgainAtMs: number | null;
}

/** An idle worker keeps its devices at least as long as its start took, within these bounds: thrash costs more than it gives. */
const RESIDENCY_MIN_MS = SECOND_MS;
const RESIDENCY_MAX_MS = MINUTE_MS;
/** How long a request waits before a busy worker of another endpoint has to make room. */
const PATIENCE_MS = 2 * SECOND_MS;
/** A busy worker serves at least this long before its turn can end. */
const TURN_MS = 5 * SECOND_MS;

/**
 * Who gets which free devices, and who gives way where none is free. Pending workers are served in
 * the order of their endpoints' oldest waiting request, then by age; a large one at the head of the
 * line is not overtaken by small ones of the same product, or it would never get its devices
 * together; unless it cannot get them together anyway.
 */
export function assignDevices(world: CapacityWorld, nowMs: number): CapacityPlan {
  const held = new Set<string>();
  for (const worker of world.holding) for (const id of worker.devices) held.add(id);
  const reservedFor = new Map<string, WorkerId>();
  for (const worker of world.pending) for (const id of worker.reserved) reservedFor.set(id, worker.workerId);
  const assign: { workerId: WorkerId; devices: readonly string[] }[] = [];
  const giveWay: GiveWay[] = [];
  const spare = new Map(world.spare);
  const promised = new Set<string>();
  const given = new Set<WorkerId>();
  let lookAgainAtMs: number | null = null;
  const usable = (id: string, { workerId }: PendingWorker): boolean => {
    const claimant = reservedFor.get(id);
    return !promised.has(id) && (claimant === undefined || claimant === workerId);
  };

  const lines = new Map<string, ProductLine>();
  for (const pending of inOrder(world.pending)) {
    if (pending.held) continue;
    if (pending.devices === 0) {
      assign.push({ workerId: pending.workerId, devices: [] });
      continue;
    }
    let line = lines.get(pending.productId);
    if (line === undefined) lines.set(pending.productId, (line = lineOf(world, pending.productId, held)));
    const free: string[] = [];
    for (const id of pending.reserved) if (!held.has(id) && usable(id, pending)) free.push(id);
    // Reserved devices are its own: the line for free ones does not hold it up.
    if (!line.blocked) {
      for (const id of line.free) {
        if (!held.has(id) && usable(id, pending) && !pending.reserved.includes(id)) free.push(id);
      }
    }
    if (free.length >= pending.devices) {
      const devices = free.slice(0, pending.devices);
      for (const id of devices) held.add(id);
      assign.push({ workerId: pending.workerId, devices });
      continue;
    }
    if (pending.devices > reachable(line, pending)) continue;
    const missing = pending.devices - free.length;
    // Its place in the line: what is free, or about to be, is kept for it.
    for (const id of free) promised.add(id);
    let leaving = 0;
    for (const id of line.leaving) {
      if (!usable(id, pending) || free.includes(id)) continue;
      leaving += 1;
      if (leaving <= missing) promised.add(id);
    }
    line.blocked = true;
    const short = missing - leaving;
    if (short <= 0 || pending.waitingSinceMs === null) continue;
    const found = victims(line, pending, short, spare, given, nowMs);
    lookAgainAtMs = earlier(lookAgainAtMs, found.lookAgainAtMs);
    for (const worker of found.chosen) {
      const { workerId, endpointId } = worker;
      giveWay.push({
        workerId,
        forWorkerId: pending.workerId,
        reason: giveWayReason(worker, pending, nowMs),
      });
      given.add(workerId);
      spare.set(endpointId, (spare.get(endpointId) ?? 0) - 1);
      for (const id of worker.devices) promised.add(id);
    }
  }
  return { assign, giveWay, lookAgainAtMs };
}

/** All that stand in line for one product look at the same devices and workers. */
interface ProductLine {
  /** Somebody stands before those that come now. */
  blocked: boolean;
  readonly devices: number;
  readonly free: readonly string[];
  /** How many are kept for one worker each, free already or not. */
  readonly reserved: number;
  /** How many are held by workers that their endpoints cannot spare, in all and by endpoint. */
  readonly unspared: number;
  readonly unsparedOf: ReadonlyMap<EndpointId, number>;
  /** Devices that come back by themselves. */
  readonly leaving: readonly string[];
  /** Workers that could give way: the idle ones, least recently used first, then those whose turn has lasted longest. */
  readonly candidates: readonly HoldingWorker[];
}

function lineOf(world: CapacityWorld, productId: string, held: ReadonlySet<string>): ProductLine {
  const leaving: string[] = [];
  const staying: HoldingWorker[] = [];
  const idle: HoldingWorker[] = [];
  const busy: HoldingWorker[] = [];
  for (const worker of world.holding) {
    if (worker.productId !== productId) continue;
    if (worker.leaving) {
      leaving.push(...worker.devices);
      continue;
    }
    staying.push(worker);
    if (worker.protected || worker.readyAtMs === null) continue;
    if (worker.running > 0) busy.push(worker);
    else if (worker.idleSinceMs !== null) idle.push(worker);
  }
  idle.sort((a, b) => (a.idleSinceMs ?? 0) - (b.idleSinceMs ?? 0));
  busy.sort((a, b) => (a.readyAtMs ?? 0) - (b.readyAtMs ?? 0));
  const devices = world.devices.get(productId) ?? [];
  let reserved = 0;
  for (const worker of world.pending) if (worker.productId === productId) reserved += worker.reserved.length;
  return {
    blocked: false,
    devices: devices.length,
    free: devices.filter((id) => !held.has(id)),
    reserved,
    ...unsparedOf(staying, world.spare),
    leaving,
    candidates: [...idle, ...busy],
  };
}

/** An endpoint spares those with the most devices. */
function unsparedOf(
  staying: HoldingWorker[],
  spare: ReadonlyMap<EndpointId, number>,
): Pick<ProductLine, 'unspared' | 'unsparedOf'> {
  staying.sort((a, b) => b.devices.length - a.devices.length);
  const seen = new Map<EndpointId, number>();
  const byEndpoint = new Map<EndpointId, number>();
  let unspared = 0;
  for (const { endpointId, devices } of staying) {
    const before = seen.get(endpointId) ?? 0;
    seen.set(endpointId, before + 1);
    if (before < (spare.get(endpointId) ?? 0)) continue;
    unspared += devices.length;
    byEndpoint.set(endpointId, (byEndpoint.get(endpointId) ?? 0) + devices.length);
  }
  return { unspared, unsparedOf: byEndpoint };
}

function inOrder(pending: readonly PendingWorker[]): PendingWorker[] {
  return [...pending].sort(
    (a, b) =>
      (a.waitingSinceMs ?? Infinity) - (b.waitingSinceMs ?? Infinity) ||
      a.createdAtMs - b.createdAtMs ||
      (a.workerId < b.workerId ? -1 : 1),
  );
}

/**
 * How many devices a worker could get if all others that can be spared gave way. One that wants more
 * is not stood behind: it would keep everybody out for as long as its requests wait. What is reserved
 * for others counts for them: of two that want several, each would wait for what the other has.
 */
function reachable(line: ProductLine, pending: PendingWorker): number {
  const unsparedElsewhere = line.unspared - (line.unsparedOf.get(pending.endpointId) ?? 0);
  return line.devices - unsparedElsewhere - (line.reserved - pending.reserved.length);
}

/**
 * Workers of other endpoints that give `missing` devices together: idle ones first, least recently
 * used; then, for a request that has waited long enough, busy ones whose turn has lasted longest and
 * whose own endpoint has nobody waiting longer. None at all where they would not be enough.
 */
function victims(
  line: ProductLine,
  pending: PendingWorker,
  missing: number,
  spare: ReadonlyMap<EndpointId, number>,
  already: ReadonlySet<WorkerId>,
  nowMs: number,
): { chosen: readonly HoldingWorker[]; lookAgainAtMs: number | null } {
  const waitedSinceMs = pending.waitingSinceMs ?? nowMs;
  const chosen: HoldingWorker[] = [];
  let freed = 0;
  let lookAgainAtMs: number | null = null;
  for (const worker of line.candidates) {
    if (freed >= missing) break;
    const { endpointId } = worker;
    if (endpointId === pending.endpointId || already.has(worker.workerId)) continue;
    if (worker.running > 0 && (worker.waitingSinceMs ?? Infinity) < waitedSinceMs) continue;
    let given = 0;
    for (const other of chosen) if (other.endpointId === endpointId) given += 1;
    if (given >= (spare.get(endpointId) ?? 0)) continue;
    const fromMs = givesWayAtMs(worker, waitedSinceMs, nowMs);
    if (nowMs < fromMs) {
      lookAgainAtMs = earlier(lookAgainAtMs, fromMs);
      continue;
    }
    chosen.push(worker);
    freed += worker.devices.length;
  }
  return { chosen: freed >= missing ? chosen : [], lookAgainAtMs };
}

function givesWayAtMs(worker: HoldingWorker, waitedSinceMs: number, nowMs: number): number {
  const readyAtMs = worker.readyAtMs ?? nowMs;
  if (worker.running > 0) return Math.max(waitedSinceMs + PATIENCE_MS, readyAtMs + TURN_MS);
  return readyAtMs + Math.min(RESIDENCY_MAX_MS, Math.max(RESIDENCY_MIN_MS, worker.startTimeMs ?? 0));
}

function giveWayReason(worker: HoldingWorker, pending: PendingWorker, nowMs: number): Reason {
  const what = `a request of endpoint ${pending.endpointId} waits for its device`;
  if (worker.running > 0) return reason('giveWayBusy', `its turn is over; ${what}`);
  return reason('giveWayIdle', `idle for ${seconds(nowMs - (worker.idleSinceMs ?? nowMs))}; ${what}`);
}
