import { connect, type Socket } from 'node:net';
import type { WorkerAddress } from '../../model/worker.ts';
import { Outgoing } from './outgoing.ts';

/** The exchange that a connection serves. */
export interface ConnectionUser {
  onConnect(): void;
  onData(bytes: Buffer): void;
  /** The worker takes more. */
  onDrain(): void;
  /** The worker sends no more. */
  onEnd(): void;
  /** `error`: why, where it was not orderly. */
  onClose(error: Error | null): void;
}

/** One connection to a worker, used by one exchange at a time. */
export class WorkerConnection {
  readonly socket: Socket;
  readonly out: Outgoing;
  user: ConnectionUser | null = null;
  /** Monotonic; when an idle one is closed. */
  idleUntilMs = 0;
  #connected = false;
  #closed = false;
  #error: Error | null = null;
  readonly #onIdleEnd: (connection: WorkerConnection) => void;

  /** `onIdleEnd`: it ended, or said something, while nobody used it. */
  constructor(address: WorkerAddress, onIdleEnd: (connection: WorkerConnection) => void) {
    this.#onIdleEnd = onIdleEnd;
    this.socket = connect({ host: address.host, port: address.port, noDelay: true });
    this.out = new Outgoing(this.socket);
    this.socket.on('connect', () => {
      this.#connected = true;
      this.user?.onConnect();
    });
    this.socket.on('data', (bytes: Buffer) => {
      // An answer that nobody asked for must not become the answer to the next request.
      if (this.user === null) this.#onIdleEnd(this);
      else this.user.onData(bytes);
    });
    this.socket.on('drain', () => {
      this.user?.onDrain();
    });
    this.socket.on('end', () => {
      if (this.user === null) this.#onIdleEnd(this);
      else this.user.onEnd();
    });
    this.socket.on('error', (error) => {
      this.#error = error;
    });
    this.socket.on('close', () => {
      this.#closed = true;
      if (this.user === null) this.#onIdleEnd(this);
      else this.user.onClose(this.#error);
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  get closed(): boolean {
    return this.#closed;
  }
}
