import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { SpawnerReply, SpawnerRequest, SpawnerSetup } from './spawner-message.ts';

/** Beside this file, in the form this file has: source in the repository, compiled in the package. */
const SPAWNER_FILE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './spawner.ts' : './spawner.js', import.meta.url),
);
const RELAUNCH_MS = { first: 10, last: 5_000 };
/** The spawner leaves at once unless a stop's grace runs; that it finishes on its own. */
const CLOSE_WAIT_MS = 1_000;

interface ChannelEvents {
  onReply(reply: Exclude<SpawnerReply, { kind: 'ready' }>): void;
  /** A new spawner runs and knows nothing: tell it all again, in this turn. */
  onRelaunch(): void;
}

/** The server's end of the spawner: launches it, launches it again when it dies, passes messages. */
export class SpawnerChannel {
  readonly #setup: SpawnerSetup;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #events: ChannelEvents;
  readonly #ready = Promise.withResolvers<void>();
  #child: ChildProcess | null = null;
  #wasReady = false;
  #closed = false;
  #relaunchMs = RELAUNCH_MS.first;
  #cancelRelaunch: (() => void) | null = null;

  constructor(setup: SpawnerSetup, clock: Clock, log: Log, events: ChannelEvents) {
    this.#setup = setup;
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
    // Whoever asks for `ready` gets the rejection; nobody asking must not end the process.
    this.#ready.promise.catch(() => undefined);
    this.#launch();
  }

  /** Rejects when the first spawner could not be started. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Written to the channel in this turn. While no spawner runs it is dropped: `onRelaunch` repeats it. */
  send(request: SpawnerRequest): void {
    if (this.#child?.connected !== true) return;
    // A failed write means that the spawner died; its exit follows and everything is told again.
    this.#child.send(request, () => undefined);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelRelaunch?.();
    this.#ready.reject(new AppError('SHUTTING_DOWN', 'the driver was closed'));
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = Promise.withResolvers<void>();
    child.once('exit', () => gone.resolve());
    if (child.connected) child.disconnect();
    const cancel = this.#clock.schedule(CLOSE_WAIT_MS, () => gone.resolve());
    await gone.promise;
    cancel();
    child.unref();
  }

  #launch(): void {
    const child = fork(SPAWNER_FILE, [], {
      detached: true,
      env: { ...this.#setup.environment },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    // A program that cannot be run gives `error` alone, else there is an `exit`; both may come.
    let over = false;
    const onOver = (reason: string): void => {
      if (over) return;
      over = true;
      this.#onOver(reason);
    };
    child.on('error', (error) => onOver(error.message));
    child.once('exit', (code, signal) => onOver(`exit code ${code ?? 'none'}, signal ${signal ?? 'none'}`));
    child.on('message', (message) => this.#onMessage(message as SpawnerReply));
    this.send({ kind: 'setUp', setup: this.#setup });
  }

  #onMessage(reply: SpawnerReply): void {
    if (this.#closed) return;
    if (reply.kind !== 'ready') {
      this.#events.onReply(reply);
      return;
    }
    this.#wasReady = true;
    this.#relaunchMs = RELAUNCH_MS.first;
    this.#ready.resolve();
  }

  #onOver(reason: string): void {
    if (this.#closed) return;
    this.#child = null;
    if (!this.#wasReady) {
      const message = `the process that starts workers could not be started (${reason})`;
      this.#ready.reject(new AppError('WORKER_START_FAILED', message));
    }
    this.#log.warn('the spawner died and is started again; workers run on', { reason });
    this.#cancelRelaunch = this.#clock.schedule(this.#relaunchMs, () => {
      this.#launch();
      this.#events.onRelaunch();
    });
    this.#relaunchMs = Math.min(this.#relaunchMs * 2, RELAUNCH_MS.last);
  }
}
