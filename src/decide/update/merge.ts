import type { EndpointUpdateBody } from '../../model/endpoint-schema.ts';
import type { EndpointSettings, EnvironmentVariable, RevisionSpec, Volume } from '../../model/endpoint.ts';

export interface EndpointParts {
  readonly settings: EndpointSettings;
  readonly spec: RevisionSpec;
}

/**
 * Lays the fields of `body` over `base`. A present top-level field replaces the stored one whole;
 * of worker_config only the present keys do. An empty image keeps the stored one, because no
 * endpoint can be without. Create is the same merge over the defaults.
 */
export function mergeFields(base: EndpointParts, body: Partial<EndpointUpdateBody>): EndpointParts {
  const { settings, spec } = base;
  const config: Partial<NonNullable<EndpointUpdateBody['worker_config']>> = body.worker_config ?? {};
  const { health_check: health, policy } = body;
  return {
    settings: {
      name: body.name ?? settings.name,
      minReplicas: config.min_replicas ?? settings.minReplicas,
      maxReplicas: config.max_replicas ?? settings.maxReplicas,
      idleTimeoutSeconds: config.idle_timeout ?? settings.idleTimeoutSeconds,
      maxConcurrentPerWorker: config.max_concurrent_per_worker ?? settings.maxConcurrentPerWorker,
      requestTimeoutSeconds: config.request_timeout ?? settings.requestTimeoutSeconds,
      policy: policy === undefined ? settings.policy : { type: policy.type, value: policy.value },
      healthCheck:
        health === undefined ? settings.healthCheck : { path: health.path ?? '', port: health.port ?? 0 },
    },
    spec: {
      productId: body.product_id ?? spec.productId,
      regionId: body.region_id ?? spec.regionId,
      image: body.image === undefined || body.image === '' ? spec.image : body.image,
      registryAuthId: body.registry_auth_id ?? spec.registryAuthId,
      entrypoint: body.entrypoint ?? spec.entrypoint,
      command: body.command ?? spec.command,
      envs:
        body.envs === undefined ? spec.envs : keepOrder(spec.envs, body.envs.map(toVariable), variableName),
      ports: body.ports ?? spec.ports,
      volumes:
        body.volumes === undefined
          ? spec.volumes
          : keepOrder(spec.volumes, body.volumes.map(toVolume), mountPoint),
      gpuNum: config.gpu_num ?? spec.gpuNum,
      rootfsSizeGb: config.rootfs_size_gb ?? spec.rootfsSizeGb,
      minCudaVersion: config.min_cuda_version ?? spec.minCudaVersion,
    },
  };
}

/**
 * The stored list when the sent one is the same but for its order. Clients that build it from a map
 * send another order each time, and that must not replace the workers. Of `ports` the order counts.
 */
function keepOrder<Item>(
  stored: readonly Item[],
  sent: readonly Item[],
  key: (item: Item) => string,
): readonly Item[] {
  const sorted = (items: readonly Item[]): readonly Item[] =>
    [...items].sort((left, right) => (key(left) < key(right) ? -1 : 1));
  return JSON.stringify(sorted(stored)) === JSON.stringify(sorted(sent)) ? stored : sent;
}

function toVariable(sent: NonNullable<EndpointUpdateBody['envs']>[number]): EnvironmentVariable {
  return { key: sent.key, value: sent.value ?? '' };
}

function toVolume(sent: NonNullable<EndpointUpdateBody['volumes']>[number]): Volume {
  return {
    id: sent.id ?? '',
    type: sent.type ?? 'network',
    size: sent.size ?? null,
    mountPoint: sent.mount_point,
  };
}

function variableName(variable: EnvironmentVariable): string {
  return variable.key;
}

function mountPoint(volume: Volume): string {
  return volume.mountPoint;
}
