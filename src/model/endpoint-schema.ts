import { Type, type Static, type TSchema } from 'typebox';
import { IDLE_TIMEOUT_MAX_SECONDS } from './endpoint.ts';
import { EndpointRollout } from './rollout-schema.ts';

/**
 * The control API's endpoint, as it is written on the wire. Bounds marked "ours" are not in the
 * vendor's contract, which gives none there; they keep a body from asking for unbounded work.
 */

/** A string of a few known values. Not `Type.Enum`: OpenAPI readers want the type beside the values. */
function choice<const Values extends readonly string[]>(
  values: Values,
  options: { description: string; default?: Values[number] },
) {
  return Type.Unsafe<Values[number]>({ type: 'string', enum: [...values], ...options });
}

function optional<Schema extends TSchema>(schema: Schema) {
  return Type.Optional(schema);
}

export const ENDPOINT_TYPES = ['sync', 'async'] as const;
export const POLICY_TYPES = ['queue', 'concurrency'] as const;
export const VOLUME_TYPES = ['local', 'network'] as const;
/** Empty: no version is asked for. */
export const CUDA_VERSIONS = ['', '12.4', '12.6', '12.8', '12.9', '13.0'] as const;

const name = Type.String({ minLength: 1, maxLength: 255, description: 'Name of the endpoint, for people.' });
const appName = Type.String({
  maxLength: 255,
  pattern: '^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$',
  'x-allowed': 'lowercase letters, digits and hyphens, with no hyphen at either end',
  description:
    'Second half of the host name, `{id}-{app_name}`; made when absent or empty, and never changed. ' +
    'A host name holds 63 characters in one part: with an app_name longer than 50 the endpoint is ' +
    'reached by its path URL only.',
});
const productId = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'Kind of machine, from the product list.',
});
const regionId = Type.String({ minLength: 1, maxLength: 255, description: 'Region, from the region list.' });
const registryAuthId = Type.String({
  maxLength: 255,
  description: 'Saved credential of the image registry; an empty string means none.',
});
const entrypoint = Type.String({
  maxLength: 65_536,
  description: 'Program, put before `command`; split into words as a POSIX shell would. Empty means none.',
});
const command = Type.String({
  maxLength: 65_536,
  description:
    'Start command; split into words as a POSIX shell would, with $NAME and ${NAME} of the ' +
    "worker's environment replaced. No shell runs. Empty means none.",
});

const maxReplicas = Type.Integer({
  minimum: 0,
  maximum: 1000,
  description: 'Most workers. 0 pauses the endpoint.',
});
const workerConfigOptional = {
  min_replicas: Type.Integer({
    minimum: 0,
    maximum: 1000,
    default: 0,
    description: 'Workers kept even without requests; at most max_replicas.',
  }),
  idle_timeout: Type.Integer({
    minimum: 1,
    maximum: IDLE_TIMEOUT_MAX_SECONDS,
    default: IDLE_TIMEOUT_MAX_SECONDS,
    description:
      'Seconds without a request after which a worker above the wanted number leaves at the latest. ' +
      'It leaves sooner where keeping it costs more than starting one again. 1000, the default, sets no ' +
      'limit of its own: it stays for as long as keeping it costs less, two hours at most.',
  }),
  max_concurrent_per_worker: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 1,
    description: 'Most requests one worker is given at a time; the others wait or go to another worker.',
  }),
  gpu_num: Type.Integer({
    minimum: 1,
    maximum: 8,
    default: 1,
    description: 'GPUs of one worker; without meaning for a product without GPUs.',
  }),
  rootfs_size_gb: Type.Integer({
    minimum: 10,
    maximum: 100,
    default: 20,
    description: 'Disk of one worker, in GB.',
  }),
  min_cuda_version: choice(CUDA_VERSIONS, {
    default: '',
    description: "Lowest CUDA version the host's driver must support; empty asks for none.",
  }),
  request_timeout: Type.Integer({
    minimum: 1,
    maximum: 1800,
    default: 300,
    description: 'Seconds one request may take, waiting included.',
  }),
};
const workerConfig = Type.Object(
  {
    max_replicas: maxReplicas,
    min_replicas: optional(workerConfigOptional.min_replicas),
    idle_timeout: optional(workerConfigOptional.idle_timeout),
    max_concurrent_per_worker: optional(workerConfigOptional.max_concurrent_per_worker),
    gpu_num: optional(workerConfigOptional.gpu_num),
    rootfs_size_gb: optional(workerConfigOptional.rootfs_size_gb),
    min_cuda_version: optional(workerConfigOptional.min_cuda_version),
    request_timeout: optional(workerConfigOptional.request_timeout),
  },
  {
    additionalProperties: false,
    description: 'Worker counts, limits and size. On update, absent keys keep their value.',
  },
);

const policy = Type.Object(
  {
    type: choice(POLICY_TYPES, { description: 'What drives the number of workers.' }),
    value: Type.Integer({
      minimum: 1,
      maximum: 1000,
      description:
        '`queue`: the wait, in seconds, that is held to be long; workers are added and kept where that costs less. ' +
        '`concurrency`: requests per worker.',
    }),
  },
  {
    additionalProperties: false,
    description: 'Scaling policy, type and value together. Default on create: queue, 4.',
  },
);

const healthCheckFields = {
  path: Type.String({
    maxLength: 2048,
    pattern: '^(/[!-~]*)?$',
    'x-allowed': 'empty, or a path that begins with "/" and has only visible ASCII characters',
    description:
      'A worker is healthy when GET of this path answers 200. Empty: when its port accepts a connection.',
  }),
  port: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    description: 'One of `ports`; 0 means the first of them.',
  }),
};
const healthCheck = Type.Object(
  { path: optional(healthCheckFields.path), port: optional(healthCheckFields.port) },
  { additionalProperties: false, description: 'Health check. Absent keys mean an empty path and port 0.' },
);

const envs = Type.Array(
  Type.Object(
    {
      key: Type.String({
        minLength: 1,
        maxLength: 511,
        pattern: '^[^=]*$',
        'x-allowed': 'a name without "="',
        description: 'Name; not empty, and unique in the list.',
      }),
      value: optional(Type.String({ maxLength: 4095, description: 'Value; empty when absent.' })),
    },
    { additionalProperties: false },
  ),
  { maxItems: 1000, description: 'Environment variables of the workers.' },
);

const ports = Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), {
  maxItems: 64,
  description:
    'Ports the worker listens on, from its own view, without repeats. Requests go to the first. Without any, it is 8080.',
});

const volumeFields = {
  id: Type.String({ maxLength: 255, description: 'Storage id.' }),
  type: choice(VOLUME_TYPES, { description: 'Storage type; network when absent.' }),
  size: Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Size in GB; for local storage only.' }),
  mount_point: Type.String({
    maxLength: 4095,
    pattern: '^/',
    'x-allowed': 'an absolute path, beginning with "/"',
    description: 'Absolute path in the worker; unique in the list.',
  }),
};
const volumes = Type.Array(
  Type.Object(
    {
      id: optional(volumeFields.id),
      type: optional(volumeFields.type),
      size: optional(volumeFields.size),
      mount_point: volumeFields.mount_point,
    },
    { additionalProperties: false },
  ),
  { maxItems: 64, description: 'Mounted volumes.' },
);

const image = {
  description:
    'What the workers run. For the process driver: `host`, or `host:<folder>` to run in that folder. ' +
    'For container drivers: an image reference.',
  maxLength: 500,
};

const optionalFields = {
  registry_auth_id: optional(registryAuthId),
  entrypoint: optional(entrypoint),
  command: optional(command),
  policy: optional(policy),
  health_check: optional(healthCheck),
  envs: optional(envs),
  ports: optional(ports),
  volumes: optional(volumes),
  region_id: optional(regionId),
};

export const EndpointCreateBody = Type.Object(
  {
    type: choice(ENDPOINT_TYPES, {
      description: 'How requests come in: answered at once, or as jobs. Never changed.',
    }),
    name,
    app_name: optional(appName),
    product_id: productId,
    image: Type.String({ ...image, minLength: 1 }),
    worker_config: workerConfig,
    ...optionalFields,
  },
  { $id: 'EndpointCreateBody', additionalProperties: false },
);
export type EndpointCreateBody = Static<typeof EndpointCreateBody>;

function readOnly(text: string) {
  return optional(Type.Unknown({ readOnly: true, description: text }));
}

/** So that what GET answered can be sent back as it is. */
const readOnlyFields = {
  id: readOnly('Accepted when it is the present one.'),
  type: readOnly('Accepted when it is the present one.'),
  app_name: readOnly('Accepted when it is the present one.'),
  url: readOnly('Accepted when it is the present one.'),
  member_id: readOnly('Accepted when it is the present one.'),
  owner_id: readOnly('Accepted when it is the present one.'),
  created_at: readOnly('Accepted when it is the present one.'),
  status: readOnly('Accepted and ignored: it changes by itself.'),
  workers: readOnly('Accepted and ignored: they change by themselves.'),
  revision: readOnly('Accepted and ignored: it follows from the updates.'),
  etag: readOnly('Accepted and ignored: the header If-Match makes a change depend on it.'),
  rollout: readOnly('Accepted and ignored: it changes by itself.'),
};

export const EndpointUpdateBody = Type.Object(
  {
    name: optional(name),
    product_id: optional(productId),
    image: optional(
      Type.String({ ...image, description: `${image.description} An empty string keeps the present one.` }),
    ),
    worker_config: optional(workerConfig),
    ...optionalFields,
    ...readOnlyFields,
  },
  {
    $id: 'EndpointUpdateBody',
    additionalProperties: false,
    description:
      'A field that is present replaces the stored one whole, except worker_config, whose absent keys ' +
      'keep their values. An absent field keeps its value.',
  },
);
export type EndpointUpdateBody = Static<typeof EndpointUpdateBody>;

const settingsConfig = {
  max_replicas: maxReplicas,
  min_replicas: workerConfigOptional.min_replicas,
  idle_timeout: workerConfigOptional.idle_timeout,
  max_concurrent_per_worker: workerConfigOptional.max_concurrent_per_worker,
  request_timeout: workerConfigOptional.request_timeout,
};
const specConfig = {
  gpu_num: workerConfigOptional.gpu_num,
  rootfs_size_gb: workerConfigOptional.rootfs_size_gb,
  min_cuda_version: Type.String({ description: 'Empty when none is asked for.' }),
};

/** The settings as GET shows them: every field present. */
export const shownSettings = {
  name: Type.String(),
  worker_config: Type.Object(settingsConfig),
  policy,
  health_check: Type.Object({ path: Type.String(), port: Type.Integer() }),
};

/** The fields of a revision as GET shows them: every one present. */
export const shownSpec = {
  product_id: Type.String(),
  worker_config: Type.Object(specConfig),
  image: Type.String(),
  registry_auth_id: Type.String(),
  entrypoint: Type.String(),
  command: Type.String(),
  volumes: Type.Array(
    Type.Object({
      id: volumeFields.id,
      type: volumeFields.type,
      size: optional(volumeFields.size),
      mount_point: Type.String(),
    }),
  ),
  envs: Type.Array(Type.Object({ key: Type.String(), value: Type.String() })),
  ports: Type.Array(Type.Integer()),
  region_id: Type.String(),
};

const shownFields = {
  ...shownSettings,
  ...shownSpec,
  worker_config: Type.Object({ ...settingsConfig, ...specConfig }),
};
export const EndpointFields = Type.Object(shownFields);
export type EndpointFields = Static<typeof EndpointFields>;

export const Status = Type.Object(
  {
    status: Type.String({ description: 'The state, in one word.' }),
    error: Type.String({ description: 'What went wrong, in short; empty when nothing did.' }),
    message: Type.String({ description: 'Why it is so, in words; may be empty.' }),
  },
  { $id: 'Status' },
);
export type Status = Static<typeof Status>;

export const EndpointWorker = Type.Object(
  {
    id: Type.String(),
    status: Type.Ref('Status#'),
    log: Type.String({ description: "Path of the worker's log on this server." }),
    health: Type.Boolean({ description: 'It passed its last health check.' }),
    drain: Type.Boolean({ description: 'It gets no new requests and ends when the running ones did.' }),
    revision: Type.Integer({
      description: "Revision of the endpoint it runs. Beyond the vendor's contract.",
    }),
  },
  { $id: 'EndpointWorker' },
);
export type EndpointWorker = Omit<Static<typeof EndpointWorker>, 'status'> & { readonly status: Status };

export const EndpointObject = Type.Object(
  {
    id: Type.String(),
    type: choice(ENDPOINT_TYPES, { description: 'How requests come in.' }),
    app_name: Type.String(),
    status: Type.Ref('Status#'),
    url: Type.String({ description: 'Where requests to the endpoint go.' }),
    ...shownFields,
    workers: Type.Array(Type.Ref('EndpointWorker#'), { description: 'Workers that have not ended.' }),
    revision: Type.Integer({
      description:
        'The revision whose fields are shown: the one a running rollout leads to, else the one in force. ' +
        "Beyond the vendor's contract.",
    }),
    etag: Type.String({
      description:
        'Tag of the fields that an update can change: another one as soon as one of them changes, for ' +
        "If-Match. Beyond the vendor's contract.",
    }),
    rollout: EndpointRollout,
    member_id: Type.String(),
    owner_id: Type.String(),
    created_at: Type.Integer({ description: 'Unix time in seconds.' }),
  },
  { $id: 'Endpoint' },
);
export type EndpointObject = Omit<Static<typeof EndpointObject>, 'status' | 'workers'> & {
  readonly status: Status;
  readonly workers: readonly EndpointWorker[];
};
