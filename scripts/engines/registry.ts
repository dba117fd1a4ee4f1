import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const UP_LIMIT_MS = 30_000;
const LOOK_MS = 20;

export interface RegistryOptions {
  /** Holds all it writes; made by the caller, who removes it after `close`. */
  readonly folder: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** Debian's docker-registry on loopback with one login, over plain HTTP, as engines allow it there. */
export class Registry {
  readonly address: string;
  readonly #options: RegistryOptions;
  #process: ChildProcess | null = null;

  private constructor(options: RegistryOptions) {
    this.address = `127.0.0.1:${options.port}`;
    this.#options = options;
  }

  static async open(options: RegistryOptions): Promise<Registry> {
    const { folder, username, password } = options;
    mkdirSync(join(folder, 'data'));
    const { status, stdout, stderr } = spawnSync('htpasswd', ['-Bbn', username, password]);
    if (status !== 0) throw new Error(`htpasswd failed: ${stderr.toString()}`);
    writeFileSync(join(folder, 'htpasswd'), stdout);
    writeFileSync(join(folder, 'registry.yml'), configuration(folder, options.port));
    const registry = new Registry(options);
    await registry.start();
    return registry;
  }

  /** Again after a `stop`, with the same images. */
  async start(): Promise<void> {
    const { folder } = this.#options;
    const logPath = join(folder, 'registry.log');
    const log = openSync(logPath, 'a');
    const words = ['--pdeathsig', 'KILL', 'docker-registry', 'serve', join(folder, 'registry.yml')];
    const child = spawn('setpriv', words, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#process = child;
    const endMs = Date.now() + UP_LIMIT_MS;
    // 401 to a stranger, as it should.
    while ((await statusOf(`http://${this.address}/v2/`)) !== 401) {
      if (child.exitCode !== null || Date.now() > endMs) {
        child.kill('SIGKILL');
        throw new Error(`the registry is not up:\n${readFileSync(logPath, 'utf8').slice(-4_000)}`);
      }
      await delay(LOOK_MS);
    }
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

function configuration(folder: string, port: number): string {
  return `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: ${JSON.stringify(join(folder, 'data'))}}
  delete: {enabled: true}
auth: {htpasswd: {realm: registry, path: ${JSON.stringify(join(folder, 'htpasswd'))}}}
http: {addr: "127.0.0.1:${port}"}
`;
}

function statusOf(url: string): Promise<number | null> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? null);
    }).once('error', () => resolve(null));
  });
}
