/** Everything a command may touch outside of itself, so that tests run it in their own process. */
export interface Io {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /** Somebody is there to be asked. */
  readonly stdinIsTty: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  nowMs(): number;
  sleep(delayMs: number): Promise<void>;
  /** All of the standard input. */
  readStdin(): Promise<string>;
  /** Shows the question and reads one line; empty when there is none. */
  ask(question: string): Promise<string>;
  /** The same, and what is typed is not shown. */
  askUnseen(question: string): Promise<string>;
  /** Rejects with Node's own error when the file cannot be read. */
  readFile(path: string): Promise<string>;
  /** Rejects as `readFile` does, and when the file has more bytes than `limitBytes`. */
  readBytes(path: string, limitBytes: number): Promise<Uint8Array>;
  /** Runs a script of this package on the same terminal; resolves with its exit code. */
  runScript(path: string, argv: readonly string[]): Promise<number>;
}

export interface Terminal {
  readonly isTty: boolean;
  /** Null where it is not a terminal. */
  readonly columns: number | null;
  write(text: string): void;
}

/** What the shell sees. */
export const EXIT = {
  ok: 0,
  /** The server refused, or the rollout failed. */
  failed: 1,
  usage: 2,
  unreachable: 3,
  authentication: 4,
} as const;

export class UsageError extends Error {
  override readonly name = 'UsageError';
}
