import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MS = 20;
const BEGIN_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 20_000;

/**
 * Mounts and processes of its own for an engine: several run beside each other and beside the
 * machine's own, and nothing of them is left once the namespace ends, however it ends. The network
 * stays that of the caller, who has to reach published ports.
 *
 *   setpriv (this process's death kills it) → unshare (its death kills) → init of the namespace
 */
export class EngineNamespace {
  readonly #holder: ChildProcess;
  readonly #initPid: number;

  private constructor(holder: ChildProcess, initPid: number) {
    this.#holder = holder;
    this.#initPid = initPid;
  }

  static async open(): Promise<EngineNamespace> {
    const holder = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
        // Engines keep sockets and locks under /run, which two of them must not share.
        ...[
          'docker-init',
          '--',
          'sh',
          '-c',
          'mount -t tmpfs tmpfs /run && echo ready && exec sleep infinity',
        ],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = once(holder, 'exit').then(() => 'ended' as const);
    const ready = once(holder.stdout, 'data').then(() => 'ready' as const);
    const first = await Promise.race([ready, ended, delay(BEGIN_LIMIT_MS, 'late' as const, { ref: false })]);
    const [initPid] = childrenOf(holder.pid ?? 0);
    if (first !== 'ready' || initPid === undefined) {
      holder.kill('SIGKILL');
      throw new Error(`a namespace for an engine could not be made (${first}); it takes root`);
    }
    return new EngineNamespace(holder, initPid);
  }

  /** Starts a program in it; its output goes to the end of a file. */
  start(program: string, words: readonly string[], environment: NodeJS.ProcessEnv, logPath: string): Daemon {
    const log = openSync(logPath, 'a');
    const inside = ['--target', String(this.#initPid), '--mount', '--pid', '--', program, ...words];
    const process = spawn('nsenter', inside, { stdio: ['ignore', log, log], env: environment });
    closeSync(log);
    return new Daemon(process, program, logPath);
  }

  async close(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const exited = once(this.#holder, 'exit');
    this.#holder.kill('SIGKILL');
    await exited;
  }
}

export class Daemon {
  /** `nsenter`, which waits for the program in the namespace. */
  readonly #process: ChildProcess;
  readonly #program: string;
  readonly #logPath: string;

  constructor(process: ChildProcess, program: string, logPath: string) {
    this.#process = process;
    this.#program = program;
    this.#logPath = logPath;
  }

  get #ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Looks until `isUp` is true; a daemon that ends before fails with its last words. */
  async up(isUp: () => Promise<boolean>, limitMs: number): Promise<void> {
    const endMs = Date.now() + limitMs;
    while (!(await isUp())) {
      if (this.#ended || Date.now() > endMs) {
        const how = this.#ended ? 'ended at once' : `is not up after ${limitMs / 1_000} s`;
        throw new Error(`${this.#program} ${how}:\n${readFileSync(this.#logPath, 'utf8').slice(-4_000)}`);
      }
      await delay(LOOK_MS);
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#ended) return;
    const exited = once(this.#process, 'exit').then(() => true);
    this.signal(signal);
    if (await Promise.race([exited, delay(STOP_LIMIT_MS, false, { ref: false })])) return;
    this.signal('SIGKILL');
    await exited;
  }

  /** SIGSTOP makes an engine that answers nobody. */
  signal(signal: NodeJS.Signals): void {
    for (const pid of childrenOf(this.#process.pid ?? 0)) process.kill(pid, signal);
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
