import {
  endpointFields,
  type ChangeClass,
  type FieldChange,
  type FieldChanges,
} from '../../model/endpoint-fields.ts';
import type { EndpointParts } from './merge.ts';

/** Every field that an update can change, by its path in the API. */
export const CHANGE_CLASSES = {
  name: 'settings',
  'worker_config.min_replicas': 'settings',
  'worker_config.max_replicas': 'settings',
  'worker_config.idle_timeout': 'settings',
  'worker_config.max_concurrent_per_worker': 'settings',
  'worker_config.request_timeout': 'settings',
  policy: 'settings',
  health_check: 'settings',
  product_id: 'revision',
  region_id: 'revision',
  image: 'revision',
  registry_auth_id: 'revision',
  entrypoint: 'revision',
  command: 'revision',
  envs: 'revision',
  ports: 'revision',
  volumes: 'revision',
  'worker_config.gpu_num': 'revision',
  'worker_config.rootfs_size_gb': 'revision',
  'worker_config.min_cuda_version': 'revision',
} as const satisfies Readonly<Record<string, ChangeClass>>;

/** The fields that differ; empty when nothing changed. */
export function fieldChanges(before: EndpointParts, after: EndpointParts): FieldChanges {
  const from = fieldValues(before);
  const to = fieldValues(after);
  const changes: [string, FieldChange][] = [];
  for (const [path, changeClass] of Object.entries(CHANGE_CLASSES)) {
    const [old, now] = [from.get(path), to.get(path)];
    // Both sides are built by one function, so equal values have equal texts.
    if (JSON.stringify(old) !== JSON.stringify(now)) {
      changes.push([path, { old, new: now, class: changeClass }]);
    }
  }
  return Object.fromEntries(changes);
}

/** The same without the values. */
export function classifyChange(
  before: EndpointParts,
  after: EndpointParts,
): Readonly<Record<string, ChangeClass>> {
  return classesOf(fieldChanges(before, after));
}

export function classesOf(changes: FieldChanges): Readonly<Record<string, ChangeClass>> {
  return Object.fromEntries(Object.entries(changes).map(([path, change]) => [path, change.class]));
}

/** Field path → value, of every field that an update can change. */
export function fieldValues(parts: EndpointParts): ReadonlyMap<string, unknown> {
  const { worker_config: config, ...fields } = endpointFields(parts.settings, parts.spec);
  const prefixed = Object.entries(config).map(([key, value]) => [`worker_config.${key}`, value] as const);
  return new Map<string, unknown>([...Object.entries(fields), ...prefixed]);
}
