import { execFileSync, spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** The proxy under test has a core of its own; the load and the programs behind it share the other. */
export const PROXY_CORE = 0;
export const LOAD_CORE = 1;

const KEPT_ERROR_BYTES = 4_000;
const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 5_000;

export interface PinnedOptions {
  readonly core: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Adds a channel for messages to a Node program. */
  readonly messages?: boolean;
}

/** A program that keeps to one core, and ends with the bench. */
export class PinnedChild {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly #name: string;
  #errors = '';
  #closing = false;

  constructor(command: readonly string[], options: PinnedOptions) {
    this.#name = command.join(' ').slice(0, 200);
    const stdio: StdioOptions = ['ignore', 'ignore', 'pipe', ...(options.messages ? ['ipc' as const] : [])];
    this.process = spawn('taskset', ['-c', String(options.core), ...command], {
      env: { ...process.env, ...options.environment },
      stdio,
    });
    if (this.process.pid === undefined) throw new Error(`${this.#name}: taskset could not be started`);
    this.pid = this.process.pid;
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-KEPT_ERROR_BYTES);
    });
    this.process.once('exit', (code, signal) => {
      if (!this.#closing) console.error(`${this.#name} ended (${code ?? signal}):\n${this.#errors}`);
    });
  }

  get ended(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Resolves when something listens on the port. */
  async listening(port: number): Promise<void> {
    const limit = AbortSignal.timeout(START_LIMIT_MS);
    while (!(await accepts(port))) {
      if (this.ended) throw new Error(`${this.#name} ended before it listened:\n${this.#errors}`);
      await wait(20, undefined, { signal: limit });
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.ended) return;
    const exited = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    const hard = setTimeout(() => this.process.kill('SIGKILL'), STOP_LIMIT_MS);
    await exited;
    clearTimeout(hard);
  }
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** Different ones: all are held until all are known. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(async (server) => await once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map(async (server) => {
      server.close();
      await once(server, 'close');
    }),
  );
  return ports;
}

/** The program's full path; null when it is not installed. */
export function findProgram(name: string): string | null {
  try {
    return execFileSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${name}`], {
      encoding: 'utf8',
    }).trim();
  } catch {
    return null;
  }
}
