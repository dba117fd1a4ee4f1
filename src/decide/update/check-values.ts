import { DEFAULT_PORT } from '../../model/endpoint.ts';
import type { EndpointUpdateBody } from '../../model/endpoint-schema.ts';
import { JOB_BODY_VARIABLE } from '../../model/job-target.ts';
import type { FaultList } from '../../model/faults.ts';
import { splitWords } from '../../model/words.ts';
import { isObject, shownValue } from './check-shape.ts';
import type { EndpointParts } from './merge.ts';

/** The fields of a checked body that have no fault: their types are what the schema says. */
export function soundPart(
  body: Readonly<Record<string, unknown>>,
  faults: FaultList,
): Partial<EndpointUpdateBody> {
  const sound: [string, unknown][] = [];
  for (const [name, value] of Object.entries(body)) {
    if (name === 'worker_config' && isObject(value)) {
      const keys = Object.entries(value).filter(([key]) => !faults.touches(`worker_config.${key}`));
      sound.push([name, Object.fromEntries(keys)]);
    } else if (!faults.touches(name)) {
      sound.push([name, value]);
    }
  }
  return Object.fromEntries(sound);
}

/** Rules between fields, after merging: an update may break one with a field it does not send. */
export function checkMerged({ settings, spec }: EndpointParts, faults: FaultList): void {
  const { minReplicas, maxReplicas, healthCheck } = settings;
  const replicasSound =
    !faults.touches('worker_config.min_replicas') && !faults.touches('worker_config.max_replicas');
  if (replicasSound && minReplicas > maxReplicas) {
    faults.add(
      'worker_config.min_replicas',
      `is ${minReplicas}, above max_replicas, which is ${maxReplicas}; allowed: at most max_replicas (send both to change both)`,
    );
  }
  const ports = spec.ports.length === 0 ? [DEFAULT_PORT] : spec.ports;
  const portsSound = !faults.touches('ports') && !faults.touches('health_check');
  if (portsSound && healthCheck.port !== 0 && !ports.includes(healthCheck.port)) {
    const declared =
      spec.ports.length === 0 ? `${DEFAULT_PORT} (the port when none is declared)` : ports.join(', ');
    faults.add(
      'health_check.port',
      `is ${healthCheck.port}, which is not one of ports; allowed: 0 (the first of them) or ${declared}`,
    );
  }
}

/** Rules inside one field that a schema cannot say: no repeats, and commands that can be split. */
export function checkValues(body: Readonly<Record<string, unknown>>, faults: FaultList): void {
  for (const name of ['entrypoint', 'command'] as const) {
    const text = body[name];
    if (typeof text !== 'string' || faults.touches(name)) continue;
    const result = splitWords(text);
    if ('fault' in result)
      faults.add(name, `${result.fault}; allowed: words as a POSIX shell would split them`);
  }
  checkJobBody(body['envs'], faults);
  checkRepeats(body['envs'], faults, (item, index) => keyedBy(item, 'key', `envs[${index}].key`));
  checkRepeats(body['ports'], faults, (item, index) => ({ path: `ports[${index}]`, value: item, key: item }));
  checkRepeats(body['volumes'], faults, (item, index) => {
    const keyed = keyedBy(item, 'mount_point', `volumes[${index}].mount_point`);
    return typeof keyed?.value === 'string' ? { ...keyed, key: normalPath(keyed.value) } : undefined;
  });
}

function checkJobBody(envs: unknown, faults: FaultList): void {
  if (!Array.isArray(envs)) return;
  for (const [index, item] of (envs as readonly unknown[]).entries()) {
    if (!isObject(item) || item['key'] !== JOB_BODY_VARIABLE) continue;
    if (item['value'] === 'job' || item['value'] === 'input') continue;
    const shown = shownValue(item['value']);
    faults.add(
      `envs[${index}].value`,
      `is ${shown}, which ${JOB_BODY_VARIABLE} does not take; allowed: "job", "input"`,
    );
  }
}

interface Keyed {
  readonly path: string;
  readonly value: unknown;
  /** Two items with one key are a repeat. */
  readonly key: unknown;
}

function checkRepeats(
  items: unknown,
  faults: FaultList,
  keyOf: (item: unknown, index: number) => Keyed | undefined,
): void {
  if (!Array.isArray(items)) return;
  const seen = new Map<unknown, string>();
  for (const [index, item] of (items as readonly unknown[]).entries()) {
    if (faults.full) return;
    const keyed = keyOf(item, index);
    if (keyed === undefined) continue;
    const first = seen.get(keyed.key);
    if (first === undefined) seen.set(keyed.key, keyed.path);
    else
      faults.add(keyed.path, `is ${shownValue(keyed.value)}, the same as ${first}; allowed: each one once`);
  }
}

function keyedBy(item: unknown, field: string, path: string): Keyed | undefined {
  return isObject(item) && typeof item[field] === 'string'
    ? { path, value: item[field], key: item[field] }
    : undefined;
}

/** `/data/` and `//data` are the same place as `/data`. */
function normalPath(path: string): string {
  return `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;
}
