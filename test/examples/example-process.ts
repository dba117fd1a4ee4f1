import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));

/** The beginning is what tells; a flooded log must not be searched as a whole again and again. */
const OUTPUT_KEPT = 65_536;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One example as a real child process on a port of its own, killed when it goes out of scope. */
export class ExampleProcess {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #grown = new EventEmitter();
  #output = '';
  #outputBytes = 0;
  #ended = false;

  constructor(entry: string, environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [`${examples}${entry}`], {
      env: { PATH: process.env['PATH'], PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#ended = true;
        this.#grown.emit('change');
        resolve({ code, signal });
      });
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#outputBytes += text.length;
        if (this.#output.length < OUTPUT_KEPT) this.#output += text;
        this.#grown.emit('change');
      });
    }
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves once the output matches; rejects with the whole output when the process ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      if (this.#ended) throw new Error(`the example ended without printing ${pattern}:\n${this.#output}`);
      await once(this.#grown, 'change');
    }
  }

  /** Resolves once that much was printed, kept or not. */
  async printedBytes(count: number): Promise<void> {
    while (this.#outputBytes < count) {
      if (this.#ended) throw new Error(`the example ended after ${this.#outputBytes} bytes of output`);
      await once(this.#grown, 'change');
    }
  }

  /** Its address, once it listens. */
  async url(): Promise<string> {
    return (await this.printed(/listening on (http:\S+)/))[1] ?? '';
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}
