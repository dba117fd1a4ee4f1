import type { Static, TObject } from 'typebox';
import type { EndpointFields, shownSettings, shownSpec } from './endpoint-schema.ts';
import type { EndpointSettings, RevisionSpec } from './endpoint.ts';

/** `settings` apply at once, no worker restarts; `revision` asks for new workers. */
export type ChangeClass = 'settings' | 'revision';

/** Field path → its value before and after, as the API writes them, and what the difference asks for. */
export type FieldChanges = Readonly<Record<string, FieldChange>>;

export interface FieldChange {
  readonly old: unknown;
  readonly new: unknown;
  readonly class: ChangeClass;
}

/** The editable fields of an endpoint as the API writes them: what GET shows, and what PUT takes back. */
export function endpointFields(settings: EndpointSettings, spec: RevisionSpec): EndpointFields {
  const applied = settingsFields(settings);
  const renewing = specFields(spec);
  return {
    ...applied,
    ...renewing,
    worker_config: { ...applied.worker_config, ...renewing.worker_config },
  };
}

export function settingsFields(settings: EndpointSettings): Static<TObject<typeof shownSettings>> {
  return {
    name: settings.name,
    worker_config: {
      max_replicas: settings.maxReplicas,
      min_replicas: settings.minReplicas,
      idle_timeout: settings.idleTimeoutSeconds,
      max_concurrent_per_worker: settings.maxConcurrentPerWorker,
      request_timeout: settings.requestTimeoutSeconds,
    },
    policy: { type: settings.policy.type, value: settings.policy.value },
    health_check: { path: settings.healthCheck.path, port: settings.healthCheck.port },
  };
}

export function specFields(spec: RevisionSpec): Static<TObject<typeof shownSpec>> {
  return {
    product_id: spec.productId,
    worker_config: {
      gpu_num: spec.gpuNum,
      rootfs_size_gb: spec.rootfsSizeGb,
      min_cuda_version: spec.minCudaVersion,
    },
    image: spec.image,
    registry_auth_id: spec.registryAuthId,
    entrypoint: spec.entrypoint,
    command: spec.command,
    volumes: spec.volumes.map((volume) => ({
      id: volume.id,
      type: volume.type,
      ...(volume.size === null ? {} : { size: volume.size }),
      mount_point: volume.mountPoint,
    })),
    envs: spec.envs.map(({ key, value }) => ({ key, value })),
    ports: [...spec.ports],
    region_id: spec.regionId,
  };
}

/** The unix second that GET shows of a moment. */
export function unixSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1000);
}
