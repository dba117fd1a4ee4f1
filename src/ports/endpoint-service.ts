import type { EndpointId, OwnerId, WorkerId } from '../base/ids.ts';
import type { ChangeClass, FieldChanges } from '../model/endpoint-fields.ts';
import type { TagCondition } from '../model/etag.ts';
import type { Endpoint, EndpointStatus, Revision, RevisionOutcome } from '../model/endpoint.ts';
import type { EndpointEvent } from '../model/endpoint-event.ts';
import type { Rollout } from '../model/endpoint.ts';
import type { DeviceList } from '../model/device-view.ts';
import type { Product, Region } from '../model/product.ts';
import type { MeasuredTimes, PriceChange, UpdateForecast } from '../model/update-forecast.ts';
import type { RequestTimeline } from '../model/request-timeline.ts';
import type { RolloutChoices } from '../model/rollout-options.ts';
import type { RolloutCommand } from '../model/rollout-order.ts';
import type { GuardReport } from '../model/guard-report.ts';
import type { Worker } from '../model/worker.ts';
import type { WorkerLog } from './driver.ts';

export interface Caller {
  readonly ownerId: OwnerId;
  readonly admin: boolean;
}

export interface EndpointListQuery {
  /** 0 means the server's default. */
  readonly limit: number;
  /** Empty: from the start. */
  readonly cursor: string;
  readonly keyword: string;
  readonly ownerIds: readonly string[];
}

/** An endpoint as it is shown: the record, its effective revision and what it does now. */
export interface EndpointView {
  readonly endpoint: Endpoint;
  /** The target's while a rollout runs, else the stable one. */
  readonly revision: Revision;
  readonly status: EndpointStatus;
  readonly error: string;
  readonly message: string;
  readonly url: string;
  readonly workers: readonly Worker[];
}

/** A kept revision as it is shown. */
export interface RevisionView {
  readonly revision: Revision;
  readonly outcome: RevisionOutcome;
  /** What differs from the revision it was made from; null for the first, and where that one is not kept. */
  readonly changed: FieldChanges | null;
  /** Workers of it that are not over. */
  readonly workers: number;
}

/** What an update would do; nothing of it is done. */
export interface UpdatePreview {
  /** The revision the endpoint would have, or move to. */
  readonly revision: number;
  readonly changed: FieldChanges;
  /** The endpoint's present tag: with it as If-Match exactly this would be done. */
  readonly etag: string;
  readonly forecast: UpdateForecast;
  /** What was reckoned with: pull and start of the new workers, drain and stop of the old ones. */
  readonly times: MeasuredTimes;
  /** How long the new revision would be guarded when no old worker is left. */
  readonly guardedMs: number;
  /** Of late, over about a minute. */
  readonly requestsPerSecond: number;
  /** Null where a product has no price. */
  readonly priceChange: PriceChange | null;
  readonly warnings?: readonly string[];
}

/** The running rollout, or the last one. */
export interface RolloutView {
  readonly rollout: Rollout;
  /** What the guard sees, or saw at the end; null before a target worker was asked for, and after a restart of the server. */
  readonly guard: GuardReport | null;
  readonly medians: { readonly targetMs: number | null; readonly stableMs: number | null } | null;
  /** A sentence; empty when it is over. */
  readonly waitsFor: string;
  /** When it looks again even if nothing happens; null: only an event moves it. */
  readonly looksAgainAtMs: number | null;
  readonly workers: readonly Worker[];
  readonly holders: readonly DrainHolder[];
}

/** A running request that keeps its worker from leaving. */
export interface DrainHolder {
  readonly request: RequestTimeline;
  /** When it is closed with DRAIN_DEADLINE; null: never. */
  readonly closedAtMs: number | null;
}

export interface RequestListView {
  /** Those that go on, oldest first, then the last ones that ended, newest first. */
  readonly requests: readonly RequestTimeline[];
  /** Why requests wait now; empty when none does. */
  readonly waitFor: string;
}

/** Somebody who follows an endpoint's events as they come. */
export interface EventReader {
  onEvent(event: EndpointEvent): void;
  /** The endpoint is gone. */
  onEnd(): void;
}

export interface EventFollow {
  /** Kept events behind the given id. */
  readonly past: readonly EndpointEvent[];
  /** Some behind the given id are no longer kept. */
  readonly missed: boolean;
  stop(): void;
}

/** Under which terms a change is made. */
export interface ChangeTerms {
  /** Only while the endpoint has one of these tags, else PRECONDITION_FAILED; null: whatever it is. */
  readonly ifMatch: TagCondition | null;
  /** Where given, the request has one effect and one answer, however often it comes. */
  readonly once: RepeatKey | null;
  /** How the rollout that it may begin goes about its work; what is left out is the server's default. */
  readonly rollout?: RolloutChoices;
}

/** An idempotency key and a digest of the request that it belongs to. */
export interface RepeatKey {
  readonly key: string;
  readonly fingerprint: string;
}

export const NO_TERMS: ChangeTerms = { ifMatch: null, once: null };

/** An answer that may have been given before, to the same request with the same key. */
export interface Repeatable {
  readonly replayed?: boolean;
}

export interface CreateOutcome extends Repeatable {
  readonly id: EndpointId;
  /** What was made all the same, and is better made otherwise; left out where there is nothing. */
  readonly warnings?: readonly string[];
}

export interface UpdateOutcome extends Repeatable {
  readonly revision: number;
  /** API field path → the class of change it asks for; empty when nothing changed. */
  readonly changed: Readonly<Record<string, ChangeClass>>;
  readonly rollout: { readonly id: string; readonly state: string } | null;
  /** The endpoint's tag after the update. */
  readonly etag: string;
  readonly warnings?: readonly string[];
}

/**
 * What the control API can do. Bodies come in as parsed JSON of any shape; all faults of one come
 * back together in one VALIDATOR_PARAM error. Every mutation is durable when its promise resolves.
 */
export interface EndpointService {
  create(body: unknown, caller: Caller, once?: RepeatKey | null): Promise<CreateOutcome>;
  get(endpointId: string, caller: Caller): EndpointView;
  list(
    query: EndpointListQuery,
    caller: Caller,
  ): { readonly views: readonly EndpointView[]; readonly nextCursor: string; readonly hasMore: boolean };
  update(endpointId: string, body: unknown, caller: Caller, terms?: ChangeTerms): Promise<UpdateOutcome>;
  /** Refused as the update would be; `once` has no meaning for it. */
  updatePlan(endpointId: string, body: unknown, caller: Caller, terms?: ChangeTerms): UpdatePreview;
  rollbackPlan(endpointId: string, body: unknown, caller: Caller, terms?: ChangeTerms): UpdatePreview;
  /** Brings a kept revision back, as an update would. SERVERLESS_REVISION_NOT_FOUND where it is not kept. */
  rollback(endpointId: string, body: unknown, caller: Caller, terms?: ChangeTerms): Promise<UpdateOutcome>;
  /** Every kept revision. */
  revisionList(endpointId: string, caller: Caller): readonly RevisionView[];
  revision(endpointId: string, number: number, caller: Caller): RevisionView;
  delete(endpointId: string, caller: Caller, ifMatch?: TagCondition | null): Promise<void>;
  /** Live workers and the last ended ones, newest first. */
  workerList(endpointId: string, caller: Caller): readonly Worker[];
  /** Throws SERVERLESS_WORKER_NOT_FOUND. */
  worker(endpointId: string, workerId: string, caller: Caller): Worker;
  workerLog(endpointId: string, workerId: string, maxBytes: number, caller: Caller): Promise<WorkerLog>;
  /** Throws ROLLOUT_NOT_FOUND. */
  rollout(endpointId: string, caller: Caller): Promise<RolloutView>;
  /** Throws ROLLOUT_NOT_FOUND, ROLLOUT_OVER and ROLLOUT_ABORTING. */
  rolloutOrder(endpointId: string, command: RolloutCommand, caller: Caller): Promise<RolloutView>;
  /** Running requests that keep draining workers from leaving. */
  drainHolders(endpointId: string, caller: Caller): Promise<readonly DrainHolder[]>;
  /** Kept events behind the one with this id, oldest first; null: all. */
  eventList(endpointId: string, afterId: number | null, caller: Caller): readonly EndpointEvent[];
  /** The same, and then every one as it comes. Throws EVENT_READERS_LIMIT. */
  eventsFollow(endpointId: string, afterId: number | null, caller: Caller, reader: EventReader): EventFollow;
  requestList(endpointId: string, limit: number, caller: Caller): Promise<RequestListView>;
  productList(): readonly (Product & { readonly available: number })[];
  deviceList(): DeviceList;
  regionList(): readonly Region[];
}

export type { WorkerId };
