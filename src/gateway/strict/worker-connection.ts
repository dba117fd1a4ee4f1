import { connect, type Socket } from 'node:net';
import type { WorkerAddress } from '../../model/worker.ts';
import { KIB } from '../../base/units.ts';
import { AnswerReader, type AnswerHandler } from '../../http1/answer-reader.ts';
import { Outgoing } from './outgoing.ts';

/** The exchange that a connection serves. */
export interface ConnectionUser {
  onConnect(): void;
  /** The bytes are lent until it returns. */
  onData(bytes: Buffer): void;
  /** The worker takes more. */
  onDrain(): void;
  /** The worker sends no more. */
  onEnd(): void;
  /** `error`: why, where it was not orderly. */
  onClose(error: Error | null): void;
}

/**
 * All connections read into it, one after the other: each read is used up before it returns. Memory of its
 * own for each read costs more than the rest of the read.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * KIB);

/** One connection to a worker, used by one exchange at a time. */
export class WorkerConnection {
  readonly socket: Socket;
  readonly out: Outgoing;
  readonly reader: AnswerReader;
  user: ConnectionUser | null = null;
  /** It has served a request. */
  served = false;
  /** Monotonic; since when it is idle, and when an idle one is closed. */
  idleSinceMs = 0;
  idleUntilMs = 0;
  #connected = false;
  #closed = false;
  #error: Error | null = null;
  readonly #onIdleEnd: (connection: WorkerConnection) => void;

  /**
   * `asStream`: what it reads may be handed on to another protocol, for which it must be a stream like any
   * other. `onIdleEnd`: it ended, or said something, while nobody used it.
   */
  constructor(
    address: WorkerAddress,
    headLimitBytes: number,
    asStream: boolean,
    onIdleEnd: (connection: WorkerConnection) => void,
  ) {
    this.#onIdleEnd = onIdleEnd;
    const { host, port } = address;
    const callback = (length: number, buffer: Uint8Array): boolean => {
      this.#onData((buffer as Buffer).subarray(0, length));
      return true;
    };
    const onread = asStream ? undefined : { buffer: READ_BUFFER, callback };
    this.socket = connect({ host, port, noDelay: true, ...(onread === undefined ? {} : { onread }) });
    this.out = new Outgoing(this.socket, false);
    this.reader = new AnswerReader('', headLimitBytes, NOBODY);
    this.socket.on('connect', () => {
      this.#connected = true;
      this.user?.onConnect();
    });
    if (asStream) this.socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    // Without a listener for data nothing else makes it tell its end.
    else this.socket.resume();
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

  #onData(bytes: Buffer): void {
    // An answer that nobody asked for must not become the answer to the next request.
    if (this.user === null) this.#onIdleEnd(this);
    else this.user.onData(bytes);
  }

  get connected(): boolean {
    return this.#connected;
  }

  get closed(): boolean {
    return this.#closed;
  }
}

const nothing = (): void => undefined;
const NOBODY: AnswerHandler = { onHead: nothing, onPiece: nothing, onComplete: nothing };
