import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { secureOptions, type Certificate } from '../certificate.ts';
import { routeOf, type Routed } from '../steps/route.ts';
import { keepAliveLines } from './answer-writer.ts';
import { ClientConnection, type ConnectionParts } from './client-connection.ts';
import type { StrictClient, StrictClientParts } from './client.ts';
import { InnerExchange, type InnerConnect } from './inner-exchange.ts';

export interface StrictServerParts extends Omit<StrictClientParts, 'keepAliveLines'> {
  /** The domain of the host form; null serves the path form alone. */
  readonly domain: string | null;
  /** Takes what is for an endpoint, or wants another protocol. `onOver`: nothing more goes to its client. */
  serve(client: StrictClient, routed: Routed | null, onOver: () => void): void;
  /** Where all else goes. */
  readonly inner: InnerConnect;
  /** Null: plain HTTP. */
  readonly certificate: Certificate | null;
}

/** Idle connections are looked through at most this often. */
const SWEEP_MS = 250;

/** The listener of the strict forwarder: every connection is read by our own codec. */
export class StrictServer {
  readonly server: Server;
  readonly #parts: StrictServerParts;
  readonly #connections = new Set<ClientConnection>();
  #tls: TlsServer | null = null;
  /** What TLS runs on: those of clients that have not shown themselves yet are among them. */
  readonly #sockets = new Set<Socket>();
  #closing = false;
  #cancelSweep: (() => void) | null = null;
  #sweepAtMs = Infinity;

  constructor(parts: StrictServerParts) {
    this.#parts = parts;
    const connectionParts: ConnectionParts = {
      ...parts,
      keepAliveLines: keepAliveLines(parts.limits.idleTimeoutMs),
      serve: (client, onOver) => this.#serve(client, onOver),
      onDeadline: (connection) => {
        if (this.#closing && connection.idle) connection.socket.destroy();
        else this.#sweepBy(connection.deadlineMs);
      },
      onClosed: (connection) => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#stopSweep();
      },
    };
    // A client's end is ours to answer: it may still be owed the rest of its answer.
    const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };
    const onConnection = (socket: Socket): void => {
      const connection = new ClientConnection(socket, connectionParts);
      this.#connections.add(connection);
      this.#sweepBy(connection.deadlineMs);
    };
    const { certificate, limits } = parts;
    if (certificate === null) {
      this.server = createServer(options, onConnection);
    } else {
      const handshake = { ...secureOptions(certificate), handshakeTimeout: limits.headTimeoutMs };
      this.#tls = createTlsServer({ ...options, ...handshake }, onConnection);
      this.#tls.on('connection', (socket: Socket) => {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
      });
      this.server = this.#tls;
    }
    this.server.maxConnections = parts.limits.connections;
  }

  /** Closes those that serve no request, now and as soon as they have served it. */
  closeIdleConnections(): void {
    this.#closing = true;
    for (const connection of this.#connections) if (connection.idle) connection.socket.destroy();
  }

  closeAllConnections(): void {
    for (const connection of this.#connections) connection.socket.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** For connections from now on. Nothing where plain HTTP is spoken. */
  setCertificate(certificate: Certificate): void {
    this.#tls?.setSecureContext(secureOptions(certificate));
  }

  #serve(client: StrictClient, onOver: () => void): void {
    const { head } = client;
    const routed = routeOf(head, this.#parts.domain);
    if (routed !== null || head.upgrade !== null) this.#parts.serve(client, routed, onOver);
    else new InnerExchange(client, this.#parts.inner).run(onOver);
  }

  #sweepBy(dueMs: number): void {
    if (dueMs >= this.#sweepAtMs) return;
    this.#stopSweep();
    this.#sweepAtMs = dueMs;
    this.#cancelSweep = this.#parts.clock.schedule(dueMs - this.#parts.clock.monotonicMs(), this.#sweep);
  }

  #stopSweep(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    this.#sweepAtMs = Infinity;
  }

  /**
   * Ends the connections whose time is over. One timer serves all of them: a request that begins or ends
   * only notes a time. Until then most of them have got a later one.
   */
  readonly #sweep = (): void => {
    this.#stopSweep();
    const nowMs = this.#parts.clock.monotonicMs();
    let nextMs = Infinity;
    for (const connection of this.#connections) {
      if (connection.deadlineMs <= nowMs) connection.expire();
      if (connection.deadlineMs > nowMs) nextMs = Math.min(nextMs, connection.deadlineMs);
    }
    if (nextMs !== Infinity) this.#sweepBy(Math.max(nextMs, nowMs + SWEEP_MS));
  };
}
