import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { answers, removeContainers } from './docker-engine.ts';
import { EngineNamespace, type Daemon } from './engine-namespace.ts';

const UP_LIMIT_MS = 60_000;

export interface PodmanEngineOptions {
  /** Holds all it writes; made by the caller, who removes it after `close`. */
  readonly folder: string;
  /** `host:port` of a registry that speaks plain HTTP. */
  readonly insecureRegistry: string;
}

/** Podman's service with Docker's API for tests, as root, beside whatever else runs on the machine. */
export class PodmanEngine {
  readonly socket: string;
  readonly client: Docker;
  readonly #folder: string;
  readonly #namespace: EngineNamespace;
  #daemon: Daemon | null = null;

  private constructor(folder: string, namespace: EngineNamespace) {
    this.socket = join(folder, 'podman.sock');
    this.client = new Docker({ socketPath: this.socket });
    this.#folder = folder;
    this.#namespace = namespace;
  }

  static async open({ folder, insecureRegistry }: PodmanEngineOptions): Promise<PodmanEngine> {
    for (const name of ['networks', 'images', 'temporary']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'containers.conf'), containersConf(folder));
    writeFileSync(join(folder, 'storage.conf'), storageConf(folder));
    writeFileSync(join(folder, 'registries.conf'), registriesConf(insecureRegistry));
    const engine = new PodmanEngine(folder, await EngineNamespace.open());
    try {
      await engine.start();
    } catch (error) {
      await engine.#namespace.close();
      throw error;
    }
    return engine;
  }

  async start(): Promise<void> {
    const folder = this.#folder;
    this.#daemon = this.#namespace.start(
      'podman',
      ['system', 'service', '--time=0', `unix://${this.socket}`],
      {
        ...process.env,
        PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
        TMPDIR: join(folder, 'temporary'),
        CONTAINERS_CONF: join(folder, 'containers.conf'),
        CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
        CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
      },
      join(folder, 'podman.log'),
    );
    await this.#daemon.up(() => answers(this.client), UP_LIMIT_MS);
  }

  async stop(signal?: NodeJS.Signals): Promise<void> {
    await this.#daemon?.stop(signal);
  }

  async close(): Promise<void> {
    try {
      await removeContainers(this.client);
    } finally {
      await this.stop();
      await this.#namespace.close();
    }
  }
}

/** `crun` refuses hybrid control groups, and without limits of ours it asks for more than root may have. */
function containersConf(folder: string): string {
  return `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=8192:8192"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
static_dir = "${folder}/images/libpod"
volume_path = "${folder}/images/volumes"
[network]
network_backend = "netavark"
network_config_dir = "${folder}/networks"
`;
}

function storageConf(folder: string): string {
  return `[storage]
driver = "overlay"
graphroot = "${folder}/images"
runroot = "/run/containers/storage"
`;
}

function registriesConf(registry: string): string {
  return `unqualified-search-registries = []
[[registry]]
location = "${registry}"
insecure = true
`;
}
