import type { EndpointId, OwnerId, RolloutId, WorkerId } from '../base/ids.ts';
import type { RolloutOptions } from './rollout-options.ts';
import type { RolloutOrder } from './rollout-order.ts';
import type { RolloutState } from './rollout-state.ts';

export type EndpointType = 'sync' | 'async';
export type PolicyType = 'queue' | 'concurrency';

export interface Policy {
  readonly type: PolicyType;
  /** `queue`: seconds of waiting beyond which capacity is added. `concurrency`: requests per worker. */
  readonly value: number;
}

export interface HealthCheck {
  /** Empty: a worker is healthy when its port accepts a connection. */
  readonly path: string;
  /** A declared port; 0 means the first of `ports`. */
  readonly port: number;
}

/** The contract's largest `idle_timeout`, and the default: it bounds nothing, see `decide/autoscale/idle-keep.ts`. */
export const IDLE_TIMEOUT_MAX_SECONDS = 1_000;

/** Fields that apply at once; no worker restarts for them. */
export interface EndpointSettings {
  readonly name: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly idleTimeoutSeconds: number;
  readonly maxConcurrentPerWorker: number;
  readonly requestTimeoutSeconds: number;
  readonly policy: Policy;
  readonly healthCheck: HealthCheck;
}

export interface EnvironmentVariable {
  readonly key: string;
  readonly value: string;
}

export interface Volume {
  readonly id: string;
  readonly type: 'local' | 'network';
  readonly size: number | null;
  readonly mountPoint: string;
}

/** Fields that ask for new workers. Immutable once a revision is made of them. */
export interface RevisionSpec {
  readonly productId: string;
  readonly regionId: string;
  readonly image: string;
  readonly registryAuthId: string;
  readonly entrypoint: string;
  readonly command: string;
  readonly envs: readonly EnvironmentVariable[];
  readonly ports: readonly number[];
  readonly volumes: readonly Volume[];
  readonly gpuNum: number;
  readonly rootfsSizeGb: number;
  readonly minCudaVersion: string;
}

export interface Revision {
  readonly endpointId: EndpointId;
  /** 1, 2, 3 … within the endpoint. */
  readonly number: number;
  readonly spec: RevisionSpec;
  readonly createdAtMs: number;
  /** Whose key asked for it; null where that was not yet noted. */
  readonly createdBy: OwnerId | null;
  /** The settings it was made with; null where they were not yet kept. */
  readonly settings: EndpointSettings | null;
  /** The revision whose fields were changed to make this one; null for the first, and where not noted. */
  readonly fromRevision: number | null;
  /** The revision whose fields it brings back; null when it is no rollback. */
  readonly restores: number | null;
  /** When it became the stable revision; null when it never did, or where that was not yet noted. */
  readonly stableAtMs: number | null;
  /**
   * The image by the bytes it stands for, which all workers of the revision run: `name@sha256:…`, or the
   * image's id where it was never in a registry. Null until it is known, and where there are no images.
   */
  readonly pinnedImage: string | null;
  /** Why this revision may not serve again on its own; null while nothing speaks against it. */
  readonly failure: string | null;
  /** Measured time from the start of a worker to ready, smoothed; null when never measured. */
  readonly startTimeMs: number | null;
  /** Measured likewise: to bring the image onto the machine, before the start. */
  readonly pullTimeMs: number | null;
  /** From the wish to drain a worker that ran requests to the end of the last of them. */
  readonly drainTimeMs: number | null;
  /** From the wish to stop a worker to its end. */
  readonly stopTimeMs: number | null;
}

export const REVISION_OUTCOMES = [
  'in_force',
  'rolling_out',
  'failed',
  'replaced',
  'superseded',
  'unknown',
] as const;
/** What became of a revision; spelled out in its description in the API. */
export type RevisionOutcome = (typeof REVISION_OUTCOMES)[number];

/** What of a revision changes after it was made. */
export type RevisionProgress = Pick<
  Revision,
  'stableAtMs' | 'pinnedImage' | 'failure' | 'startTimeMs' | 'pullTimeMs' | 'drainTimeMs' | 'stopTimeMs'
>;

export interface Rollout {
  readonly id: RolloutId;
  readonly state: RolloutState;
  readonly fromRevision: number;
  readonly toRevision: number;
  /**
   * How the first worker gets its place: beside the old ones, on the devices of one that drains, or
   * on an endpoint without workers; null before it was decided.
   */
  readonly mode: 'surge' | 'swap' | 'cold' | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  /** Live workers when the rollout began: idle ones that are still kept are replaced up to this number. */
  readonly workersBefore: number;
  readonly startFailures: number;
  /** How often a swap was put off because waiting requests could not have been served in time. */
  readonly postponements: number;
  /** A postponed or backed-off first worker is not tried before this time. */
  readonly notBeforeMs: number;
  readonly message: string;
  readonly options: RolloutOptions;
  readonly order: RolloutOrder;
  readonly stateSinceMs: number;
}

export interface Endpoint {
  readonly id: EndpointId;
  readonly type: EndpointType;
  readonly appName: string;
  readonly ownerId: OwnerId;
  readonly createdAtMs: number;
  /** Raised by every change of the record; a write against another generation is refused. */
  readonly generation: number;
  readonly settings: EndpointSettings;
  /** Raised by every change of the settings. */
  readonly settingsGeneration: number;
  readonly stableRevision: number;
  /** The revision a rollout leads to; null when none is running. */
  readonly targetRevision: number | null;
  readonly lastRevision: number;
  /** The running rollout, or the last one that ended. */
  readonly rollout: Rollout | null;
  /** Told to the user until the next change: how the last rollout failed, why nothing starts. */
  readonly message: string;
  /** Set once deletion was asked for; the record goes when the last worker is gone. */
  readonly deleting: boolean;
}

/**
 * Whether its workers ask for their jobs. The others, with a path that tells their health, have an HTTP
 * server: they are sent requests, or jobs as requests.
 */
export function takesJobs(endpoint: {
  readonly type: EndpointType;
  readonly settings: Pick<EndpointSettings, 'healthCheck'>;
}): boolean {
  return endpoint.type === 'async' && endpoint.settings.healthCheck.path === '';
}

/** What the contract's `status.status` of an endpoint can say; docs/states.md has the truth table. */
export type EndpointStatus =
  | 'initializing'
  | 'running'
  | 'updating'
  | 'degraded'
  | 'stopped'
  | 'failed'
  | 'terminating';

/** The port an endpoint without `ports` is reached at, from the worker's own view. */
export const DEFAULT_PORT = 8080;

/** The declared port requests go to. */
export function mainPort(spec: Pick<RevisionSpec, 'ports'>): number {
  return spec.ports[0] ?? DEFAULT_PORT;
}

export type { EndpointId, OwnerId, RolloutId, WorkerId };
