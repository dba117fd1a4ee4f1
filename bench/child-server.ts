import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const KEPT_LINES = 40;

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
  ): Promise<ChildServer> {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...flags], {
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

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}
