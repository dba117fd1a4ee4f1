import type { Clock } from '../../base/clock.ts';
import type { WorkerAddress } from '../../model/worker.ts';
import { MINUTE_MS, SECOND_MS } from '../../base/units.ts';
import { workerAuthority } from '../headers.ts';
import { WorkerConnection } from './worker-connection.ts';

/**
 * Common servers close idle connections after 2 s (gunicorn) or 5 s (node, uvicorn). One that is dropped
 * earlier by us costs a connect; one that is dropped by them as we write costs a request.
 */
const IDLE_MS = SECOND_MS;
/** How much earlier than a worker says that it closes. */
const MARGIN_MS = SECOND_MS;
const IDLE_MAX_MS = MINUTE_MS;
/** One that ends so soon behind an answer was closed because of it, though the answer did not say so. */
const UNSAID_MS = SECOND_MS / 10;
/** How long such a worker is given a new connection for each request. */
const DISTRUST_MS = MINUTE_MS;

/** The idle connections of one worker, last used first. Bounded by the worker's slots. */
export class WorkerConnections {
  readonly address: WorkerAddress;
  /** As a Host header has it. */
  readonly authority: string;
  readonly #headLimitBytes: number;
  readonly #clock: Clock;
  readonly #idle: WorkerConnection[] = [];
  #cancelSweep: (() => void) | null = null;
  #closed = false;
  /** Monotonic; until then no connection is kept. */
  #distrustUntilMs = 0;

  /** `headLimitBytes`: of an answer's head. */
  constructor(address: WorkerAddress, headLimitBytes: number, clock: Clock) {
    this.#headLimitBytes = headLimitBytes;
    this.address = address;
    this.authority = workerAuthority(address);
    this.#clock = clock;
  }

  /** An idle connection, or one that is being opened. `asStream`: always a new one. */
  take(asStream: boolean): WorkerConnection {
    if (asStream) return this.#open(true);
    const nowMs = this.#clock.monotonicMs();
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.idleUntilMs > nowMs && !idle.socket.destroyed) return idle;
      idle.socket.destroy();
    }
    return this.#open(false);
  }

  /** After a complete exchange only. `keepAliveMs`: how long the worker said it keeps it; null when it did not. */
  giveBack(connection: WorkerConnection, keepAliveMs: number | null): void {
    connection.user = null;
    const idleMs = keepAliveMs === null ? IDLE_MS : Math.min(keepAliveMs - MARGIN_MS, IDLE_MAX_MS);
    if (this.#closed || idleMs <= 0 || connection.closed || connection.socket.destroyed) {
      connection.socket.destroy();
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#distrustUntilMs) {
      connection.socket.destroy();
      return;
    }
    connection.served = true;
    connection.idleSinceMs = nowMs;
    connection.idleUntilMs = nowMs + idleMs;
    this.#idle.push(connection);
    this.#cancelSweep ??= this.#clock.schedule(idleMs, this.#sweep);
  }

  /**
   * The worker closed a connection that it had served on, before it answered: it closes behind its answers
   * without saying so, and each request that came between was lost.
   */
  closedUnsaid(): void {
    this.#distrustUntilMs = this.#clock.monotonicMs() + DISTRUST_MS;
    for (const connection of this.#idle.splice(0)) connection.socket.destroy();
  }

  close(): void {
    this.#closed = true;
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    for (const connection of this.#idle.splice(0)) connection.socket.destroy();
  }

  /** One timer for all: it closes those whose time is over and looks again when the next one's is. */
  readonly #sweep = (): void => {
    this.#cancelSweep = null;
    const nowMs = this.#clock.monotonicMs();
    const left = this.#idle.splice(0).filter((connection) => {
      if (connection.idleUntilMs > nowMs) return true;
      connection.socket.destroy();
      return false;
    });
    this.#idle.push(...left);
    if (left.length === 0) return;
    const nextMs = Math.min(...left.map((connection) => connection.idleUntilMs));
    this.#cancelSweep = this.#clock.schedule(nextMs - nowMs, this.#sweep);
  };

  #open(asStream: boolean): WorkerConnection {
    return new WorkerConnection(this.address, this.#headLimitBytes, asStream, (connection) => {
      this.#drop(connection);
    });
  }

  #drop(connection: WorkerConnection): void {
    const index = this.#idle.indexOf(connection);
    if (index !== -1) {
      this.#idle.splice(index, 1);
      if (this.#clock.monotonicMs() - connection.idleSinceMs < UNSAID_MS) this.closedUnsaid();
    }
    connection.socket.destroy();
  }
}
