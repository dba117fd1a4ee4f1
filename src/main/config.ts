import type { CertificateFiles } from './certificate-files.ts';
import { nearestName } from '../base/nearest-name.ts';
import { DAY_MS, GB, HOUR_MS, MIB, SECOND_MS } from '../base/units.ts';
import type { RolloutOptions, WorkerAmount } from '../model/rollout-options.ts';
import { NAMES, SETTINGS, type LogLevel, type Settings, type Values } from './config-settings.ts';
import type { HostAndPort } from './config-values.ts';

/** Where clients reach the server. */
export interface ListenConfig extends HostAndPort {
  /** Base of the addresses shown to clients; null: made of the address listened on. */
  readonly publicUrl: string | null;
  /** Endpoints are also reached as `{endpoint_id}-{app_name}.{domain}`; null: by path alone. */
  readonly domain: string | null;
  /** Of the TLS that is spoken; null: plain HTTP. */
  readonly certificate: CertificateFiles | null;
}

export interface AccessConfig {
  /** The first admin key; null: one is made at the first start and printed once. */
  readonly apiKey: string | null;
  /** What registry passwords are encrypted with, 32 bytes in base64; null: the key is in a file of its own. */
  readonly secretKey: string | null;
}

/** When images that this server pulled and nothing needs are removed; see docs/registries-and-volumes.md. */
export interface ImageConfig {
  /** Unused for so long; null: never for its age. */
  readonly unusedMs: number | null;
  /** While all of them take more; null: never for want of space. */
  readonly bytes: number | null;
}

/** What the docker driver works with, and what its workers may have. */
export interface ContainerConfig {
  /** Absolute path; null: the first of the usual ones that is there. */
  readonly socketPath: string | null;
  /** Of one container; null: no limit. */
  readonly memoryMib: number | null;
  /** Processes and threads. */
  readonly pids: number;
  readonly sharedMemoryMib: number;
  /** All others are dropped. */
  readonly capabilities: readonly string[];
  /** True: nothing but /tmp and volumes can be written to. */
  readonly readOnly: boolean;
}

export interface WorkerConfig {
  readonly driver: 'process' | 'docker' | 'simulated';
  /** Devices to use; 0: none, only the product `cpu` exists; null: `nvidia-smi` is asked. */
  readonly gpuCount: number | null;
  /** Product → price of one device, or of one worker of `cpu`, for one hour. */
  /** Of a GPU's memory: with more than that in use by others it is given to no worker. */
  readonly gpuOthersShare: number;
  readonly prices: ReadonlyMap<string, number>;
  /** A worker that is not ready this long after its start has failed. */
  readonly startDeadlineMs: number;
  /** Where workers reach the server, for jobs and notices; null: where programs of this machine do. */
  readonly url: string | null;
  /** From SIGTERM to SIGKILL of a worker; 0: killed at once. */
  readonly stopGraceMs: number;
}

export interface GatewayConfig {
  /** Requests that may wait at one endpoint; the next is refused with QUEUE_FULL. */
  readonly queueLimit: number;
  /** Open connections of clients; further ones are closed at once. */
  readonly connections: number;
  readonly forwarder: 'general' | 'strict';
  /** Threads that carry requests; 1: the server's own. */
  readonly threads: number;
}

export interface JobConfig {
  /** Jobs that may wait at one endpoint; the next is refused with QUEUE_FULL. */
  readonly waitingPerEndpoint: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly keptMs: number;
  readonly attempts: number;
  /** Private addresses that webhooks may reach. */
  readonly webhookAllow: readonly string[];
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
  /** Absolute folder of network volumes; null: in the data folder. */
  readonly volumeDir: string | null;
  readonly images: ImageConfig;
  readonly workers: WorkerConfig;
  readonly containers: ContainerConfig;
  /** Of updates that do not say otherwise. */
  readonly rollout: RolloutOptions;
  readonly gateway: GatewayConfig;
  readonly jobs: JobConfig;
  readonly record: RecordConfig;
  readonly simulation: SimulationConfig;
  readonly shutdown: ShutdownConfig;
  readonly logLevel: LogLevel;
}

/** Read by other programs of this product, so no reason for a warning here. */
const FOREIGN_KEYS = ['PILOTLIGHT_URL'];
/** Long enough that trying keys one by one is hopeless. */
const API_KEY_GOOD_LENGTH = 16;

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
  if (values.gateways > 1 && values.forwarder === 'general') {
    faults.push(
      `PILOTLIGHT_GATEWAYS is ${values.gateways}, but several gateways have the strict forwarder alone, and PILOTLIGHT_FORWARDER is general: set it to strict, or leave it out, or set PILOTLIGHT_GATEWAYS to 1`,
    );
  }
  if ((values.tlsCert === null) !== (values.tlsKey === null)) {
    faults.push(
      'PILOTLIGHT_TLS_CERT and PILOTLIGHT_TLS_KEY go together: one of them is set and the other is not',
    );
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

function shown(
  value: string | number | HostAndPort | WorkerAmount | ReadonlyMap<string, number> | readonly string[],
): string {
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return value.join(',');
  if (isPrices(value)) return [...value].map(([id, price]) => `${id}=${price}`).join(',');
  if ('host' in value) return addressText(value.host, value.port);
  return `${value.value}${value.unit === 'percent' ? '%' : ''}`;
}

function isList(value: object): value is readonly string[] {
  return Array.isArray(value);
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
  return listen.publicUrl ?? workerBase(listen, port);
}

/** Where workers reach the server. `hostAddress`: this machine as they see it, where that is not the loopback. */
export function workerBase(listen: ListenConfig, port: number, hostAddress: string | null = null): string {
  // "All addresses" is no address to connect to; the loopback one always reaches it from here.
  const wildcards: Readonly<Record<string, string>> = {
    '0.0.0.0': hostAddress ?? '127.0.0.1',
    '::': hostAddress ?? '::1',
  };
  const host = wildcards[listen.host] ?? listen.host;
  return `${listen.certificate === null ? 'http' : 'https'}://${addressText(host, port)}`;
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
    volumeDir: config.volumeDir,
    secretKey: config.access.secretKey,
    imageHours: (config.images.unusedMs ?? 0) / HOUR_MS,
    imageGb: (config.images.bytes ?? 0) / GB,
    apiKey: config.access.apiKey,
    driver: config.workers.driver,
    dockerSocket: config.containers.socketPath,
    containerMemory: config.containers.memoryMib,
    containerPids: config.containers.pids,
    containerSharedMemory: config.containers.sharedMemoryMib,
    containerCapabilities:
      config.containers.capabilities.length === 0 ? null : config.containers.capabilities,
    containerReadOnly: config.containers.readOnly ? 'on' : 'off',
    gpus: config.workers.gpuCount,
    gpuOthers: config.workers.gpuOthersShare * 100,
    prices: config.workers.prices.size === 0 ? null : config.workers.prices,
    domain: config.listen.domain,
    publicUrl: config.listen.publicUrl,
    logLevel: config.logLevel,
    startDeadline: config.workers.startDeadlineMs / SECOND_MS,
    tlsCert: config.listen.certificate?.cert ?? null,
    tlsKey: config.listen.certificate?.key ?? null,
    workerUrl: config.workers.url,
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
    connections: config.gateway.connections,
    jobQueueLimit: config.jobs.waitingPerEndpoint,
    jobInputMib: config.jobs.inputBytes / MIB,
    jobOutputMib: config.jobs.outputBytes / MIB,
    jobKept: config.jobs.keptMs / HOUR_MS,
    jobAttempts: config.jobs.attempts,
    webhookAllow: config.jobs.webhookAllow.length === 0 ? null : config.jobs.webhookAllow,
    forwarder: config.gateway.forwarder,
    gateways: config.gateway.threads,
    recordDays: config.record.keptMs / DAY_MS,
    recordMib: config.record.bytesPerEndpoint / MIB,
    simulations: config.simulation.atOnce,
    simulationLimit: config.simulation.limitMs / SECOND_MS,
    stopGrace: config.workers.stopGraceMs / SECOND_MS,
    shutdown: config.shutdown.drainLimitMs / SECOND_MS,
  };
}

function certificateFiles({ tlsCert, tlsKey }: Values): CertificateFiles | null {
  return tlsCert === null || tlsKey === null ? null : Object.freeze({ cert: tlsCert, key: tlsKey });
}

function configOf(values: Values): Config {
  return Object.freeze({
    listen: Object.freeze({
      ...values.listen,
      publicUrl: values.publicUrl,
      domain: values.domain,
      certificate: certificateFiles(values),
    }),
    access: Object.freeze({ apiKey: values.apiKey, secretKey: values.secretKey }),
    dataDir: values.dataDir,
    volumeDir: values.volumeDir,
    images: Object.freeze({
      unusedMs: values.imageHours === 0 ? null : values.imageHours * HOUR_MS,
      bytes: values.imageGb === 0 ? null : values.imageGb * GB,
    }),
    workers: Object.freeze({
      driver: values.driver,
      gpuCount: values.gpus,
      gpuOthersShare: values.gpuOthers / 100,
      prices: values.prices ?? new Map(),
      startDeadlineMs: values.startDeadline * SECOND_MS,
      url: values.workerUrl,
      stopGraceMs: values.stopGrace * SECOND_MS,
    }),
    containers: Object.freeze({
      socketPath: values.dockerSocket,
      memoryMib: values.containerMemory,
      pids: values.containerPids,
      sharedMemoryMib: values.containerSharedMemory,
      capabilities: values.containerCapabilities ?? [],
      readOnly: values.containerReadOnly === 'on',
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
    jobs: Object.freeze({
      waitingPerEndpoint: values.jobQueueLimit,
      inputBytes: values.jobInputMib * MIB,
      outputBytes: values.jobOutputMib * MIB,
      keptMs: values.jobKept * HOUR_MS,
      attempts: values.jobAttempts,
      webhookAllow: values.webhookAllow ?? [],
    }),
    gateway: Object.freeze({
      queueLimit: values.queueLimit,
      connections: values.connections,
      forwarder: values.forwarder,
      threads: values.gateways,
    }),
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
