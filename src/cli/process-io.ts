import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from './io.ts';
import type { Io, Terminal } from './io.ts';

/** The real terminal, clock and files. */
export function processIo(): Io {
  return {
    stdout: terminalOf(process.stdout),
    stderr: terminalOf(process.stderr),
    stdinIsTty: process.stdin.isTTY,
    environment: process.env,
    nowMs: () => Date.now(),
    sleep: async (delayMs) => sleep(delayMs),
    readStdin: async () => text(process.stdin),
    ask,
    askUnseen,
    readFile: async (path) => readFile(path, 'utf8'),
    readBytes,
    runScript,
  };
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    // Ctrl-D and Ctrl-C end it without an answer.
    const closed = once(lines, 'close').then(() => '');
    return await Promise.race([lines.question(question).catch(() => ''), closed]);
  } finally {
    lines.close();
  }
}

async function askUnseen(question: string): Promise<string> {
  process.stdout.write(question);
  // The terminal shows nothing by itself while a line is read from it, and this shows nothing instead.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    const closed = once(lines, 'close').then(() => '');
    return await Promise.race([lines.question('').catch(() => ''), closed]);
  } finally {
    lines.close();
    process.stdout.write('\n');
  }
}

async function readBytes(path: string, limitBytes: number): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > limitBytes) throw new Error(`it has ${size} bytes; at most ${limitBytes} are taken`);
  return await readFile(path);
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
const FORWARDED_SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

async function runScript(path: string, argv: readonly string[]): Promise<number> {
  if (!existsSync(path)) {
    throw new UsageError(`this installation has no ${path}; run it from a clone of the repository`);
  }
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...argv], {
    stdio: 'inherit',
  });
  // All are waited out by the child: it stops in its own time, and this process reports how it ended.
  // A Ctrl-C reaches it from the terminal too; it takes the two within a moment for one.
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of FORWARDED_SIGNALS) process.on(signal, forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        resolve(signal === null ? (code ?? 1) : SIGNAL_EXIT_BASE + constants.signals[signal]);
      });
    });
  } finally {
    for (const signal of FORWARDED_SIGNALS) process.off(signal, forward);
  }
}
