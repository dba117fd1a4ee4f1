import { unixSeconds } from '../model/endpoint-fields.ts';
import type {
  PrewarmTaskObject,
  RegistryAuthObject,
  ResourceUser,
  VolumeObject,
} from '../model/resource-schema.ts';
import type { PullProgress } from '../ports/driver.ts';
import type {
  DeleteOutcome,
  PrewarmView,
  RegistryAuthView,
  ResourceHolder,
  VolumeView,
} from '../ports/resource-service.ts';

const MB = 1_000_000;

export function registryAuthObject({ auth, holders }: RegistryAuthView): RegistryAuthObject {
  return {
    id: auth.id,
    name: auth.name,
    registry: auth.registry,
    username: auth.username,
    used_by: holders.map(resourceUser),
    owner_id: auth.ownerId,
    created_at: unixSeconds(auth.createdAtMs),
  };
}

export function volumeObject({ volume, holders }: VolumeView): VolumeObject {
  return {
    id: volume.id,
    name: volume.name,
    size: volume.sizeGb,
    region_id: volume.regionId,
    used_by: holders.map(resourceUser),
    owner_id: volume.ownerId,
    created_at: unixSeconds(volume.createdAtMs),
  };
}

export function prewarmTaskObject({ task, progress }: PrewarmView): PrewarmTaskObject {
  return {
    task_id: task.id,
    name: task.name,
    image: task.image,
    region_id: task.regionId,
    product_ids: [...task.productIds],
    image_size: task.imageBytes ?? 0,
    created_at: unixSeconds(task.createdAtMs),
    completed_at: task.completedAtMs === null ? 0 : unixSeconds(task.completedAtMs),
    status: {
      status: task.state,
      error: task.reasons.join('; '),
      message: progress === null ? '' : progressText(progress),
    },
    registry_auth_id: task.registryAuthId,
    note: task.note,
    reason: [...task.reasons],
    owner_id: task.ownerId,
  };
}

/** An empty object where there is nothing to say: that is the contract's answer. */
export function deleteAnswer({ warnings }: DeleteOutcome): { warnings?: string[] } {
  return warnings.length === 0 ? {} : { warnings: [...warnings] };
}

function resourceUser({ endpointId, name, revisions }: ResourceHolder): ResourceUser {
  return { endpoint_id: endpointId, name, revisions: [...revisions] };
}

function progressText({ layersDone, layersTotal, bytesDone, bytesTotal }: PullProgress): string {
  const done = Math.round(bytesDone / MB);
  const bytes = bytesTotal === null ? `${done} MB` : `${done} of ${Math.round(bytesTotal / MB)} MB`;
  return `${layersDone} of ${layersTotal} layers, ${bytes}`;
}
