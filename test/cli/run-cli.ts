import { readFile } from 'node:fs/promises';
import type { Io, Terminal } from '../../src/cli/io.ts';
import { main } from '../../src/cli/main.ts';

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Scripts that were asked for, by the end of their path, with their words. */
  readonly scripts: readonly (readonly string[])[];
}

export interface CliWorld {
  readonly url?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly isTty?: boolean;
  /** Somebody sits at the terminal and gives these answers, in order. */
  readonly answers?: readonly string[];
  readonly columns?: number;
  /** Exit code of `serve` and `demo`. */
  readonly scriptCode?: number;
}

/** The time at the start of every run: 100 s after the stub's endpoint was made. */
const START_MS = 1_700_000_100_000;

/** Runs the command line in this process; waiting takes no time and moves its clock. */
export async function runCli(argv: readonly string[], world: CliWorld = {}): Promise<CliRun> {
  let nowMs = START_MS;
  const stdout = new CapturedTerminal(world.isTty ?? false, world.columns ?? 100);
  const stderr = new CapturedTerminal(false, 100);
  const scripts: string[][] = [];
  const answers = [...(world.answers ?? [])];
  const io: Io = {
    stdout,
    stderr,
    stdinIsTty: world.answers !== undefined,
    ask: async (question) => {
      stdout.write(question);
      return answers.shift() ?? '';
    },
    askUnseen: async (question) => {
      stdout.write(`${question}\n`);
      return answers.shift() ?? '';
    },
    environment: {
      ...(world.url === undefined ? {} : { PILOTLIGHT_URL: world.url }),
      ...world.environment,
    },
    nowMs: () => nowMs,
    sleep: async (delayMs) => {
      nowMs += delayMs;
    },
    readStdin: async () => world.stdin ?? '',
    readFile: async (path) => readFile(path, 'utf8'),
    readBytes: async (path) => readFile(path),
    runScript: async (path, words) => {
      scripts.push([path.split('/').slice(-3).join('/'), ...words]);
      return world.scriptCode ?? 0;
    },
  };
  const code = await main(argv, io);
  return { code, stdout: stdout.text, stderr: stderr.text, scripts };
}

class CapturedTerminal implements Terminal {
  readonly isTty: boolean;
  readonly columns: number | null;
  text = '';

  constructor(isTty: boolean, columns: number) {
    this.isTty = isTty;
    this.columns = isTty ? columns : null;
  }

  write(output: string): void {
    this.text += output;
  }
}

/** The lines of a table or of a message, for comparing with an indented literal. */
export function lines(...expected: readonly string[]): string {
  return `${expected.join('\n')}\n`;
}
