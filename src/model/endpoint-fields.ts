import type { EndpointFields } from './endpoint-schema.ts';
import type { EndpointSettings, RevisionSpec } from './endpoint.ts';

/** `settings` apply at once, no worker restarts; `revision` asks for new workers. */
export type ChangeClass = 'settings' | 'revision';

/** The editable fields of an endpoint as the API writes them: what GET shows, and what PUT takes back. */
export function endpointFields(settings: EndpointSettings, spec: RevisionSpec): EndpointFields {
  return {
    name: settings.name,
    product_id: spec.productId,
    worker_config: {
      max_replicas: settings.maxReplicas,
      min_replicas: settings.minReplicas,
      idle_timeout: settings.idleTimeoutSeconds,
      max_concurrent_per_worker: settings.maxConcurrentPerWorker,
      gpu_num: spec.gpuNum,
      rootfs_size_gb: spec.rootfsSizeGb,
      min_cuda_version: spec.minCudaVersion,
      request_timeout: settings.requestTimeoutSeconds,
    },
    policy: { type: settings.policy.type, value: settings.policy.value },
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
    health_check: { path: settings.healthCheck.path, port: settings.healthCheck.port },
    region_id: spec.regionId,
  };
}

/** The unix second that GET shows of a moment. */
export function unixSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1000);
}
