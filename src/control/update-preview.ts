import type { EndpointId } from '../base/ids.ts';
import { forecast } from '../decide/rollout/plan/forecast.ts';
import type { PlaySetting } from '../decide/rollout/plan/play-rollout.ts';
import { priceChange, type PricedWorkers } from '../decide/rollout/plan/price-change.ts';
import type { EndpointWorld, RevisionView, WorkerView } from '../decide/world.ts';
import type { FieldChanges } from '../model/endpoint-fields.ts';
import type { Endpoint, EndpointSettings, Revision, RevisionSpec } from '../model/endpoint.ts';
import { workerPricePerHour } from '../model/product.ts';
import { rolloutIsOver } from '../model/rollout-state.ts';
import type { MeasuredTimes } from '../model/update-forecast.ts';
import type { UpdatePreview } from '../ports/endpoint-service.ts';
import type { ControlPorts } from './control-options.ts';
import { currentRevision, type EndpointEntry } from './endpoint-entry.ts';
import type { Inventory } from './inventory.ts';
import { loadOf } from './load-learning.ts';
import { etagOf } from './precondition.ts';
import { planOptionsOf } from './rollout-options.ts';
import { worldOf } from './world-view.ts';

/** A change as it would be stored. */
export interface PreviewedChange {
  readonly changed: FieldChanges;
  readonly next: Endpoint;
  readonly revision: Revision | null;
  readonly revisionChanged: boolean;
}

/** Foretells a change. Reads only: nothing of the entry, the store, the driver or the gateway is touched. */
export function updatePreview(
  ports: ControlPorts,
  entries: ReadonlyMap<EndpointId, EndpointEntry>,
  inventory: Inventory,
  entry: EndpointEntry,
  { changed, next, revision, revisionChanged }: PreviewedChange,
): UpdatePreview {
  const nowMs = ports.clock.nowMs();
  const load = loadOf(entry, nowMs);
  const revisions = new Map(entry.revisions);
  if (revision !== null) revisions.set(revision.number, revision);
  const timesOf = (number: number): MeasuredTimes =>
    timesOfRevision(revisions, number, next, load.measuredServiceMs);
  const goal = next.targetRevision ?? next.stableRevision;
  const old = timesOf(entry.endpoint.stableRevision);
  const requestsPerSecond = load.rateAt(nowMs) * 1_000;
  const options = planOptionsOf(next, ports.options);
  const setting: PlaySetting = {
    world: {
      ...presentWorld(ports, entries, inventory, entry, nowMs),
      settings: next.settings,
      stableRevision: next.stableRevision,
      targetRevision: next.targetRevision,
      rollout: next.rollout === null || rolloutIsOver(next.rollout.state) ? null : next.rollout,
      revisions: revisionViews(revisions, entry, next, inventory),
      ...(revisionChanged ? { startFailures: 0, notBeforeMs: 0 } : {}),
      options,
    },
    nowMs,
    timesOf,
    held: new Map([...entry.workers.values()].map(({ record }) => [record.id, record.devices])),
    free: freeDevices(revisions, inventory, entries, entry),
    requestsPerSecond,
    toTheEnd: revisionChanged,
  };
  const { pullMs, startMs } = timesOf(goal);
  return {
    revision: goal,
    changed,
    etag: etagOf(entry),
    forecast: forecast(setting),
    times: { pullMs, startMs, drainMs: old.drainMs, stopMs: old.stopMs },
    guardedMs: revisionChanged && next.rollout?.toRevision === goal ? options.watchMs : 0,
    requestsPerSecond,
    priceChange: priceChange(
      priced(inventory, currentRevision(entry).spec, entry.endpoint.settings),
      priced(inventory, (revisions.get(goal) ?? currentRevision(entry)).spec, next.settings),
    ),
  };
}

/** As plain data: the decisions' own view of it reads through to what would change meanwhile. */
function presentWorld(
  ports: ControlPorts,
  entries: ReadonlyMap<EndpointId, EndpointEntry>,
  inventory: Inventory,
  entry: EndpointEntry,
  nowMs: number,
): EndpointWorld {
  const seen = worldOf(entry, entries, inventory, ports.traffic, ports.options, nowMs);
  return {
    endpointId: seen.endpointId,
    settings: seen.settings,
    deleting: seen.deleting,
    stableRevision: seen.stableRevision,
    targetRevision: seen.targetRevision,
    rollout: seen.rollout,
    revisions: seen.revisions,
    workers: seen.workers.map(plainWorker),
    waiting: seen.waiting,
    waitingSinceMs: seen.waitingSinceMs,
    earliestDeadlineMs: seen.earliestDeadlineMs,
    load: seen.load,
    guard: seen.guard,
    startFailures: seen.startFailures,
    notBeforeMs: seen.notBeforeMs,
    options: seen.options,
  };
}

function plainWorker(view: WorkerView): WorkerView {
  return {
    id: view.id,
    revision: view.revision,
    state: view.state,
    running: view.running,
    runningSinceMs: view.runningSinceMs,
    idleSinceMs: view.idleSinceMs,
    createdAtMs: view.createdAtMs,
    startedAtMs: view.startedAtMs,
    readyAtMs: view.readyAtMs,
    unhealthySinceMs: view.unhealthySinceMs,
    drainingSinceMs: view.drainingSinceMs,
  };
}

function revisionViews(
  revisions: ReadonlyMap<number, Revision>,
  entry: EndpointEntry,
  next: Endpoint,
  inventory: Inventory,
): ReadonlyMap<number, RevisionView> {
  const shown = new Set([next.stableRevision, next.targetRevision ?? next.stableRevision]);
  for (const { record } of entry.workers.values()) shown.add(record.revision);
  const views = new Map<number, RevisionView>();
  for (const number of shown) {
    const revision = revisions.get(number);
    if (revision === undefined) continue;
    views.set(number, {
      number,
      failed: revision.failure !== null,
      startTimeMs: revision.startTimeMs,
      // Counted anew at every moment of the play.
      roomWorkers: 0,
      productId: inventory.typeOf(revision.spec.productId),
      devicesPerWorker: inventory.devicesWanted(revision.spec),
    });
  }
  return views;
}

function freeDevices(
  revisions: ReadonlyMap<number, Revision>,
  inventory: Inventory,
  entries: ReadonlyMap<EndpointId, EndpointEntry>,
  entry: EndpointEntry,
): ReadonlyMap<string, readonly string[]> {
  const types = new Set([...revisions.values()].map(({ spec }) => inventory.typeOf(spec.productId)));
  return new Map([...types].map((id) => [id, inventory.freeDevices(id, entries.values(), entry)]));
}

/** A revision's own times; what was never measured of it, the stable revision's, then the newest there is. */
function timesOfRevision(
  revisions: ReadonlyMap<number, Revision>,
  number: number,
  { stableRevision }: Endpoint,
  serviceTimeMs: number | null,
): MeasuredTimes {
  const newestFirst = [...revisions.values()].sort((a, b) => b.number - a.number);
  const order = [revisions.get(number), revisions.get(stableRevision), ...newestFirst];
  const first = (name: 'pullTimeMs' | 'startTimeMs' | 'drainTimeMs' | 'stopTimeMs'): number | null =>
    order.find((revision) => revision !== undefined && revision[name] !== null)?.[name] ?? null;
  return {
    pullMs: first('pullTimeMs'),
    startMs: first('startTimeMs'),
    // Before the first drain, the time a request holds its slot says about how long it takes.
    drainMs: first('drainTimeMs') ?? serviceTimeMs,
    stopMs: first('stopTimeMs'),
  };
}

function priced(inventory: Inventory, spec: RevisionSpec, settings: EndpointSettings): PricedWorkers {
  const product = inventory.products.get(spec.productId);
  return {
    pricePerHour: product === undefined ? null : workerPricePerHour(product, spec.gpuNum),
    minReplicas: settings.minReplicas,
    maxReplicas: settings.maxReplicas,
  };
}
