/** Who may import what, and what else a floor must not touch. CONTRIBUTING.md has it in words. */
export interface Floor {
  /** Other folders of src. A floor may always import its own files, except adapters, see `apart`. */
  readonly floors: readonly string[];
  /** npm packages by name; `*` for any runtime dependency. */
  readonly packages: readonly string[];
  /** Those of `peerDependencies` that it may load where the user has them. */
  readonly peers?: readonly string[];
  /** Node modules without `node:`; `*` for any. */
  readonly node: readonly string[];
  /** Globals, or members of them, that it must not use. */
  readonly banned: ReadonlyMap<string, string>;
  readonly noAsync?: boolean;
  /** Its files and folders stand alone: one does not import another. */
  readonly apart?: boolean;
}

const TIME = 'time comes in as an argument or by the Clock port';
const CHANCE = 'chance comes in as a Random';
const ENVIRONMENT = 'only src/main/config.ts knows the environment; hand the value down';

function bans(groups: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(groups).flatMap(([names, why]) => names.split(' ').map((name) => [name, why] as const)),
  );
}

const TIMED = {
  'Date performance AbortSignal.timeout': TIME,
  'setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate': TIME,
  'Math.random': CHANCE,
  'crypto.randomUUID crypto.getRandomValues crypto.randomBytes crypto.randomInt': CHANCE,
  console: 'write through the Log port',
  'fetch WebSocket EventSource': 'the world is touched through a port',
  process: 'what a process is asked for comes in as an argument; ' + ENVIRONMENT,
  globalThis: 'it is a way around the other rules',
};
const PURE = bans({
  ...TIMED,
  queueMicrotask: 'a decision has no turns of the event loop',
  crypto: CHANCE,
});
const CLOCKED = bans(TIMED);
/** A simulated world lets others have their turn of the event loop, which is no time: its own clock jumps. */
const SIMULATED = new Map([...CLOCKED].filter(([name]) => name !== 'setImmediate'));
const OUTSIDE = bans({ 'process.env': ENVIRONMENT });
const STREAMS = ['http', 'net', 'stream', 'stream/promises', 'crypto', 'buffer', 'events', 'assert'];

export const FLOORS: Readonly<Record<string, Floor>> = {
  base: { floors: [], packages: [], node: ['assert'], banned: PURE },
  model: { floors: ['base'], packages: ['typebox'], node: ['assert'], banned: PURE },
  decide: { floors: ['base', 'model'], packages: [], node: ['assert'], banned: PURE, noAsync: true },
  ports: { floors: ['base', 'model'], packages: [], node: [], banned: PURE },
  http1: { floors: ['base'], packages: [], node: ['assert'], banned: PURE, noAsync: true },
  control: { floors: ['base', 'model', 'decide', 'ports'], packages: [], node: ['assert'], banned: CLOCKED },
  gateway: {
    floors: ['base', 'model', 'decide', 'ports', 'http1'],
    packages: ['undici'],
    node: [...STREAMS, 'tls'],
    banned: CLOCKED,
  },
  jobs: {
    floors: ['base', 'model', 'decide', 'ports'],
    packages: ['undici'],
    node: STREAMS,
    banned: CLOCKED,
  },
  api: {
    floors: ['base', 'model', 'decide', 'ports'],
    packages: ['fastify', 'typebox', '@fastify/*'],
    node: STREAMS,
    banned: CLOCKED,
  },
  adapters: {
    floors: ['base', 'model', 'ports'],
    packages: ['*'],
    node: ['*'],
    banned: OUTSIDE,
    apart: true,
  },
  simulate: {
    floors: ['base', 'model', 'decide', 'ports', 'control', 'gateway', 'api', 'adapters'],
    packages: [],
    node: ['assert'],
    banned: SIMULATED,
  },
  main: {
    floors: [
      'base',
      'model',
      'decide',
      'ports',
      'control',
      'gateway',
      'jobs',
      'api',
      'adapters',
      'simulate',
      'client',
    ],
    packages: ['*'],
    node: ['*'],
    banned: OUTSIDE,
  },
  /** Runs in workers, far from the server: whoever uses it pays for base and for what he asks of it. */
  worker: {
    floors: ['base'],
    packages: [],
    peers: ['@aws-sdk/client-s3', '@aws-sdk/s3-request-presigner'],
    node: ['os'],
    banned: OUTSIDE,
  },
  client: { floors: [], packages: ['undici'], node: ['*'], banned: OUTSIDE },
  cli: { floors: ['client', 'base'], packages: [], node: ['*'], banned: OUTSIDE },
};

/** What several adapters stand on: the only ones that others of them may import. */
export const SHARED_ADAPTERS = ['key-file', 'worker-files', 'worker-variables'];

/** Simulated worlds touch nothing outside, so of the adapters only these. */
export const SIMULATE_ADAPTERS = ['driver-simulated', 'store-sql'];

/** The server's entry, which only hands it to the configuration, the command line's, and a worker's. */
export const ENVIRONMENT_READERS =
  /^src\/(?:main\/config[a-z-]*|main\/serve|cli\/process-io|worker\/start)\.ts$/;

export const LINES_MAX = 600;
/** As long as what they are made from. */
export const GENERATED = /^src\/client\/schema\.ts$/;
/** They say nothing of what is inside, so everything ends up there. */
export const NAMES_REFUSED = [
  'util',
  'utils',
  'helper',
  'helpers',
  'manager',
  'lib',
  'common',
  'misc',
  'index',
];
