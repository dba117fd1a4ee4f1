import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { AppError } from '../base/errors.ts';
import type { HealthCheck, RevisionSpec } from '../model/endpoint.ts';
import type { WorkerExit } from '../model/worker-exit.ts';
import type { Device } from '../model/product.ts';
import type { RegistryCredential } from '../model/registry-auth.ts';
import type { WorkerAddress } from '../model/worker.ts';

/** A volume as one worker gets it. */
export interface WorkerMount {
  /** Absolute path, from the worker's own view. */
  readonly mountPoint: string;
  /** `network`: shared and kept. `local`: scratch of this worker alone. */
  readonly kind: 'network' | 'local';
  /** Of a network volume its id; of a local one what the endpoint calls it, which may be empty. */
  readonly id: string;
  /**
   * Of a network volume its folder on this machine, which is there. Null for scratch: the driver makes
   * it empty with the worker, and removes it with the worker.
   */
  readonly hostFolder: string | null;
  /** What it was asked to hold; null where nothing was said. */
  readonly sizeGb: number | null;
}

/** All a driver needs to start one worker. */
export interface WorkerOrder {
  readonly workerId: WorkerId;
  readonly endpointId: EndpointId;
  readonly appName: string;
  readonly revision: number;
  readonly spec: RevisionSpec;
  readonly devices: readonly string[];
  /** For an image that is no longer here and is pulled again; null: without one. Never logged or kept. */
  readonly credential: RegistryCredential | null;
  readonly mounts: readonly WorkerMount[];
  /** Added to its environment; they win over variables of the endpoint's own. Some are secrets. */
  readonly variables: Readonly<Record<string, string>>;
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

/** The accelerators of the machine that workers run on. */
export interface HostDevices {
  readonly devices: readonly Device[];
  /** CUDA version of the host's driver, such as "12.8"; null when there is none or it is not known. */
  readonly cudaVersion: string | null;
}

export interface Fingerprint extends HostDevices {
  readonly capabilities: DriverCapabilities;
}

export interface DriverCapabilities {
  readonly images: 'host' | 'container';
  readonly volumes: boolean;
  readonly registryAuth: boolean;
  readonly rootfsLimit: boolean;
}

export interface PullProgress {
  readonly layersDone: number;
  readonly layersTotal: number;
  readonly bytesDone: number;
  /** Null as long as the sizes of some layers are not known. */
  readonly bytesTotal: number | null;
}

export interface PullContext {
  /** Null: the image is asked for without one. */
  readonly credential: RegistryCredential | null;
  readonly signal: AbortSignal;
  /** Called as the pull goes on, a few times a second at most; never after the promise has settled. */
  onProgress(progress: PullProgress): void;
}

/** An image that is on this machine now. */
export interface PreparedImage {
  /** What `DriverImages` names it by. */
  readonly id: string;
  /** A name that stands for these very bytes, whatever becomes of the tag. */
  readonly pinned: string;
  /** Bytes on this machine; null when not known. */
  readonly sizeBytes: number | null;
  /** True when this call brought it here, false when it was here before. */
  readonly pulled: boolean;
}

export interface HeldImage {
  readonly id: string;
  /** Every reference it is known by here; may be empty. */
  readonly references: readonly string[];
  readonly sizeBytes: number;
  /** A container of anybody, running or not, is made from it. */
  readonly inUse: boolean;
}

/** The images that are on this machine, of drivers that pull them. */
export interface DriverImages {
  /** Brings the image onto the machine. Rejects with an AppError. */
  pull(image: string, context: PullContext): Promise<PreparedImage>;
  /**
   * The bytes an image stands for now, as a name that goes on standing for them: what `pinned` would be.
   * The registry is asked, for a bounded time; null when nobody can say now, such as where it is down.
   * Rejects with an AppError when the registry says that there is no such image, or not for this credential.
   */
  resolve(image: string, credential: RegistryCredential | null, signal: AbortSignal): Promise<string | null>;
  list(): Promise<readonly HeldImage[]>;
  /** Never by force: rejects with CONFLICT when a container is made from it. No error when it is not there. */
  remove(id: string): Promise<void>;
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
  /** Null where there are no images to pull and to remove. */
  readonly images: DriverImages | null;
  fingerprint(): Promise<Fingerprint>;
  /** This machine's address as its workers see it, once the fingerprint was taken; null where nothing tells. */
  hostAddress?(): string | null;
  /** Why this spec can never start here, or null. Synchronous and without I/O: it guards PUT and POST. */
  refusal(spec: RevisionSpec): AppError | null;
  /**
   * Brings what a start needs onto the host: an image, told where there is one. Rejects with an AppError.
   * Null at once, and no promise, where there is nothing to bring: a start then waits for nothing.
   */
  prepare(spec: RevisionSpec, context: PullContext): Promise<PreparedImage | null> | null;
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
   * SIGTERM or its like, then the hard way after `graceMs`. Resolves when the worker and its children
   * are gone; also when it was gone already. The memory they held on devices may come free a moment
   * later: who starts the next one there looks.
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
  /** It has no port to ask: it is ready when it asks for its first job. */
  readonly takesJobs: boolean;
  /** How a worker stood that is past its start: one found again, or with a changed health check. */
  readonly wasHealthy?: boolean;
}
