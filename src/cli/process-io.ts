import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from './io.ts';
import type { Io, Terminal } from './io.ts';

/** The real terminal, clock and files. */
export function processIo(): Io {
  return {
    stdout: terminalOf(process.stdout),
    stderr: terminalOf(process.stderr),
    environment: process.env,
    nowMs: () => Date.now(),
    sleep: async (delayMs) => sleep(delayMs),
    readStdin: async () => text(process.stdin),
    readFile: async (path) => readFile(path, 'utf8'),
    runScript,
  };
}

function terminalOf(stream: NodeJS.WriteStream): Terminal {
  return {
    isTty: stream.isTTY,
    get columns() {
      return stream.isTTY ? stream.columns : null;
    },
    write: (output) => void stream.write(output),
  };
}

/** A shell's way to tell that a signal ended a program. */
const SIGNAL_EXIT_BASE = 128;

async function runScript(path: string, argv: readonly string[]): Promise<number> {
  if (!existsSync(path)) {
    throw new UsageError(`this installation has no ${path}; run it from a clone of the repository`);
  }
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...argv], {
    stdio: 'inherit',
  });
  // Both are waited out by the child: it stops in its own time, and this process reports how it ended.
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  // The terminal gives Ctrl-C to the child as well, and a second one may mean "stop at once" to it.
  const interrupt = (): void => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  };
  process.on('SIGTERM', forward).on('SIGHUP', forward).on('SIGINT', interrupt);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        resolve(signal === null ? (code ?? 1) : SIGNAL_EXIT_BASE + constants.signals[signal]);
      });
    });
  } finally {
    process.off('SIGTERM', forward).off('SIGHUP', forward).off('SIGINT', interrupt);
  }
}
