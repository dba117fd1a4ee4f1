import { join } from 'node:path';
import Docker from 'dockerode';
import { EngineNamespace, type Daemon } from './engine-namespace.ts';

const UP_LIMIT_MS = 60_000;

export interface DockerEngineOptions {
  /** Holds all it writes; made by the caller, who removes it after `close`. */
  readonly folder: string;
  /**
   * `own`: a network namespace without another engine, where it sets up bridge and port forwarding
   * itself. A bridge's name and subnet: beside another engine in the same namespace.
   */
  readonly network: 'own' | { readonly bridge: string; readonly subnet: string };
  /** Containers run on while the engine is down. */
  readonly liveRestore?: boolean;
  /** Put in front of PATH, for stand-ins of what a machine with GPUs has. */
  readonly programs?: string;
}

/** A dockerd for tests, as root, beside whatever else runs on the machine. */
export class DockerEngine {
  readonly socket: string;
  readonly client: Docker;
  readonly #options: DockerEngineOptions;
  readonly #namespace: EngineNamespace;
  #daemon: Daemon | null = null;

  private constructor(options: DockerEngineOptions, namespace: EngineNamespace) {
    this.socket = join(options.folder, 'docker.sock');
    this.client = new Docker({ socketPath: this.socket });
    this.#options = options;
    this.#namespace = namespace;
  }

  static async open(options: DockerEngineOptions): Promise<DockerEngine> {
    const engine = new DockerEngine(options, await EngineNamespace.open());
    try {
      await engine.start();
    } catch (error) {
      await engine.#namespace.close();
      throw error;
    }
    return engine;
  }

  /** Again after a `stop`, on the same containers and images. */
  async start(): Promise<void> {
    const { folder, network, liveRestore = false, programs } = this.#options;
    const path = [programs, process.env['PATH'], '/usr/sbin', '/sbin'].filter(Boolean).join(':');
    this.#daemon = this.#namespace.start(
      'dockerd',
      [
        `--data-root=${join(folder, 'docker')}`,
        // Short: it holds sockets, whose paths have at most 107 characters.
        '--exec-root=/run/docker',
        `--pidfile=${join(folder, 'docker.pid')}`,
        `--host=unix://${this.socket}`,
        ...(network === 'own'
          ? []
          : [
              '--iptables=false',
              '--ip6tables=false',
              '--ip-forward=false',
              '--ip-masq=false',
              `--bridge=${network.bridge}`,
              `--fixed-cidr=${network.subnet}`,
            ]),
        ...(liveRestore ? ['--live-restore'] : []),
      ],
      { ...process.env, PATH: path },
      join(folder, 'dockerd.log'),
    );
    await this.#daemon.up(() => answers(this.client), UP_LIMIT_MS);
  }

  async stop(signal?: NodeJS.Signals): Promise<void> {
    await this.#daemon?.stop(signal);
  }

  signal(signal: NodeJS.Signals): void {
    this.#daemon?.signal(signal);
  }

  async close(): Promise<void> {
    // In order first, so that the engine unmounts and drops its control groups; then whatever is left.
    try {
      await removeContainers(this.client);
    } finally {
      await this.stop();
      await this.#namespace.close();
    }
  }
}

/** True when the engine behind the socket takes requests. */
export async function answers(client: Docker): Promise<boolean> {
  return await client.ping().then(
    () => true,
    () => false,
  );
}

export async function removeContainers(client: Docker): Promise<void> {
  if (!(await answers(client))) return;
  for (const { Id } of await client.listContainers({ all: true })) {
    // Gone meanwhile, or on its way: the end of the namespace takes what is left.
    await client
      .getContainer(Id)
      .remove({ force: true, v: true })
      .catch(() => undefined);
  }
}
