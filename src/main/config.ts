import { nearestName } from '../base/nearest-name.ts';
import { DAY_MS, MIB, SECOND_MS } from '../base/units.ts';
import type { RolloutOptions, WorkerAmount } from '../model/rollout-options.ts';
import {
  apiKey,
  baseUrl,
  domainName,
  folder,
  hostAndPort,
  integerBetween,
  numberBetween,
  oneOf,
  prices,
  workerAmount,
  type HostAndPort,
  type Parse,
} from './config-values.ts';

/** Where clients reach the server. */
export interface ListenConfig extends HostAndPort {
  /** Base of the addresses shown to clients; null: made of the address listened on. */
  readonly publicUrl: string | null;
  /** Endpoints are also reached as `{endpoint_id}-{app_name}.{domain}`; null: by path alone. */
  readonly domain: string | null;
}

export interface AccessConfig {
  /** The first admin key; null: one is made at the first start and printed once. */
  readonly apiKey: string | null;
}

export interface WorkerConfig {
  readonly driver: 'process' | 'simulated';
  /** Devices to use; 0: none, only the product `cpu` exists; null: `nvidia-smi` is asked. */
  readonly gpuCount: number | null;
  /** Product → price of one device, or of one worker of `cpu`, for one hour. */
  readonly prices: ReadonlyMap<string, number>;
  /** A worker that is not ready this long after its start has failed. */
  readonly startDeadlineMs: number;
  /** From SIGTERM to SIGKILL of a worker; 0: killed at once. */
  readonly stopGraceMs: number;
}

export interface GatewayConfig {
  /** Requests that may wait at one endpoint; the next is refused with QUEUE_FULL. */
  readonly queueLimit: number;
}

/** The record of requests that what-if runs are made of; see docs/what-if.md. */
export interface RecordConfig {
  readonly keptMs: number;
  /** Of one endpoint; the oldest go first. */
  readonly bytesPerEndpoint: number;
}

export interface SimulationConfig {
  /** What-if runs at a time; each takes a core while it runs. */
  readonly atOnce: number;
  readonly limitMs: number;
}

export interface ShutdownConfig {
  /** How long requests in flight may take after SIGTERM before they are cut; 0: cut at once. */
  readonly drainLimitMs: number;
}

export interface Config {
  readonly listen: ListenConfig;
  readonly access: AccessConfig;
  /** Absolute folder of the database, worker records and worker logs. */
  readonly dataDir: string;
  readonly workers: WorkerConfig;
  /** Of updates that do not say otherwise. */
  readonly rollout: RolloutOptions;
  readonly gateway: GatewayConfig;
  readonly record: RecordConfig;
  readonly simulation: SimulationConfig;
  readonly shutdown: ShutdownConfig;
  readonly logLevel: LogLevel;
}

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
const SETTINGS = {
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
  apiKey: setting('API_KEY', null, apiKey, 'first admin key; unset: one is made and printed once', true),
  driver: setting(
    'DRIVER',
    'process',
    oneOf('process', 'simulated'),
    'what starts workers: process or simulated',
  ),
  gpus: setting('GPUS', null, integerBetween(0, 1_024), 'number of GPUs to use; unset: nvidia-smi is asked'),
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
type Settings = typeof SETTINGS;
type Values = {
  -readonly [Name in keyof Settings]: Settings[Name] extends Setting<infer T>
    ? null extends Settings[Name]['unset']
      ? T | null
      : T
    : never;
};
const NAMES = Object.keys(SETTINGS) as (keyof Settings)[];

/** Read by other programs of this product, so no reason for a warning here. */
const FOREIGN_KEYS = ['PILOTLIGHT_URL'];
/** Long enough that trying keys one by one is hopeless. */
const API_KEY_GOOD_LENGTH = 16;

function folderDefault(path: string): string {
  const parsed = folder(path);
  return 'value' in parsed ? parsed.value : path;
}

function flagOf(name: keyof Settings): string {
  return `--${SETTINGS[name].key.slice('PILOTLIGHT_'.length).toLowerCase().replaceAll('_', '-')}`;
}

export type ConfigResult =
  | { readonly config: Config; readonly warnings: readonly string[] }
  | { readonly faults: readonly string[] };

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The server's settings from its arguments (without node and script) and its environment; a flag
 * goes before a variable, an empty variable counts as unset. All faults come back together.
 */
export function parseConfig(argv: readonly string[], environment: Environment): ConfigResult {
  const { flags, faults } = readFlags(argv);
  const values = Object.fromEntries(NAMES.map((name) => [name, SETTINGS[name].unset])) as Values;
  for (const name of NAMES) {
    const { key, parse } = SETTINGS[name];
    const flag = flags.get(name);
    const text = flag ?? (environment[key] === '' ? undefined : environment[key]);
    if (text === undefined) continue;
    const parsed = parse(text);
    if ('fault' in parsed) faults.push(`${flag === undefined ? key : flagOf(name)} ${parsed.fault}`);
    else Object.assign(values, { [name]: parsed.value });
  }
  if (faults.length > 0) return { faults };
  return { config: configOf(values), warnings: warningsOf(values, environment) };
}

/** Every setting with its flag, variable and meaning: the text of `--help`. */
export function configHelp(): string {
  const rows = NAMES.map((name) => {
    const { unset, key, help } = SETTINGS[name];
    return { flag: flagOf(name), key, help, unset: unset === null ? '' : ` (${shown(unset)})` };
  });
  const flagWidth = Math.max(...rows.map((row) => row.flag.length));
  const keyWidth = Math.max(...rows.map((row) => row.key.length));
  return rows
    .map((row) => `  ${row.flag.padEnd(flagWidth)}  ${row.key.padEnd(keyWidth)}  ${row.help}${row.unset}`)
    .join('\n');
}

/** The settings in force by variable name, to be logged at the start. Secrets are only said to be set. */
export function describeConfig(config: Config): Readonly<Record<string, string>> {
  const values = valuesOf(config);
  return Object.fromEntries(
    NAMES.map((name) => {
      const value = values[name];
      const text = value === null ? '(unset)' : SETTINGS[name].secret === true ? '(set)' : shown(value);
      return [SETTINGS[name].key, text];
    }),
  );
}

function shown(value: string | number | HostAndPort | WorkerAmount | ReadonlyMap<string, number>): string {
  if (typeof value !== 'object') return String(value);
  if (isPrices(value)) return [...value].map(([id, price]) => `${id}=${price}`).join(',');
  if ('host' in value) return addressText(value.host, value.port);
  return `${value.value}${value.unit === 'percent' ? '%' : ''}`;
}

function isPrices(value: object): value is ReadonlyMap<string, number> {
  return value instanceof Map;
}

/** `host:port`, an IPv6 host in brackets. */
export function addressText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Base of the addresses shown to clients, once the port listened on is known. */
export function publicBase(listen: ListenConfig, port: number): string {
  if (listen.publicUrl !== null) return listen.publicUrl;
  // "All addresses" is no address to connect to; the loopback one always reaches it from here.
  const host = listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host === '::' ? '::1' : listen.host;
  return `http://${addressText(host, port)}`;
}

function readFlags(argv: readonly string[]): { flags: Map<keyof Settings, string>; faults: string[] } {
  const flags = new Map<keyof Settings, string>();
  const faults: string[] = [];
  const known = new Map(NAMES.map((name) => [flagOf(name), name]));
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? '';
    const [flag = '', ...rest] = argument.split('=');
    const name = known.get(flag);
    if (name === undefined) {
      faults.push(unknownArgument(argument, flag, [...known.keys()]));
      // A word behind an unknown flag is most likely its value, not a fault of its own.
      if (argument === flag && flag.startsWith('--') && argv[index + 1]?.startsWith('--') === false)
        index += 1;
      continue;
    }
    const following = argument === flag ? argv[index + 1] : rest.join('=');
    if (following === undefined || following === '' || (argument === flag && following.startsWith('--'))) {
      faults.push(`${flag} needs a value, as in ${flag}=…`);
      continue;
    }
    if (argument === flag) index += 1;
    if (flags.has(name)) faults.push(`${flag} is given more than once`);
    flags.set(name, following);
  }
  return { flags, faults };
}

function unknownArgument(argument: string, flag: string, known: readonly string[]): string {
  if (!flag.startsWith('--'))
    return `unexpected argument ${JSON.stringify(argument)}: only --flags are taken`;
  const near = nearestName(flag, known);
  return `unknown flag ${flag}${near === undefined ? '; --help lists them all' : `; did you mean ${near}?`}`;
}

function warningsOf(values: Values, environment: Environment): string[] {
  const known = [...NAMES.map((name) => SETTINGS[name].key), ...FOREIGN_KEYS];
  const warnings = Object.keys(environment)
    .filter((key) => key.startsWith('PILOTLIGHT_') && !known.includes(key))
    .sort()
    .map((key) => {
      const near = nearestName(key, known);
      return `the variable ${key} is not known and has no effect${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
  if (values.apiKey !== null && values.apiKey.length < API_KEY_GOOD_LENGTH) {
    warnings.push(
      `the key in PILOTLIGHT_API_KEY has ${values.apiKey.length} characters; use at least ${API_KEY_GOOD_LENGTH} wherever others can reach this server`,
    );
  }
  return warnings;
}

/** The way back of `configOf`, so that what is described is what is in force. */
function valuesOf(config: Config): Values {
  return {
    listen: { host: config.listen.host, port: config.listen.port },
    dataDir: config.dataDir,
    apiKey: config.access.apiKey,
    driver: config.workers.driver,
    gpus: config.workers.gpuCount,
    prices: config.workers.prices.size === 0 ? null : config.workers.prices,
    domain: config.listen.domain,
    publicUrl: config.listen.publicUrl,
    logLevel: config.logLevel,
    startDeadline: config.workers.startDeadlineMs / SECOND_MS,
    maxSurge: config.rollout.maxSurge,
    bake: config.rollout.bakeMs / SECOND_MS,
    bakeRequests: config.rollout.bakeRequests,
    firstStep: config.rollout.firstStep,
    watch: config.rollout.watchMs / SECOND_MS,
    guard: config.rollout.guard.enabled ? 'on' : 'off',
    guardSlowdown: config.rollout.guard.slowdown,
    guardFailures: config.rollout.guard.minFailures,
    drain: config.rollout.drainDeadlineMs / SECOND_MS,
    queueLimit: config.gateway.queueLimit,
    recordDays: config.record.keptMs / DAY_MS,
    recordMib: config.record.bytesPerEndpoint / MIB,
    simulations: config.simulation.atOnce,
    simulationLimit: config.simulation.limitMs / SECOND_MS,
    stopGrace: config.workers.stopGraceMs / SECOND_MS,
    shutdown: config.shutdown.drainLimitMs / SECOND_MS,
  };
}

function configOf(values: Values): Config {
  return Object.freeze({
    listen: Object.freeze({ ...values.listen, publicUrl: values.publicUrl, domain: values.domain }),
    access: Object.freeze({ apiKey: values.apiKey }),
    dataDir: values.dataDir,
    workers: Object.freeze({
      driver: values.driver,
      gpuCount: values.gpus,
      prices: values.prices ?? new Map(),
      startDeadlineMs: values.startDeadline * SECOND_MS,
      stopGraceMs: values.stopGrace * SECOND_MS,
    }),
    rollout: Object.freeze({
      maxSurge: values.maxSurge,
      firstStep: values.firstStep,
      bakeMs: values.bake * SECOND_MS,
      bakeRequests: values.bakeRequests,
      watchMs: values.watch * SECOND_MS,
      drainDeadlineMs: values.drain * SECOND_MS,
      guard: Object.freeze({
        enabled: values.guard === 'on',
        slowdown: values.guardSlowdown,
        minFailures: values.guardFailures,
      }),
    }),
    gateway: Object.freeze({ queueLimit: values.queueLimit }),
    record: Object.freeze({
      keptMs: values.recordDays * DAY_MS,
      bytesPerEndpoint: values.recordMib * MIB,
    }),
    simulation: Object.freeze({
      atOnce: values.simulations,
      limitMs: values.simulationLimit * SECOND_MS,
    }),
    shutdown: Object.freeze({ drainLimitMs: values.shutdown * SECOND_MS }),
    logLevel: values.logLevel,
  });
}
