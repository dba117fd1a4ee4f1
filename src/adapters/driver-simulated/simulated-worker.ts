import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { UNSEEN_EXIT, type WorkerExit } from '../../model/worker-exit.ts';
import type { WorkerAddress } from '../../model/worker.ts';
import type { FoundWorker, WorkerLog, WorkerOrder } from '../../ports/driver.ts';
import { endAbruptly } from './answer-server.ts';
import type { SimulatedKnobs } from './simulated-knobs.ts';

const LOG_LIMIT_BYTES = 64 * 1024;

/** One worker that exists as timers and memory alone, and as a small HTTP server where it answers. */
export class SimulatedWorker {
  readonly order: WorkerOrder;
  readonly knobs: SimulatedKnobs;
  readonly ended = Promise.withResolvers<WorkerExit>();
  addresses: Readonly<Record<number, WorkerAddress>> = {};
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #startedMonotonicMs: number;
  readonly #cancels = new Set<() => void>();
  #server: Server | null = null;
  #exit: WorkerExit | null = null;
  #log = '';
  #droppedBytes = 0;

  constructor(order: WorkerOrder, knobs: SimulatedKnobs, clock: Clock) {
    this.order = order;
    this.knobs = knobs;
    this.#clock = clock;
    this.#startedAtMs = clock.nowMs();
    this.#startedMonotonicMs = clock.monotonicMs();
    this.#write(`simulated worker ${order.workerId} of revision ${order.revision} started\n`);
    if (knobs.logBytes > 0) this.#write('flood of the log\n'.repeat(Math.ceil(knobs.logBytes / 17)));
  }

  get exit(): WorkerExit | null {
    return this.#exit;
  }

  /** How long until it can take requests, 0 when it can; null when it never will. */
  untilReadyMs(): number | null {
    if (this.knobs.neverReady || this.#exit !== null) return null;
    return Math.max(0, this.knobs.startMs - this.#ageMs());
  }

  untilUnhealthyMs(): number | null {
    const { unhealthyAfterMs } = this.knobs;
    return unhealthyAfterMs === null ? null : Math.max(0, unhealthyAfterMs - this.#ageMs());
  }

  /** From now on its own end may come. */
  run(addresses: Readonly<Record<number, WorkerAddress>>, server: Server | null): void {
    this.addresses = addresses;
    this.#server = server;
    const { exitAfterMs, exitCode, vanishAfterMs } = this.knobs;
    if (exitAfterMs !== null) this.after(exitAfterMs, () => this.end({ ...UNSEEN_EXIT, code: exitCode }));
    if (vanishAfterMs !== null) this.after(vanishAfterMs, () => this.end(UNSEEN_EXIT));
  }

  stop(graceMs: number): void {
    const obeys = !this.knobs.ignoreStop && this.knobs.stopMs <= graceMs;
    if (obeys) this.after(this.knobs.stopMs, () => this.end({ ...UNSEEN_EXIT, code: 0 }));
    else this.after(graceMs, () => this.end({ ...UNSEEN_EXIT, signal: 'SIGKILL' }));
  }

  /** Runs `task` unless the worker ends, or the returned function is called, before. */
  after(delayMs: number, task: () => void): () => void {
    const cancel = this.#clock.schedule(delayMs, () => {
      this.#cancels.delete(cancel);
      task();
    });
    this.#cancels.add(cancel);
    return () => {
      this.#cancels.delete(cancel);
      cancel();
    };
  }

  end(exit: WorkerExit): void {
    if (this.#exit !== null) return;
    this.#exit = exit;
    this.#write(`ended with code ${exit.code ?? 'unknown'}, signal ${exit.signal ?? 'none'}\n`);
    this.#letGo();
    this.ended.resolve(exit);
  }

  /** Frees timers and sockets without an end: the driver is closed. */
  close(): void {
    this.#letGo();
  }

  found(): FoundWorker {
    const { workerId, endpointId, revision, devices, fence } = this.order;
    return {
      workerId,
      endpointId,
      revision,
      devices,
      fence,
      addresses: this.addresses,
      running: this.#exit === null,
      startedAtMs: this.#startedAtMs,
      exit: this.#exit,
    };
  }

  log(maxBytes: number): WorkerLog {
    const text = maxBytes <= 0 ? '' : this.#log.slice(-maxBytes);
    return { text, droppedBytes: this.#droppedBytes + this.#log.length - text.length };
  }

  /** What a request to it gets: a small JSON that tells who answered. */
  answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const isReady = this.untilReadyMs() === 0;
    this.after(this.knobs.latencyMs, () => {
      response.writeHead(isReady ? this.knobs.status : 503, { 'content-type': 'application/json' });
      const { workerId, endpointId, revision } = this.order;
      const { method, url } = request;
      response.end(JSON.stringify({ simulated: true, endpointId, revision, workerId, method, url }));
    });
  }

  /** All that is written is ASCII: a character is a byte. */
  #write(text: string): void {
    const whole = this.#log + text;
    this.#log = whole.slice(-LOG_LIMIT_BYTES);
    this.#droppedBytes += whole.length - this.#log.length;
  }

  #letGo(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    if (this.#server !== null) endAbruptly(this.#server);
    this.#server = null;
  }

  #ageMs(): number {
    return this.#clock.monotonicMs() - this.#startedMonotonicMs;
  }
}
