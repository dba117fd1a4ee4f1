import type { Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import type { WorkerAddress } from '../../model/worker.ts';
import { workerAuthority } from '../headers.ts';
import type { GatewayLimits } from '../limits.ts';

/**
 * One connection to a worker, used by one request at a time. A client of its own for each, and not a
 * pool over all, because a slot is given back by what became of *its* connection.
 */
export class WorkerConnection {
  readonly client: Client;
  /** The socket of the last connect; null before the first. */
  socket: Socket | null = null;
  /** That socket's close has been seen. */
  closed = false;

  constructor(address: WorkerAddress, limits: Pick<GatewayLimits, 'connectTimeoutMs' | 'headBytes'>) {
    const connect = buildConnector({ timeout: limits.connectTimeoutMs });
    this.client = new Client(`http://${workerAuthority(address)}`, {
      allowH2: false,
      pipelining: 1,
      // request_timeout bounds the whole request; a slow first token is no fault.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 2 * limits.headBytes,
      // Common servers close idle connections after 2 s (gunicorn) or 5 s (node, uvicorn). One that is
      // dropped earlier by us costs a connect; one that is dropped by them as we write costs a request.
      keepAliveTimeout: 1_000,
      keepAliveMaxTimeout: 60_000,
      keepAliveTimeoutThreshold: 1_000,
      connect: (options, callback) => {
        connect(options, (...result) => {
          const [error, socket] = result;
          if (error === null) {
            this.socket = socket;
            this.closed = false;
            socket.once('close', () => {
              this.closed = true;
            });
          }
          callback(...result);
        });
      },
    });
  }

  /** Calls `task` when the connection is known to be closed; at once when it is, or never was open. */
  whenClosed(task: () => void): void {
    if (this.socket === null || this.closed) task();
    else this.socket.once('close', task);
  }

  destroy(): void {
    void this.client.destroy();
  }
}

/** The idle connections of one worker, last used first. Bounded by the worker's slots. */
export class WorkerConnections {
  readonly address: WorkerAddress;
  readonly #limits: Pick<GatewayLimits, 'connectTimeoutMs' | 'headBytes'>;
  readonly #idle: WorkerConnection[] = [];
  #closed = false;

  constructor(address: WorkerAddress, limits: Pick<GatewayLimits, 'connectTimeoutMs' | 'headBytes'>) {
    this.address = address;
    this.#limits = limits;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  take(): WorkerConnection {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const connection = new WorkerConnection(this.address, this.#limits);
    connection.client.on('disconnect', () => {
      const index = this.#idle.indexOf(connection);
      if (index === -1) return;
      this.#idle.splice(index, 1);
      connection.destroy();
    });
    return connection;
  }

  /** After a complete exchange only: a connection that saw anything else is destroyed. */
  giveBack(connection: WorkerConnection): void {
    if (this.#closed || connection.closed) connection.destroy();
    else this.#idle.push(connection);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }
}
