import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const KEPT_LINES = 40;

export interface ChildServerOptions {
  /** The one core it keeps to; default: any. Its own children inherit this. */
  readonly core?: number;
  readonly nodeFlags?: readonly string[];
}

/** A program that prints `Listening on <url>`, run until `close`. */
export class ChildServer {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(
    script: string,
    flags: readonly string[],
    environment: Readonly<Record<string, string | undefined>>,
    { core, nodeFlags = [] }: ChildServerOptions = {},
  ): Promise<ChildServer> {
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', ...nodeFlags, script, ...flags];
    const [program, ...words] = core === undefined ? node : ['taskset', '-c', String(core), ...node];
    const child = spawn(program ?? process.execPath, words, {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C reaches the whole foreground group; the caller still needs the server to clean up.
      detached: true,
    });
    const errors: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      errors.push(line);
      if (errors.length > KEPT_LINES) errors.shift();
    });
    const url = await new Promise<string>((onUrl, onFailure) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const match = /^Listening on (\S+)$/.exec(line);
        if (match?.[1] !== undefined) onUrl(match[1]);
      });
      child.once('error', onFailure);
      child.once('exit', () => {
        onFailure(new Error(`${script} ended before it listened:\n${errors.join('\n')}`));
      });
    });
    child.once('exit', (code) => {
      if (code !== 0) console.error(`${script} ended with code ${code}:\n${errors.join('\n')}`);
    });
    return new ChildServer(child, url);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}
