import type { Endpoint, EndpointCreateBody, EndpointUpdateBody } from '../client/schema.ts';
import type { OptionSpecs, OptionValues } from './define-command.ts';
import { UsageError } from './io.ts';

/** The options of `create` and `update`, and the field of the API each one writes. */
export const ENDPOINT_OPTIONS = {
  name: { kind: 'text', value: 'NAME', description: 'name, for people' },
  product: { kind: 'text', value: 'ID', description: 'kind of machine, see products list' },
  image: { kind: 'text', value: 'IMAGE', description: 'host, host:FOLDER or an image reference' },
  'registry-auth': { kind: 'text', value: 'ID', description: 'credential of the image registry' },
  entrypoint: { kind: 'text', value: 'WORDS', description: 'program, put before the command' },
  command: { kind: 'text', value: 'WORDS', description: 'start command; no shell runs' },
  env: { kind: 'texts', value: 'KEY=VALUE', description: 'environment variable of the workers' },
  port: {
    kind: 'integers',
    value: 'PORT',
    description: 'port the worker listens on; requests go to the first',
  },
  volume: {
    kind: 'texts',
    value: 'VOLUME',
    description: 'mounted volume: id=ID,mount_point=PATH[,type=TYPE][,size=GB]',
  },
  region: { kind: 'text', value: 'ID', description: 'region' },
  min: { kind: 'integer', value: 'N', description: 'workers kept without requests' },
  max: { kind: 'integer', value: 'N', description: 'most workers; 0 pauses the endpoint' },
  'idle-timeout': {
    kind: 'integer',
    value: 'SECONDS',
    description:
      'the longest an idle worker stays; it leaves sooner where a new start is cheaper; 1000: only then',
  },
  concurrency: { kind: 'integer', value: 'N', description: 'requests one worker is given at a time' },
  'gpus-per-worker': { kind: 'integer', value: 'N', description: 'GPUs of one worker' },
  'rootfs-size': { kind: 'integer', value: 'GB', description: 'disk of one worker' },
  'min-cuda': { kind: 'text', value: 'VERSION', description: 'lowest CUDA version of the host' },
  'request-timeout': { kind: 'integer', value: 'SECONDS', description: 'for one request, waiting included' },
  policy: {
    kind: 'text',
    value: 'TYPE:VALUE',
    description: 'scaling: queue:SECONDS or concurrency:REQUESTS',
  },
  'health-path': {
    kind: 'text',
    value: 'PATH',
    description: 'path that answers 200 when a worker is healthy',
  },
  'health-port': { kind: 'integer', value: 'PORT', description: 'one of the ports; 0 means the first' },
  file: { kind: 'text', value: 'FILE', description: 'JSON body to start from; - reads the standard input' },
} as const satisfies OptionSpecs;

export type EndpointOptions = OptionValues<typeof ENDPOINT_OPTIONS>;

/** Field path as the server's faults name it → the option that writes it. */
export const OPTION_OF_FIELD: Readonly<Record<string, keyof typeof ENDPOINT_OPTIONS | 'type' | 'app-name'>> =
  {
    type: 'type',
    app_name: 'app-name',
    name: 'name',
    product_id: 'product',
    image: 'image',
    registry_auth_id: 'registry-auth',
    entrypoint: 'entrypoint',
    command: 'command',
    envs: 'env',
    ports: 'port',
    volumes: 'volume',
    region_id: 'region',
    'worker_config.min_replicas': 'min',
    'worker_config.max_replicas': 'max',
    // Without the object the server names it as a whole, and max is the key it cannot be without.
    worker_config: 'max',
    'worker_config.idle_timeout': 'idle-timeout',
    'worker_config.max_concurrent_per_worker': 'concurrency',
    'worker_config.gpu_num': 'gpus-per-worker',
    'worker_config.rootfs_size_gb': 'rootfs-size',
    'worker_config.min_cuda_version': 'min-cuda',
    'worker_config.request_timeout': 'request-timeout',
    policy: 'policy',
    'health_check.path': 'health-path',
    'health_check.port': 'health-port',
  };

type WorkerConfig = NonNullable<EndpointUpdateBody['worker_config']>;
type Volume = NonNullable<EndpointUpdateBody['volumes']>[number];
type Variable = NonNullable<EndpointUpdateBody['envs']>[number];
/** What both bodies share. Values are not checked here: the server knows what is allowed. */
export type EndpointBody = Partial<Omit<EndpointCreateBody, 'type' | 'app_name' | 'worker_config'>> & {
  readonly worker_config?: Partial<WorkerConfig>;
};

/**
 * The body of `base` with the options written over it. A list or an object that the API replaces
 * whole is completed from `current`, so that one option changes one thing.
 */
export function bodyOfOptions(
  options: EndpointOptions,
  base: EndpointBody,
  current: Endpoint | null,
): EndpointBody {
  const {
    name,
    image,
    entrypoint,
    command,
    product: product_id,
    region: region_id,
    'registry-auth': registry_auth_id,
  } = options;
  const texts = { name, image, entrypoint, command, product_id, region_id, registry_auth_id };
  return {
    ...base,
    ...given(texts),
    ...workerConfigPart(options, base, current),
    ...(options.policy === undefined ? {} : { policy: policyOf(options.policy) }),
    ...healthCheckPart(options, base, current),
    ...(options.env.length === 0
      ? {}
      : { envs: withVariables(base.envs ?? current?.envs ?? [], options.env) }),
    ...(options.port.length === 0 ? {} : { ports: options.port }),
    ...(options.volume.length === 0 ? {} : { volumes: options.volume.map(volumeOf) }),
  };
}

/** The options of settings that can be simulated. */
export const SIMULATED_OPTIONS = {
  product: ENDPOINT_OPTIONS.product,
  min: ENDPOINT_OPTIONS.min,
  max: ENDPOINT_OPTIONS.max,
  'idle-timeout': ENDPOINT_OPTIONS['idle-timeout'],
  concurrency: ENDPOINT_OPTIONS.concurrency,
  'gpus-per-worker': ENDPOINT_OPTIONS['gpus-per-worker'],
  'request-timeout': ENDPOINT_OPTIONS['request-timeout'],
  policy: ENDPOINT_OPTIONS.policy,
} as const satisfies OptionSpecs;

/** The settings that are proposed to `current`, in the shape of an update. */
export function proposalOfOptions(
  options: OptionValues<typeof SIMULATED_OPTIONS>,
  current: Endpoint,
): Pick<EndpointBody, 'product_id' | 'worker_config' | 'policy'> {
  const sizes = { 'rootfs-size': undefined, 'min-cuda': undefined };
  return {
    ...given({ product_id: options.product }),
    ...workerConfigPart({ ...options, ...sizes }, {}, current),
    ...(options.policy === undefined ? {} : { policy: policyOf(options.policy) }),
  };
}

type WorkerConfigOptions = Pick<
  EndpointOptions,
  | 'min'
  | 'max'
  | 'idle-timeout'
  | 'concurrency'
  | 'gpus-per-worker'
  | 'rootfs-size'
  | 'min-cuda'
  | 'request-timeout'
>;

function workerConfigPart(
  options: WorkerConfigOptions,
  base: EndpointBody,
  current: Endpoint | null,
): Pick<EndpointBody, 'worker_config'> {
  const changes = given({
    min_replicas: options.min,
    max_replicas: options.max,
    idle_timeout: options['idle-timeout'],
    max_concurrent_per_worker: options.concurrency,
    gpu_num: options['gpus-per-worker'],
    rootfs_size_gb: options['rootfs-size'],
    min_cuda_version: options['min-cuda'] as WorkerConfig['min_cuda_version'],
    request_timeout: options['request-timeout'],
  });
  if (Object.keys(changes).length === 0) return {};
  // The API wants it whenever the object is sent; the other absent keys keep their values there.
  const max = current === null ? {} : { max_replicas: current.worker_config.max_replicas };
  return { worker_config: { ...max, ...base.worker_config, ...changes } };
}

function healthCheckPart(
  options: EndpointOptions,
  base: EndpointBody,
  current: Endpoint | null,
): Pick<EndpointBody, 'health_check'> {
  const changes = given({ path: options['health-path'], port: options['health-port'] });
  if (Object.keys(changes).length === 0) return {};
  return { health_check: { ...(base.health_check ?? current?.health_check), ...changes } };
}

type Defined<Facts> = { [Key in keyof Facts]?: Exclude<Facts[Key], undefined> };

/** Only the facts that are there: an option that was not given is no field. */
export function given<Facts extends object>(facts: Facts): Defined<Facts> {
  return Object.fromEntries(
    Object.entries(facts).filter(([, value]) => value !== undefined),
  ) as Defined<Facts>;
}

function policyOf(text: string): NonNullable<EndpointBody['policy']> {
  const [, type, value] = /^([a-z]+):(\d{1,15})$/.exec(text) ?? [];
  if (type !== 'queue' && type !== 'concurrency') {
    throw new UsageError(
      `--policy is "${text}"; it takes queue:SECONDS or concurrency:REQUESTS, such as queue:4`,
    );
  }
  return { type, value: Number(value) };
}

function withVariables(present: readonly Variable[], texts: readonly string[]): readonly Variable[] {
  const variables = new Map(present.map((variable) => [variable.key, variable]));
  for (const text of texts) {
    const [, key, value] = /^([^=]+)=([^]*)$/.exec(text) ?? [];
    if (key === undefined) throw new UsageError(`--env is "${text}"; it takes KEY=VALUE`);
    variables.set(key, { key, value: value ?? '' });
  }
  return [...variables.values()];
}

function volumeOf(text: string): Volume {
  const facts = new Map(text.split(',').map((part) => pairOf(part, text)));
  const unknown = [...facts.keys()].find((key) => !['id', 'mount_point', 'type', 'size'].includes(key));
  if (unknown !== undefined) {
    throw new UsageError(`--volume has no "${unknown}"; it takes id, mount_point, type and size`);
  }
  const size = facts.get('size');
  if (size !== undefined && !/^\d{1,15}$/.test(size)) {
    throw new UsageError(`the size in --volume is "${size}"; it takes whole GB`);
  }
  return {
    mount_point: facts.get('mount_point') ?? '',
    ...given({
      id: facts.get('id'),
      type: facts.get('type') as Volume['type'],
      size: size === undefined ? undefined : Number(size),
    }),
  };
}

function pairOf(part: string, text: string): [string, string] {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(part) ?? [];
  if (key === undefined || value === undefined) {
    throw new UsageError(
      `--volume is "${text}"; it takes id=ID,mount_point=PATH and, if wanted, type and size`,
    );
  }
  return [key, value];
}
