import type { Clock } from '../base/clock.ts';
import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { ImageBounds } from '../decide/images/unused-images.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { RolloutOptions } from '../model/rollout-options.ts';
import type { DeviceWatch } from '../ports/device-watch.ts';
import type { Driver, Readiness } from '../ports/driver.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Secrets } from '../ports/secrets.ts';
import type { Store } from '../ports/store.ts';
import type { VolumeFolders } from '../ports/volume-folders.ts';
import type { Traffic, TrafficListener } from '../ports/traffic.ts';

export interface ControlOptions {
  /** Of rollouts whose update does not say otherwise. */
  readonly rollout: RolloutOptions;
  /** A worker that is not ready this long after its start has failed. */
  readonly startDeadlineMs: number;
  /** From SIGTERM to SIGKILL for a worker that served. */
  readonly stopGraceMs: number;
  /** When images that this server pulled and nothing needs are removed. */
  readonly images: ImageBounds;
  /** Product → price of one device, or of one worker of `cpu`, for one hour. */
  readonly prices: ReadonlyMap<string, number>;
  /** Of a device's memory: with more than that in use by others it is given to no worker. */
  readonly deviceOthersShare: number;
  /** Where clients reach an endpoint. */
  readonly urlOf: (endpoint: Endpoint) => string;
  /** What a worker is started with to reach the server, for jobs and notices; a promise until that listens. */
  readonly workerVariables?: (
    endpoint: Endpoint,
    workerId: WorkerId,
  ) => Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
}

/** Everything the control loops touch the world through. */
export interface ControlPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly driver: Driver;
  readonly readiness: Readiness;
  /** Null where devices are taken as they are configured, or there are none. */
  readonly deviceWatch: DeviceWatch | null;
  readonly secrets: Secrets;
  readonly volumeFolders: VolumeFolders;
  readonly traffic: Traffic;
  /** Called once, before anything is given to `traffic`: from then on the gateway tells this listener. */
  readonly onListener: (listener: TrafficListener) => void;
  readonly options: ControlOptions;
  /** Called when nothing of an endpoint is kept any more. */
  readonly onForgotten?: (endpointId: EndpointId) => void;
  /** Called once when the store can no longer keep what it promised: the process must end. */
  readonly onFatal: (error: unknown) => void;
}
