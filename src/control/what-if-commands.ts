import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { UNKNOWN_START_MS } from '../decide/autoscale/needed-workers.ts';
import { planSimulation, type SimulationPlan } from '../decide/update/plan-simulation.ts';
import type { Endpoint, RevisionSpec } from '../model/endpoint.ts';
import { faultsError } from '../model/faults.ts';
import { devicesPerWorker, workerPricePerHour } from '../model/product.ts';
import type { Caller, EndpointService, EndpointView } from '../ports/endpoint-service.ts';
import type { ArrivalChunk, Store } from '../ports/store.ts';
import type {
  AdvisedSettings,
  SimulatedRequests,
  SimulatedSettings,
  SimulationOptions,
  Simulator,
  StartTimes,
  WhatIfAnswer,
  WhatIfService,
} from '../ports/what-if.ts';

/** What one run can hold in memory. */
const REQUESTS_MAX = 5_000_000;
/** About a megabyte a page. */
const CHUNKS_PER_PAGE = 256;
/** Start times of more workers than this say nothing new. */
const STARTS_MAX = 50;
/** The same question gets the same answer. */
const SEED = 1;

export interface WhatIfParts {
  readonly clock: Clock;
  readonly store: Pick<Store, 'arrivalChunkList'>;
  readonly simulator: Simulator;
  readonly endpoints: Pick<EndpointService, 'get' | 'workerList' | 'productList'>;
  /** Brings what was recorded up to now to the store. */
  readonly flushArrivals: () => Promise<void>;
  /** Throws where an update to this spec would be refused. */
  readonly checkSpec: (spec: RevisionSpec) => void;
}

/** Answers what other settings would have made of an endpoint's requests. Changes nothing. */
export class WhatIfCommands implements WhatIfService {
  readonly #parts: WhatIfParts;

  constructor(parts: WhatIfParts) {
    this.#parts = parts;
  }

  async simulate(
    endpointId: string,
    body: unknown,
    caller: Caller,
    options: SimulationOptions,
  ): Promise<WhatIfAnswer> {
    const view = this.#parts.endpoints.get(endpointId, caller);
    const { endpoint, revision } = view;
    const plan = planSimulation(
      {
        id: endpoint.id,
        type: endpoint.type,
        appName: endpoint.appName,
        url: view.url,
        ownerId: endpoint.ownerId,
        createdAtMs: endpoint.createdAtMs,
        settings: endpoint.settings,
        spec: revision.spec,
      },
      body,
    );
    if ('faults' in plan) throw faultsError(plan.faults);
    const changed = plan.changed.length > 0;
    if (changed) this.#parts.checkSpec(plan.proposed.spec);
    const now = this.#simulated(endpoint.settings, revision.spec);
    const proposed = changed ? this.#simulated(plan.proposed.settings, plan.proposed.spec) : null;
    const startTimes = this.#startTimes(view, caller);
    const requests = await this.#requests(endpoint, plan, options.signal);
    const outcome = await this.#parts.simulator.run(
      { requests, now, proposed, goals: plan.goals, startTimesMs: startTimes.ms, seed: SEED },
      options,
    );
    const workerPrices = {
      now: this.#workerPrice(revision.spec),
      proposed: this.#workerPrice(plan.proposed.spec),
    };
    const answer = {
      now,
      proposed,
      changed: plan.changed,
      goals: plan.goals,
      startTimes,
      outcome,
      workerPrices,
    };
    return {
      ...answer,
      productIds: { now: revision.spec.productId, proposed: plan.proposed.spec.productId },
      notes: notesOf(answer, revision.spec.productId !== plan.proposed.spec.productId),
    };
  }

  #simulated(settings: SimulatedSettings['settings'], spec: RevisionSpec): SimulatedSettings {
    const product = this.#parts.endpoints.productList().find(({ id }) => id === spec.productId);
    const perWorker = product === undefined ? spec.gpuNum : devicesPerWorker(product, spec.gpuNum);
    return {
      settings,
      devices: perWorker === 0 ? null : (product?.deviceCount ?? 0),
      devicesPerWorker: perWorker,
    };
  }

  #workerPrice({ productId, gpuNum }: RevisionSpec): number | null {
    const product = this.#parts.endpoints.productList().find(({ id }) => id === productId);
    return product === undefined ? null : workerPricePerHour(product, gpuNum);
  }

  /** Of the revision's last workers; without any, of the endpoint's. */
  #startTimes({ endpoint, revision }: EndpointView, caller: Caller): StartTimes {
    const workers = this.#parts.endpoints.workerList(endpoint.id, caller);
    const measured = workers.flatMap(({ startedAtMs, readyAtMs, revision: number }) =>
      startedAtMs === null || readyAtMs === null
        ? []
        : [{ number, ms: Math.max(0, readyAtMs - startedAtMs) }],
    );
    const own = measured.filter(({ number }) => number === revision.number);
    const used = (own.length > 0 ? own : measured).slice(0, STARTS_MAX).map(({ ms }) => ms);
    if (used.length > 0) return { ms: used, source: 'workers' };
    const { startTimeMs } = revision;
    return startTimeMs === null
      ? { ms: [UNKNOWN_START_MS], source: 'assumed' }
      : { ms: [startTimeMs], source: 'revision' };
  }

  async #requests(
    { id: endpointId, createdAtMs }: Endpoint,
    { trace, windowMs }: SimulationPlan,
    signal: AbortSignal,
  ): Promise<SimulatedRequests> {
    if (trace !== null) return { kind: 'trace', base64: trace };
    await this.#parts.flushArrivals();
    const toMs = this.#parts.clock.nowMs();
    // Before it was created nothing was kept waiting for requests.
    const fromMs = Math.max(toMs - (windowMs ?? 0), Math.min(createdAtMs, toMs));
    const chunks: Uint8Array[] = [];
    let count = 0;
    let last: ArrivalChunk | null = null;
    for (;;) {
      signal.throwIfAborted();
      const page: readonly ArrivalChunk[] = await this.#parts.store.arrivalChunkList(
        endpointId,
        fromMs,
        last,
        CHUNKS_PER_PAGE,
      );
      for (const chunk of page) {
        chunks.push(chunk.bytes);
        count += chunk.count;
      }
      if (count > REQUESTS_MAX) {
        throw new AppError(
          'SIMULATION_TOO_LARGE',
          `More than ${REQUESTS_MAX} requests were recorded in this window, which is the most for one simulation. Take a shorter window.`,
        );
      }
      last = page.at(-1) ?? null;
      if (page.length < CHUNKS_PER_PAGE) break;
    }
    if (chunks.length === 0) {
      throw new AppError(
        'NO_ARRIVALS',
        `No request of endpoint ${endpointId} was recorded in this window. Send some, take a longer window, or give a trace.`,
      );
    }
    return { kind: 'recorded', chunks, fromMs, toMs };
  }
}

function notesOf(
  { now, proposed, startTimes, outcome, goals, workerPrices }: Omit<WhatIfAnswer, 'notes' | 'productIds'>,
  productChanged: boolean,
): string[] {
  const notes: string[] = [];
  if (startTimes.source === 'assumed') {
    notes.push(
      `No worker of it ever became ready: a start is assumed to take ${UNKNOWN_START_MS / 1_000} s.`,
    );
  }
  if (productChanged) {
    notes.push('Start and run times are those of the present product; on another one they may differ.');
  }
  const concurrency = now.settings.maxConcurrentPerWorker;
  if (proposed !== null && proposed.settings.maxConcurrentPerWorker > concurrency) {
    notes.push(
      `Run times were measured with up to ${concurrency} requests on a worker; with more each may take longer.`,
    );
  }
  if ((proposed ?? now).devices !== null) {
    notes.push('All devices of the product are taken to be free for this endpoint.');
  }
  if (outcome.assumedRuns > 0) {
    notes.push(
      `${outcome.assumedRuns} of ${outcome.requests} requests never ran; they are taken to run as long as others like them.`,
    );
  }
  if (workerPrices.now === null || workerPrices.proposed === null) {
    notes.push('The product has no price, so there is no cost; worker hours stand for it.');
  }
  if (goals !== null && outcome.advice?.chosen === null) {
    notes.push(missNote(outcome.advice.nearest, (proposed ?? now).settings.maxReplicas));
  }
  return notes;
}

function missNote({ missRatio, figures }: AdvisedSettings, maxReplicas: number): string {
  const by =
    missRatio > 1
      ? `with the nearest the wait is ${missRatio.toPrecision(3)} times the goal`
      : `the nearest refuses ${figures.refused} requests`;
  return `None of the settings tried holds the goals with max_replicas ${maxReplicas}; ${by}. Propose a higher max_replicas, or faster starts.`;
}
