import type { WorkerAmount } from '../model/rollout-options.ts';
import {
  apiKey,
  baseUrl,
  capabilities,
  domainName,
  file,
  folder,
  hostAndPort,
  integerBetween,
  numberBetween,
  oneOf,
  prices,
  socketPath,
  subnets,
  secretKey,
  workerAmount,
  type Parse,
} from './config-values.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

interface Setting<T> {
  readonly key: string;
  readonly unset: T | null;
  readonly parse: Parse<T>;
  /** For `--help`: what it is, its unit, and what leaving it out means. */
  readonly help: string;
  readonly secret?: boolean;
}

function setting<T, Unset extends T | null>(
  key: string,
  unset: Unset,
  parse: Parse<T>,
  help: string,
  secret = false,
): Setting<T> & { readonly unset: Unset } {
  return { key: `PILOTLIGHT_${key}`, unset, parse, help, secret };
}

const ONE_WORKER: WorkerAmount = { value: 1, unit: 'workers' };

/** One row a setting; the flag is the key's own words: PILOTLIGHT_DATA_DIR is --data-dir. */
export const SETTINGS = {
  listen: setting(
    'LISTEN',
    { host: '127.0.0.1', port: 8080 },
    hostAndPort,
    'host:port to listen on; port 0: any free one',
  ),
  dataDir: setting(
    'DATA_DIR',
    folderDefault('./.pilotlight'),
    folder,
    'folder of the database and the workers',
  ),
  volumeDir: setting(
    'VOLUME_DIR',
    null,
    folder,
    'folder of network volumes; unset: volumes in the data folder',
  ),
  secretKey: setting(
    'SECRET_KEY',
    null,
    secretKey,
    'key that registry passwords are encrypted with, 32 bytes in base64; unset: a file in the data folder',
    true,
  ),
  imageHours: setting(
    'IMAGE_HOURS',
    168,
    integerBetween(0, 87_600),
    'a pulled image that nothing needed for so long is removed; 0: never',
  ),
  imageGb: setting(
    'IMAGE_GB',
    0,
    integerBetween(0, 1_000_000),
    'unneeded pulled images go, oldest use first, while all take more GB; 0: never',
  ),
  apiKey: setting('API_KEY', null, apiKey, 'first admin key; unset: one is made and printed once', true),
  driver: setting(
    'DRIVER',
    'process',
    oneOf('process', 'docker', 'simulated'),
    'what starts workers: process, docker (also Podman) or simulated',
  ),
  dockerSocket: setting(
    'DOCKER_SOCKET',
    null,
    socketPath,
    "socket of the container engine; unset: DOCKER_HOST's, Docker's or Podman's",
  ),
  containerMemory: setting(
    'CONTAINER_MEMORY_MIB',
    null,
    integerBetween(6, 100_000_000),
    'memory of one container in MiB; unset: no limit',
  ),
  containerPids: setting(
    'CONTAINER_PIDS',
    4_096,
    integerBetween(1, 4_194_304),
    'processes and threads of one container',
  ),
  containerSharedMemory: setting(
    'CONTAINER_SHM_MIB',
    1_024,
    integerBetween(1, 100_000_000),
    'size of /dev/shm in a container, in MiB',
  ),
  containerCapabilities: setting(
    'CONTAINER_CAPABILITIES',
    null,
    capabilities,
    'Linux capabilities left to containers, such as CHOWN,SETUID; unset: none',
  ),
  containerReadOnly: setting(
    'CONTAINER_READ_ONLY',
    'off',
    oneOf<'on' | 'off'>('on', 'off'),
    'containers may write to /tmp and volumes alone: on or off',
  ),
  gpus: setting('GPUS', null, integerBetween(0, 1_024), 'number of GPUs to use; unset: nvidia-smi is asked'),
  gpuOthers: setting(
    'GPU_OTHERS_PERCENT',
    10,
    integerBetween(1, 100),
    'a GPU with more of its memory in use by others is given to no worker',
  ),
  prices: setting('PRICES', null, prices, 'product=price of a device for an hour, such as gpu=1.2,cpu=0.05'),
  domain: setting(
    'DOMAIN',
    null,
    domainName,
    'domain for {endpoint_id}-{app_name}.{domain}; unset: paths only',
  ),
  publicUrl: setting(
    'PUBLIC_URL',
    null,
    baseUrl,
    'base of the addresses shown to clients; unset: from --listen',
  ),
  tlsCert: setting(
    'TLS_CERT',
    null,
    file,
    'PEM file of the certificate to speak TLS with, issuers behind it; read again at SIGHUP; unset: plain HTTP',
  ),
  tlsKey: setting('TLS_KEY', null, file, 'PEM file of its key'),
  workerUrl: setting(
    'WORKER_URL',
    null,
    baseUrl,
    'base of the address at which workers reach this server; unset: from --listen',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    'info',
    oneOf<LogLevel>('debug', 'info', 'warn', 'error', 'silent'),
    'least level written',
  ),
  startDeadline: setting(
    'START_DEADLINE_SECONDS',
    600,
    integerBetween(1, 86_400),
    'a worker not ready by then has failed',
  ),
  maxSurge: setting(
    'MAX_SURGE',
    ONE_WORKER,
    workerAmount(0, 1_000),
    'workers above the wanted number during an update, or % of them; 0: none',
  ),
  firstStep: setting(
    'FIRST_STEP',
    ONE_WORKER,
    workerAmount(1, 1_000),
    'workers that prove a new revision, or % of all',
  ),
  bake: setting(
    'BAKE_SECONDS',
    10,
    integerBetween(0, 3_600),
    'time in service that proves a new revision; 0: at once',
  ),
  bakeRequests: setting(
    'BAKE_REQUESTS',
    20,
    integerBetween(0, 100_000),
    'or requests that prove it, if sooner; 0: at once',
  ),
  watch: setting(
    'WATCH_SECONDS',
    60,
    integerBetween(0, 86_400),
    'how long it is still guarded when no old worker is left',
  ),
  guard: setting(
    'GUARD',
    'on',
    oneOf<'on' | 'off'>('on', 'off'),
    'hold the new revision against the old one: on or off',
  ),
  guardSlowdown: setting(
    'GUARD_SLOWDOWN',
    1.5,
    numberBetween(1.1, 100),
    'times the first byte may take that it took before',
  ),
  guardFailures: setting(
    'GUARD_FAILURES',
    3,
    integerBetween(1, 1_000),
    'failed requests without which none is withdrawn',
  ),
  drain: setting(
    'DRAIN_SECONDS',
    1_800,
    integerBetween(0, 86_400),
    'running requests of a leaving worker are closed then; 0: never',
  ),
  queueLimit: setting(
    'QUEUE_LIMIT',
    10_000,
    integerBetween(1, 1_000_000),
    'requests that may wait at one endpoint',
  ),
  connections: setting(
    'CONNECTION_LIMIT',
    15_000,
    integerBetween(1, 1_000_000),
    'connections of clients; each, and each to a worker, is an open file of the server',
  ),
  jobQueueLimit: setting(
    'JOB_QUEUE_LIMIT',
    1_000_000,
    integerBetween(1, 100_000_000),
    'jobs that may wait at one async endpoint',
  ),
  jobInputMib: setting('JOB_INPUT_MIB', 4, integerBetween(1, 20), 'largest input of a job, in MiB'),
  jobOutputMib: setting(
    'JOB_OUTPUT_MIB',
    4,
    integerBetween(1, 20),
    'largest output of a job, in MiB; larger ones go to a bucket',
  ),
  jobKept: setting('JOB_KEPT_HOURS', 6, integerBetween(1, 720), 'how long an ended job is kept'),
  jobAttempts: setting(
    'JOB_ATTEMPTS',
    3,
    integerBetween(1, 100),
    'attempts of a job whose workers are lost, before it fails',
  ),
  webhookAllow: setting(
    'WEBHOOK_ALLOW',
    null,
    subnets,
    'private addresses that webhooks may reach, such as 10.0.0.0/8; unset: none',
  ),
  forwarder: setting(
    'FORWARDER',
    'strict',
    oneOf<'general' | 'strict'>('general', 'strict'),
    'what carries requests: strict (our own codec) or general (node:http and undici)',
  ),
  gateways: setting(
    'GATEWAYS',
    1,
    integerBetween(1, 16),
    "threads that carry requests; 1: the server's own, which also decides; more need the strict forwarder",
  ),
  recordDays: setting(
    'RECORD_DAYS',
    30,
    integerBetween(1, 366),
    'how long the times of requests are kept, for endpoints simulate',
  ),
  recordMib: setting(
    'RECORD_MIB',
    64,
    integerBetween(1, 4_096),
    'how much of them is kept of one endpoint, in MiB',
  ),
  simulations: setting(
    'SIMULATIONS',
    1,
    integerBetween(1, 64),
    'what-if runs at a time; each takes a core while it runs',
  ),
  simulationLimit: setting(
    'SIMULATION_SECONDS',
    300,
    integerBetween(1, 86_400),
    'a what-if run that takes longer is ended',
  ),
  stopGrace: setting(
    'STOP_GRACE_SECONDS',
    30,
    integerBetween(0, 3_600),
    'from SIGTERM to SIGKILL of a worker; 0: at once',
  ),
  // 1800 s is the longest request_timeout, so by default a stop cuts no request that is within its own limit.
  shutdown: setting(
    'SHUTDOWN_SECONDS',
    1_800,
    integerBetween(0, 86_400),
    'how long a stop waits for running requests',
  ),
} as const;
export type Settings = typeof SETTINGS;
/** What each setting is, given or not. */
export type Values = {
  -readonly [Name in keyof Settings]: Settings[Name] extends Setting<infer T>
    ? null extends Settings[Name]['unset']
      ? T | null
      : T
    : never;
};
export const NAMES = Object.keys(SETTINGS) as (keyof Settings)[];

function folderDefault(path: string): string {
  const parsed = folder(path);
  return 'value' in parsed ? parsed.value : path;
}
