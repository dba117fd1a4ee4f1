/**
 * The vendor's update contract, property by property: what it says (`facts`, held against the
 * document beside this file), values at each bound that must be taken, and values just past it that
 * must be refused. The same rows run against the pure decision and against a server.
 */
export interface ContractRow {
  /** `envs[].key` stands for the key of an item of envs. */
  readonly path: string;
  readonly facts: ContractFacts;
  /** A whole body that carries `value` at the path and is legal otherwise. */
  readonly body: (value: unknown) => Readonly<Record<string, unknown>>;
  readonly legal: readonly unknown[];
  /** Beyond the wrong types, which follow from `facts.type`. */
  readonly illegal: readonly unknown[];
  /** What GET shows after a legal value; the value itself where absent. `present` is what was there. */
  readonly shown?: (value: unknown, present: unknown) => unknown;
  /** Codes with which a server may refuse a legal value for what is or is not on its machine. */
  readonly otherRefusals?: readonly string[];
}

export interface ContractFacts {
  readonly type: 'string' | 'integer' | 'array' | 'object';
  /** Inclusive bounds: of the value for integers, of the number of characters for strings. */
  readonly bounds?: readonly [number, number];
  readonly enum?: readonly string[];
  /** Required inside its parent object. */
  readonly required?: true;
}

const a = (length: number): string => 'a'.repeat(length);
const top = (name: string) => (value: unknown) => ({ [name]: value });
const config = (name: string) => (value: unknown) => ({
  worker_config: { max_replicas: 1000, [name]: value },
});
const inItem = (list: string, rest: object, name: string) => (value: unknown) => ({
  [list]: [{ ...rest, [name]: value }],
});

function configInteger(
  name: string,
  min: number,
  max: number,
  otherRefusals: readonly string[] = [],
): ContractRow {
  return {
    path: `worker_config.${name}`,
    facts: { type: 'integer', bounds: [min, max] },
    body: config(name),
    legal: [min, min + 1, max - 1, max],
    illegal: [min - 1, max + 1, -1, 1e15],
    otherRefusals,
  };
}

export const updateTable: readonly ContractRow[] = [
  {
    path: 'name',
    facts: { type: 'string' },
    body: top('name'),
    // The bounds are those of create: the update's schema names none.
    legal: ['b', a(255), '日本語 😀', '😀'.repeat(255)],
    illegal: ['', a(256), 'a\0b'],
  },
  {
    path: 'product_id',
    facts: { type: 'string', bounds: [1, 255] },
    body: top('product_id'),
    legal: ['a', a(255)],
    illegal: ['', a(256)],
    otherRefusals: ['SERVERLESS_PRODUCT_NOT_FOUND'],
  },
  {
    path: 'image',
    facts: { type: 'string', bounds: [0, 500] },
    body: top('image'),
    legal: ['', 'host', 'b', `host:/${a(494)}`],
    illegal: [`host:/${a(495)}`, 'a\0'],
    shown: (value, present) => (value === '' ? present : value),
    otherRefusals: ['IMAGE_NOT_SUPPORTED'],
  },
  {
    path: 'registry_auth_id',
    facts: { type: 'string', bounds: [0, 255] },
    body: top('registry_auth_id'),
    legal: ['', 'b', a(255)],
    illegal: [a(256)],
    otherRefusals: ['IMAGE_NOT_SUPPORTED', 'VALIDATOR_PARAM'],
  },
  {
    path: 'entrypoint',
    facts: { type: 'string' },
    body: top('entrypoint'),
    legal: ['', 'node', `sh -c 'exit 1'`, a(65_536)],
    illegal: [a(65_537), `node "`, 'node \\', 'a\0'],
  },
  {
    path: 'command',
    facts: { type: 'string' },
    body: top('command'),
    legal: ['', 'cargo build', `a "b c" 'd' \\e $PORT`, a(65_536)],
    illegal: [a(65_537), `it's`, 'a \\', 'a\0'],
  },
  {
    path: 'worker_config',
    facts: { type: 'object' },
    body: top('worker_config'),
    legal: [{ max_replicas: 3 }],
    illegal: [],
    shown: (value, present) => ({ ...(present as object), ...(value as object) }),
  },
  {
    path: 'worker_config.max_replicas',
    facts: { type: 'integer', bounds: [0, 1000], required: true },
    body: (value) => ({ worker_config: { min_replicas: 0, max_replicas: value } }),
    legal: [0, 1, 999, 1000],
    illegal: [-1, 1001, 1e15],
  },
  configInteger('min_replicas', 0, 1000),
  configInteger('idle_timeout', 1, 1000),
  configInteger('max_concurrent_per_worker', 1, 1000),
  configInteger('gpu_num', 1, 8, ['INSUFFICIENT_RESOURCE']),
  configInteger('rootfs_size_gb', 10, 100),
  {
    path: 'worker_config.min_cuda_version',
    facts: { type: 'string', enum: ['12.4', '12.6', '12.8', '12.9', '13.0'] },
    body: config('min_cuda_version'),
    // Empty is what GET shows where no version is asked for, so it is taken back.
    legal: ['12.4', '12.6', '12.8', '12.9', '13.0', ''],
    illegal: ['12.5', '13', '13.0 ', '12.40', 'any'],
    otherRefusals: ['INSUFFICIENT_RESOURCE'],
  },
  configInteger('request_timeout', 1, 1800),
  {
    path: 'policy',
    facts: { type: 'object' },
    body: top('policy'),
    legal: [{ type: 'concurrency', value: 3 }],
    illegal: [],
  },
  {
    path: 'policy.type',
    facts: { type: 'string', enum: ['queue', 'concurrency'] },
    body: (value) => ({ policy: { type: value, value: 5 } }),
    legal: ['queue', 'concurrency'],
    illegal: ['', 'Queue', 'fifo'],
  },
  {
    path: 'policy.value',
    facts: { type: 'integer', bounds: [1, 1000] },
    body: (value) => ({ policy: { type: 'queue', value } }),
    legal: [1, 2, 999, 1000],
    illegal: [0, 1001, -1],
  },
  {
    path: 'health_check',
    facts: { type: 'object' },
    body: top('health_check'),
    legal: [{}, { path: '/healthz', port: 0 }],
    illegal: [],
    shown: (value) => ({ path: '', port: 0, ...(value as object) }),
  },
  {
    path: 'health_check.path',
    facts: { type: 'string' },
    body: (value) => ({ health_check: { path: value } }),
    legal: ['', '/', '/healthz?a=b', `/${a(2047)}`],
    illegal: ['healthz', '/a b', '/a\r\nX: y', '/é', `/${a(2048)}`],
  },
  {
    path: 'health_check.port',
    facts: { type: 'integer', bounds: [0, 65_535] },
    body: (value) => ({ ports: [1, 8080, 65_535], health_check: { port: value } }),
    legal: [0, 1, 65_535],
    // The last one is in range, and not among ports.
    illegal: [-1, 65_536, 8081],
  },
  {
    path: 'envs',
    facts: { type: 'array' },
    body: top('envs'),
    legal: [[], [{ key: 'A', value: '1' }]],
    illegal: [Array.from({ length: 1001 }, (_, index) => ({ key: `K${index}`, value: '' }))],
  },
  {
    path: 'envs[].key',
    facts: { type: 'string', bounds: [0, 511] },
    body: inItem('envs', { value: 'v' }, 'key'),
    legal: ['A', a(511)],
    // The contract's lower bound is 0, but no process can be given a variable without a name.
    illegal: ['', a(512), 'A=B', 'A\0'],
  },
  {
    path: 'envs[].value',
    facts: { type: 'string', bounds: [0, 4095] },
    body: inItem('envs', { key: 'A' }, 'value'),
    legal: ['', 'v', a(4095), 'a=b\n$C "d"'],
    illegal: [a(4096), 'a\0'],
  },
  {
    path: 'ports',
    facts: { type: 'array' },
    body: top('ports'),
    legal: [[], [8080], [9000, 8080]],
    illegal: [Array.from({ length: 65 }, (_, index) => index + 1)],
  },
  {
    path: 'ports[]',
    facts: { type: 'integer', bounds: [1, 65_535] },
    body: (value) => ({ ports: [value] }),
    legal: [1, 2, 65_534, 65_535],
    illegal: [0, 65_536, -1],
  },
  {
    path: 'volumes',
    facts: { type: 'array' },
    body: top('volumes'),
    legal: [[], [{ id: 'v', type: 'network', mount_point: '/data' }]],
    illegal: [Array.from({ length: 65 }, (_, index) => ({ mount_point: `/v${index}` }))],
    otherRefusals: ['IMAGE_NOT_SUPPORTED', 'NETWORK_STORAGE_NOT_FOUND'],
  },
  {
    path: 'volumes[].id',
    facts: { type: 'string' },
    body: inItem('volumes', { mount_point: '/data' }, 'id'),
    legal: ['', 'storage-id', a(255)],
    illegal: [a(256)],
    otherRefusals: ['IMAGE_NOT_SUPPORTED', 'NETWORK_STORAGE_NOT_FOUND'],
  },
  {
    path: 'volumes[].type',
    facts: { type: 'string', enum: ['local', 'network'] },
    body: inItem('volumes', { mount_point: '/data' }, 'type'),
    legal: ['local', 'network'],
    illegal: ['', 'nfs', 'Local'],
    otherRefusals: ['IMAGE_NOT_SUPPORTED', 'NETWORK_STORAGE_NOT_FOUND'],
  },
  {
    path: 'volumes[].size',
    facts: { type: 'integer' },
    body: inItem('volumes', { type: 'local', mount_point: '/data' }, 'size'),
    legal: [0, 1, 1_000_000],
    illegal: [-1, 1_000_001],
    otherRefusals: ['IMAGE_NOT_SUPPORTED', 'NETWORK_STORAGE_NOT_FOUND'],
  },
  {
    path: 'volumes[].mount_point',
    facts: { type: 'string', bounds: [0, 4095] },
    body: inItem('volumes', { id: 'v' }, 'mount_point'),
    legal: ['/', '/data', `/${a(4094)}`],
    // The contract's lower bound is 0, but nothing can be mounted nowhere.
    illegal: ['', 'data', './data', `/${a(4095)}`],
    otherRefusals: ['IMAGE_NOT_SUPPORTED', 'NETWORK_STORAGE_NOT_FOUND'],
  },
  {
    path: 'region_id',
    facts: { type: 'string' },
    body: top('region_id'),
    legal: ['b', a(255)],
    illegal: ['', a(256)],
    otherRefusals: ['VALIDATOR_PARAM'],
  },
];

/** JSON values of every type but the right one; for an integer also the float. */
export function wrongTypes(type: ContractFacts['type']): readonly unknown[] {
  const samples: readonly (readonly [string, unknown])[] = [
    ['string', '1'],
    ['number', 1.5],
    ['integer', 1],
    ['boolean', true],
    ['null', null],
    ['array', [1]],
    ['object', { a: 1 }],
  ];
  return samples.filter(([kind]) => kind !== type).map(([, value]) => value);
}

/** The value at a row's path in an endpoint as GET shows it; of a list, in its first item. */
export function valueAt(shown: unknown, path: string): unknown {
  let value = shown;
  for (const part of path.replaceAll('[]', '.0').split('.')) {
    value = (value as Readonly<Record<string, unknown>> | undefined)?.[part];
  }
  return value;
}

/** The path under which a fault of the row's value is told. */
export function faultPath(path: string): string {
  return path.replace('[]', '[0]');
}
