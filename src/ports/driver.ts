import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { AppError } from '../base/errors.ts';
import type { HealthCheck, RevisionSpec, WorkerExit } from '../model/endpoint.ts';
import type { Device } from '../model/product.ts';
import type { WorkerAddress } from '../model/worker.ts';

/** All a driver needs to start one worker. */
export interface WorkerOrder {
  readonly workerId: WorkerId;
  readonly endpointId: EndpointId;
  readonly appName: string;
  readonly revision: number;
  readonly spec: RevisionSpec;
  readonly devices: readonly string[];
  /** The owner's fencing number, put on the worker as a label. */
  readonly fence: number;
}

export interface StartedWorker {
  /** Declared port → where it is reached from this host. Always holds the main port. */
  readonly addresses: Readonly<Record<number, WorkerAddress>>;
}

/** A worker the driver knows of, found by its own labels: what a restart recovers from. */
export interface FoundWorker extends StartedWorker {
  readonly workerId: WorkerId;
  readonly endpointId: EndpointId;
  readonly revision: number;
  readonly devices: readonly string[];
  readonly fence: number;
  readonly running: boolean;
  readonly startedAtMs: number;
  readonly exit: WorkerExit | null;
}

export interface Fingerprint {
  readonly devices: readonly Device[];
  /** CUDA version of the host's driver, such as "12.8"; null when there is none or it is not known. */
  readonly cudaVersion: string | null;
  readonly capabilities: DriverCapabilities;
}

export interface DriverCapabilities {
  readonly images: 'host' | 'container';
  readonly volumes: boolean;
  readonly registryAuth: boolean;
  readonly rootfsLimit: boolean;
}

export interface WorkerLog {
  readonly text: string;
  /** Bytes of output before `text`: no longer kept because the log is bounded, or beyond what was asked for. */
  readonly droppedBytes: number;
}

/**
 * Starts and stops workers. Everything it started can be found again by `list` after a crash of the
 * server, so no call needs to be remembered. Calls for one worker are made one at a time.
 */
export interface Driver {
  readonly kind: 'process' | 'simulated' | 'docker' | 'kubernetes';
  fingerprint(): Promise<Fingerprint>;
  /** Why this spec can never start here, or null. Synchronous and without I/O: it guards PUT and POST. */
  refusal(spec: RevisionSpec): AppError | null;
  /** Brings what a start needs onto the host (an image pull). Rejects with an AppError. */
  prepare(spec: RevisionSpec, signal: AbortSignal): Promise<void>;
  /**
   * Hands the order over in the same turn; resolves once the worker exists and its addresses are
   * known, which is before it listens. Rejects with an AppError when it could not be started.
   */
  start(order: WorkerOrder): Promise<StartedWorker>;
  /** Every worker of this server that the driver can find, running or ended and not yet forgotten. */
  list(): Promise<readonly FoundWorker[]>;
  /** Takes a running worker found by `list` under watch again: its exit will be told to `onExit`. */
  recover(workerId: WorkerId): Promise<StartedWorker>;
  /**
   * SIGTERM or its like, then the hard way after `graceMs`. Resolves when the worker, its children
   * and the memory they held on devices are gone; also when it was gone already.
   */
  stop(workerId: WorkerId, graceMs: number): Promise<WorkerExit>;
  /** The last `maxBytes` of the worker's output, also after its end. */
  logs(workerId: WorkerId, maxBytes: number): Promise<WorkerLog>;
  /** Drops what is kept of an ended worker. */
  forget(workerId: WorkerId): Promise<void>;
  /** Called once for every worker that ends, however it ends. */
  onExit(listener: (workerId: WorkerId, exit: WorkerExit) => void): void;
  /** Lets go of this process's own resources. Workers run on. */
  close(): Promise<void>;
}

/** Tells when a started worker can take requests, and when that changes. */
export interface Readiness {
  /**
   * Probes from now on until the signal aborts: fast while starting (the first success is seen
   * within 50 ms of being possible), at ease afterwards. `onChange(true)` comes first, at the first
   * success; `onChange(false)` after three failures in a row; `detail` says what was seen last. Of a
   * target with `wasHealthy` the first news is a change of it.
   */
  watch(
    target: ReadinessTarget,
    onChange: (healthy: boolean, detail: string) => void,
    signal: AbortSignal,
  ): void;
}

export interface ReadinessTarget {
  readonly workerId: WorkerId;
  readonly address: WorkerAddress;
  readonly healthCheck: HealthCheck;
  /** How a worker stood that is past its start: one found again, or with a changed health check. */
  readonly wasHealthy?: boolean;
}
