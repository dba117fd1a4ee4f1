import { idleLimitMs } from '../decide/autoscale/idle-keep.ts';
import { LoadModel, type LoadSettings } from '../decide/autoscale/load-model.ts';
import { UNKNOWN_START_MS } from '../decide/autoscale/needed-workers.ts';
import { priceOfWaiting } from '../decide/autoscale/price.ts';
import type { EndpointSettings } from '../model/endpoint.ts';
import type { RequestOutcome } from '../ports/traffic.ts';
import type { EndpointEntry } from './endpoint-entry.ts';

/** What was learned of an endpoint's load, and from which settings and start time it reckons. */
export interface LearnedLoad {
  readonly model: LoadModel;
  readonly settings: EndpointSettings;
  readonly startMs: number;
}

/**
 * Its model as of its present settings; made when it is first asked for, which it is with the first request
 * or worker: it takes more memory than all else of an endpoint that sleeps.
 */
export function loadOf(entry: EndpointEntry, nowMs: number): LoadModel {
  const { settings } = entry.endpoint;
  const startMs = expectedStartMs(entry);
  const known = entry.load;
  if (known !== null && known.settings === settings && known.startMs === startMs) return known.model;
  const wanted = loadSettings(settings, startMs);
  const model = known?.model ?? new LoadModel(wanted, entry.inMemorySinceMs);
  model.configure(wanted, nowMs);
  entry.load = { model, settings, startMs };
  return model;
}

function loadSettings(settings: EndpointSettings, startMs: number): LoadSettings {
  return {
    slotsPerWorker: settings.maxConcurrentPerWorker,
    startMs,
    minWorkers: settings.minReplicas,
    maxWorkers: settings.maxReplicas,
    idleLimitMs: idleLimitMs(settings),
    price: priceOfWaiting(settings.policy),
  };
}

/** Of the workers that start next: the target's, else the stable revision's. */
function expectedStartMs(entry: EndpointEntry): number {
  const { stableRevision, targetRevision } = entry.endpoint;
  const stable = entry.revisions.get(stableRevision);
  const target = targetRevision === null ? undefined : entry.revisions.get(targetRevision);
  return target?.startTimeMs ?? stable?.startTimeMs ?? UNKNOWN_START_MS;
}

// A request arrives when it begins to wait, or when it starts and none waited: nobody goes past those
// that wait, so one that starts while some wait is one of them.

export function noteWaiting(entry: EndpointEntry, nowMs: number): void {
  entry.waitingSeen += 1;
  loadOf(entry, nowMs).arrived(nowMs);
}

export function noteStarted(entry: EndpointEntry, nowMs: number): void {
  if (entry.waitingSeen > 0) entry.waitingSeen -= 1;
  else loadOf(entry, nowMs).arrived(nowMs);
}

export function noteGone(entry: EndpointEntry): void {
  entry.waitingSeen = Math.max(0, entry.waitingSeen - 1);
}

/** A worker that breaks, or whose requests were closed, says nothing of how long requests take. */
export function noteEnded(entry: EndpointEntry, outcome: RequestOutcome, nowMs: number): void {
  if (outcome.end === 'broke' || outcome.end === 'cut') return;
  const arrivedMs = nowMs - outcome.runMs - outcome.waitedMs;
  loadOf(entry, nowMs).served(arrivedMs, outcome.runMs, nowMs);
}
