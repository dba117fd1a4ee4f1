import { endpointFields, type ChangeClass } from '../../model/endpoint-fields.ts';
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

/** The fields that differ, and what each difference asks for; empty when nothing changed. */
export function classifyChange(
  before: EndpointParts,
  after: EndpointParts,
): Readonly<Record<string, ChangeClass>> {
  const from = flatFields(before);
  const to = flatFields(after);
  return Object.fromEntries(
    Object.entries(CHANGE_CLASSES).filter(([path]) => from.get(path) !== to.get(path)),
  );
}

/** Field path → value as text. Both sides are built by one function, so equal values have equal texts. */
function flatFields(parts: EndpointParts): ReadonlyMap<string, string> {
  const { worker_config: config, ...fields } = endpointFields(parts.settings, parts.spec);
  const prefixed = Object.entries(config).map(([key, value]) => [`worker_config.${key}`, value] as const);
  return new Map(
    [...Object.entries(fields), ...prefixed].map(([path, value]) => [path, JSON.stringify(value)]),
  );
}
