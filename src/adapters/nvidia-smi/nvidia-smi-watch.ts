import { fork, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import { SECOND_MS } from '../../base/units.ts';
import type { DeviceReading, DeviceWatch } from '../../ports/device-watch.ts';
import type { DeviceAnswer, DeviceQuestion } from './nvidia-smi-message.ts';

const PROGRAM = 'nvidia-smi';
/** Beside this file, in the form this file has: source in the repository, compiled in the package. */
const ASKER_FILE = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? './nvidia-smi-asker.ts' : './nvidia-smi-asker.js',
    import.meta.url,
  ),
);
/** Of one question; without the driver's persistence mode the first one after boot takes tens of seconds. */
const QUESTION_TIMEOUT_MS = 50 * SECOND_MS;
/** A program that hangs in the kernel cannot be ended: nobody waits longer for it than this. */
const ANSWER_TIMEOUT_MS = 60 * SECOND_MS;
/** Of the server's environment, what the program needs to run. */
const PASSED_ON = ['PATH', 'HOME', 'LD_LIBRARY_PATH'] as const;

interface NvidiaSmiOptions {
  readonly clock: Clock;
  /** The server's environment, in which the program is looked for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly answerTimeoutMs?: number;
}

/** Null on a machine without `nvidia-smi`. */
export function openNvidiaSmi(options: NvidiaSmiOptions): DeviceWatch | null {
  return isOnPath(options.environment['PATH'] ?? '') ? new NvidiaSmiWatch(options) : null;
}

/** The server's end of the process that asks. It is launched by the first question, and again when it dies. */
class NvidiaSmiWatch implements DeviceWatch {
  readonly #clock: Clock;
  readonly #environment: Record<string, string>;
  readonly #answerTimeoutMs: number;
  #child: ChildProcess | null = null;
  /** The question that was asked, until its answer came or the process that had it is gone. */
  #asked: Asked | null = null;
  /** For those that came later. */
  #next: Promise<DeviceReading> | null = null;
  #closed = false;

  constructor({ clock, environment, answerTimeoutMs = ANSWER_TIMEOUT_MS }: NvidiaSmiOptions) {
    this.#clock = clock;
    this.#answerTimeoutMs = answerTimeoutMs;
    this.#environment = {};
    for (const name of PASSED_ON) {
      const value = environment[name];
      if (value !== undefined) this.#environment[name] = value;
    }
  }

  read(): Promise<DeviceReading> {
    if (this.#closed) return Promise.reject(unreadable('the server stops'));
    if (this.#asked === null) return this.#ask();
    // One more process each time would pile up beside one that the kernel does not let go.
    if (this.#asked.overdue) return Promise.reject(unreadable('it has not answered an earlier question'));
    this.#next ??= this.#asked.answer.promise
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.read();
      });
    return this.#next;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.disconnect();
    await gone;
  }

  #ask(): Promise<DeviceReading> {
    const asked: Asked = { answer: Promise.withResolvers<DeviceReading>(), overdue: false };
    this.#asked = asked;
    const cancel = this.#clock.schedule(this.#answerTimeoutMs, () => {
      asked.overdue = true;
      asked.answer.reject(unreadable(`it has not answered for ${this.#answerTimeoutMs / SECOND_MS} s`));
    });
    void asked.answer.promise.catch(() => undefined).then(cancel);
    this.#child ??= this.#launch();
    const question: DeviceQuestion = { timeoutMs: QUESTION_TIMEOUT_MS };
    // A failed write means that the process died; its end follows and answers.
    this.#child.send(question, () => undefined);
    return asked.answer.promise;
  }

  #launch(): ChildProcess {
    const child = fork(ASKER_FILE, [], {
      detached: true,
      env: this.#environment,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (message) => this.#onAnswer(message as DeviceAnswer));
    const onOver = (reason: string): void => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#settle((asked) =>
        asked.answer.reject(unreadable(`the process that asks it is gone (${reason})`)),
      );
    };
    child.on('error', (error) => onOver(error.message));
    child.once('exit', (code, signal) => onOver(`exit code ${code ?? 'none'}, signal ${signal ?? 'none'}`));
    return child;
  }

  #onAnswer(answer: DeviceAnswer): void {
    this.#settle((asked) => {
      if ('reading' in answer) asked.answer.resolve(answer.reading);
      else asked.answer.reject(unreadable(answer.failure));
    });
  }

  #settle(settle: (asked: Asked) => void): void {
    const asked = this.#asked;
    this.#asked = null;
    if (asked !== null) settle(asked);
  }
}

interface Asked {
  readonly answer: PromiseWithResolvers<DeviceReading>;
  /** Nobody waits for it any more. */
  overdue: boolean;
}

function isOnPath(path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, PROGRAM), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}

function unreadable(why: string): AppError {
  return new AppError(
    'DEVICES_UNREADABLE',
    `nvidia-smi could not tell about the GPUs of this machine: ${why}. Run it by hand to see what it says.`,
  );
}
