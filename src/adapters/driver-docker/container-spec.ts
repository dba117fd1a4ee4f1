import { MIB } from '../../base/units.ts';
import { AppError } from '../../base/errors.ts';
import { mainPort, type RevisionSpec } from '../../model/endpoint.ts';
import { splitWords } from '../../model/words.ts';
import type { WorkerMount, WorkerOrder } from '../../ports/driver.ts';
import { workerVariables } from '../worker-variables.ts';
import { workerLabels, type Labels } from './container-labels.ts';

/** What the operator allows every worker; the endpoint has no say in it. */
export interface ContainerLimits {
  /** Null: none but the machine's. */
  readonly memoryMib: number | null;
  readonly pids: number;
  /** Of the Linux capabilities, which are all dropped, those that are left: `NET_BIND_SERVICE`. */
  readonly capabilities: readonly string[];
  /** Nothing but /tmp and volumes can be written to. */
  readonly readOnly: boolean;
  /** /dev/shm, through which processes of one worker hand each other data. */
  readonly sharedMemoryMib: number;
}

export const DEFAULT_LIMITS: ContainerLimits = {
  memoryMib: null,
  pids: 4_096,
  capabilities: [],
  readOnly: false,
  sharedMemoryMib: 1_024,
};

/** The engine's own copy of the output, of which ours is taken; twice this much. */
const ENGINE_LOG = { 'max-size': '8m', 'max-file': '2' };

/** The body of POST /containers/create, as far as it is used. */
export interface ContainerSpec {
  readonly Image: string;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env: readonly string[];
  readonly Labels: Labels;
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly HostConfig: Readonly<Record<string, unknown>>;
}

export interface ContainerSpecOptions {
  readonly instance: string;
  readonly startedAtMs: number;
  readonly limits: ContainerLimits;
  /** Whether the engine can hold a container's file system to a size. */
  readonly rootfsLimit: boolean;
}

export function containerSpec(order: WorkerOrder, options: ContainerSpecOptions): ContainerSpec {
  const { spec, devices, mounts } = order;
  const { instance, startedAtMs, limits, rootfsLimit } = options;
  const ports = declaredPorts(spec);
  const variables = {
    ...workerVariables(order, {
      host: '0.0.0.0',
      // A container has its ports for itself: declared is where it listens.
      ports: Object.fromEntries(ports.map((port) => [port, port])),
      instance,
      startedAtMs,
    }),
    // Where NVIDIA's runtime is every container's, an image could ask for all devices by itself.
    ...(devices.length === 0 ? { NVIDIA_VISIBLE_DEVICES: 'void' } : {}),
  };
  const entrypoint = wordsOf('entrypoint', spec.entrypoint, variables);
  const command = wordsOf('command', spec.command, variables);
  return {
    Image: spec.image,
    ...(entrypoint.length > 0 ? { Entrypoint: entrypoint } : {}),
    ...(command.length > 0 ? { Cmd: command } : {}),
    Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    Labels: workerLabels(order, instance, startedAtMs, ports),
    ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])),
    HostConfig: {
      // Of this machine alone, on a port that the engine chooses.
      PortBindings: Object.fromEntries(
        ports.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: '' }]]),
      ),
      // Reaps what a worker leaves behind, and passes signals on to programs that were not made to be pid 1.
      Init: true,
      RestartPolicy: { Name: 'no' },
      CapDrop: ['ALL'],
      CapAdd: limits.capabilities,
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: limits.pids,
      ShmSize: limits.sharedMemoryMib * MIB,
      // Swap as much as memory is what engines take for "no swap".
      ...(limits.memoryMib === null
        ? {}
        : { Memory: limits.memoryMib * MIB, MemorySwap: limits.memoryMib * MIB }),
      ...(limits.readOnly ? { ReadonlyRootfs: true, Tmpfs: { '/tmp': '' } } : {}),
      ...(rootfsLimit ? { StorageOpt: { size: `${spec.rootfsSizeGb}G` } } : {}),
      LogConfig: { Type: 'json-file', Config: ENGINE_LOG },
      Mounts: mounts.map(engineMount),
      ...(devices.length === 0 ? {} : { DeviceRequests: [{ DeviceIDs: devices, Capabilities: [['gpu']] }] }),
    },
  };
}

export function declaredPorts(spec: Pick<RevisionSpec, 'ports'>): readonly number[] {
  return spec.ports.length > 0 ? spec.ports : [mainPort(spec)];
}

/** Scratch is a volume without a name, which goes with its container. */
function engineMount({ mountPoint, hostFolder }: WorkerMount): object {
  return hostFolder === null
    ? { Type: 'volume', Target: mountPoint }
    : { Type: 'bind', Source: hostFolder, Target: mountPoint };
}

/** `$NAME` is looked up among what the worker is given; the image's own variables are not known here. */
export function wordsOf(
  field: 'entrypoint' | 'command',
  text: string,
  variables: Readonly<Record<string, string>> = {},
): readonly string[] {
  const split = splitWords(text, variables);
  if ('words' in split) return split.words;
  const message = `${field} ${split.fault}`;
  throw new AppError('VALIDATOR_PARAM', message, { metadata: { [field]: message } });
}
