import { ManualClock } from '../../src/base/manual-clock.ts';
import { start, type StartOptions } from '../../src/worker/start.ts';
import type { StubService } from './stub-service.ts';

/** A worker of the kit in this process, on a clock that stands still, which ends with the test. */
export class RunningWorker {
  readonly clock = new ManualClock();
  readonly logged: string[] = [];
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();

  constructor(
    service: StubService,
    options: StartOptions,
    environment: Readonly<Record<string, string>> = service.environment(),
  ) {
    this.ended = start({
      environment,
      clock: this.clock,
      random: { next: () => 0.5 },
      signal: this.#stop.signal,
      onLog: (text) => void this.logged.push(text),
      ...options,
    });
    // Whoever waits for the end sees its failure; until then it is no stray.
    this.ended.catch(() => undefined);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Lets pauses pass, one timer after the other, until `done` resolves. */
  async untilDone<Value>(done: Promise<Value>): Promise<Value> {
    let over = false;
    const value = done.finally(() => {
      over = true;
    });
    value.catch(() => undefined);
    for (;;) {
      // A turn for the sockets, then the next pause.
      await new Promise((resolve) => setImmediate(resolve));
      if (over) return await value;
      const dueMs = this.clock.nextDueMs();
      if (dueMs !== null) this.clock.advanceTo(dueMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.untilDone(this.ended.catch(() => undefined));
  }
}
