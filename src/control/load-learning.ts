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
  readonly unlearned: UnlearnedRequests;
}

/** Events of requests that the model is told together: a decision is made after each, but not looked up for each. */
const UNLEARNED_MAX = 64;
/** When it was; then nothing more for an arrival, for an end when it had arrived and how long it ran. */
const NUMBERS = 3;
const AN_ARRIVAL = -1;

/**
 * What happened since the model was asked last. The model learns it when it is asked next, each event
 * as of its own time, so that it is the same model. To learn costs about as much as to look for what was
 * learned in all of memory, and that is then done once in a millisecond and not twice for each request.
 */
class UnlearnedRequests {
  readonly #numbers = new Float64Array(UNLEARNED_MAX * NUMBERS);
  #count = 0;

  add(model: LoadModel, atMs: number, arrivedMs: number, runMs: number): void {
    if (this.#count === UNLEARNED_MAX) this.teach(model);
    const at = this.#count * NUMBERS;
    this.#numbers[at] = atMs;
    this.#numbers[at + 1] = arrivedMs;
    this.#numbers[at + 2] = runMs;
    this.#count += 1;
  }

  teach(model: LoadModel): void {
    const numbers = this.#numbers;
    for (let index = 0; index < this.#count; index += 1) {
      const at = index * NUMBERS;
      const atMs = numbers[at]!;
      const runMs = numbers[at + 2]!;
      if (runMs === AN_ARRIVAL) model.arrived(atMs);
      else model.served(numbers[at + 1]!, runMs, atMs);
    }
    this.#count = 0;
  }
}

/**
 * Its model as of its present settings; made when it is first asked for, which it is with the first request
 * or worker: it takes more memory than all else of an endpoint that sleeps.
 */
export function loadOf(entry: EndpointEntry, nowMs: number): LoadModel {
  const { settings } = entry.endpoint;
  const startMs = expectedStartMs(entry);
  const known = entry.load;
  // Settings count from the next request on.
  known?.unlearned.teach(known.model);
  if (known !== null && known.settings === settings && known.startMs === startMs) return known.model;
  const wanted = loadSettings(settings, startMs);
  const model = known?.model ?? new LoadModel(wanted, entry.inMemorySinceMs);
  model.configure(wanted, nowMs);
  entry.load = { model, settings, startMs, unlearned: known?.unlearned ?? new UnlearnedRequests() };
  return model;
}

function note(entry: EndpointEntry, atMs: number, arrivedMs: number, runMs: number): void {
  if (entry.load === null) loadOf(entry, atMs);
  const { load } = entry;
  load?.unlearned.add(load.model, atMs, arrivedMs, runMs);
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
  note(entry, nowMs, nowMs, AN_ARRIVAL);
}

export function noteStarted(entry: EndpointEntry, nowMs: number): void {
  if (entry.waitingSeen > 0) entry.waitingSeen -= 1;
  else note(entry, nowMs, nowMs, AN_ARRIVAL);
}

export function noteGone(entry: EndpointEntry): void {
  entry.waitingSeen = Math.max(0, entry.waitingSeen - 1);
}

/** A worker that breaks, or whose requests were closed, says nothing of how long requests take. */
export function noteEnded(entry: EndpointEntry, outcome: RequestOutcome, nowMs: number): void {
  if (outcome.end === 'broke' || outcome.end === 'cut') return;
  note(entry, nowMs, nowMs - outcome.runMs - outcome.waitedMs, outcome.runMs);
}
