import type { EndpointId, PrewarmTaskId, RegistryAuthId, VolumeId } from '../base/ids.ts';
import type { NetworkVolume } from '../model/network-volume.ts';
import type { PrewarmTask } from '../model/prewarm-task.ts';
import type { RegistryAuth } from '../model/registry-auth.ts';
import type { PullProgress } from './driver.ts';
import type { Caller } from './endpoint-service.ts';

/** An endpoint, with those of its revisions that hold something. */
export interface ResourceHolder {
  readonly endpointId: EndpointId;
  readonly name: string;
  readonly revisions: readonly number[];
}

export interface RegistryAuthView {
  readonly auth: Omit<RegistryAuth, 'sealedPassword'>;
  readonly holders: readonly ResourceHolder[];
}

export interface VolumeView {
  readonly volume: NetworkVolume;
  readonly holders: readonly ResourceHolder[];
}

export interface PrewarmView {
  readonly task: PrewarmTask;
  /** Null unless it runs and the driver has told something. */
  readonly progress: PullProgress | null;
}

/** What a deletion took away from others; sentences. */
export interface DeleteOutcome {
  readonly warnings: readonly string[];
}

/**
 * What endpoints are made with beside their own fields. A caller sees what its own owner has, an admin
 * everything. Bodies are parsed JSON of any shape; every mutation is durable when its promise resolves.
 */
export interface ResourceService {
  registryAuthCreate(body: unknown, caller: Caller): Promise<{ readonly id: RegistryAuthId }>;
  registryAuthList(caller: Caller): readonly RegistryAuthView[];
  /** IMAGE_AUTH_IN_USE while a revision that serves or is to serve, or a prewarm task, needs it. */
  registryAuthDelete(authId: string, caller: Caller): Promise<DeleteOutcome>;

  volumeCreate(body: unknown, caller: Caller): Promise<{ readonly id: VolumeId }>;
  volumeList(caller: Caller): readonly VolumeView[];
  volume(volumeId: string, caller: Caller): VolumeView;
  volumeUpdate(volumeId: string, body: unknown, caller: Caller): Promise<void>;
  /** With all its data. NETWORK_STORAGE_IN_USE while a revision that serves or is to serve needs it. */
  volumeDelete(volumeId: string, caller: Caller): Promise<DeleteOutcome>;

  prewarmCreate(body: unknown, caller: Caller): Promise<{ readonly id: PrewarmTaskId }>;
  /** Those that are kept. */
  prewarmList(caller: Caller): readonly PrewarmView[];
}
