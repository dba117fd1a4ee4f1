import type { Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { secureOptions, type Certificate } from '../../gateway/certificate.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import { connectInside } from '../../gateway/strict/inner-exchange.ts';
import type { Traffic } from '../../ports/traffic.ts';

/** What clients connect to, and what it does for control. */
export interface Front {
  readonly traffic: Traffic;
  /** Where requests for the server itself go. Called once, before `listen`. */
  serveInside(inner: Server): void;
  /** Resolves with the port; rejects when it cannot be had. */
  listen(host: string, port: number): Promise<number>;
  /** For connections from now on; where plain HTTP is spoken it stays so. */
  setCertificate(certificate: Certificate): void;
  /** Refuses new requests from now on; resolves when all that were taken have ended. */
  beginDrain(): Promise<void>;
  /** Takes no further connection; resolves when the last one is closed. */
  stopListening(): Promise<void>;
  /** Closes those that serve no request, now and as soon as they have served it. */
  closeIdleConnections(): void;
  closeAllConnections(): void;
  /** Once `stopListening` has resolved. */
  close(): Promise<void>;
}

interface Listener {
  readonly server: NetServer;
  closeIdleConnections(): void;
  closeAllConnections(): void;
  setCertificate(certificate: Certificate): void;
}

/** The gateway in the server's own thread. */
export class OwnFront implements Front {
  readonly #gateway: Gateway;
  readonly #forwarder: 'general' | 'strict';
  #listener: Listener | null = null;

  constructor(gateway: Gateway, forwarder: 'general' | 'strict') {
    this.#gateway = gateway;
    this.#forwarder = forwarder;
  }

  get traffic(): Traffic {
    return this.#gateway;
  }

  serveInside(inner: Server): void {
    this.#listener =
      this.#forwarder === 'strict'
        ? this.#gateway.strictServer(connectInside(inner))
        : {
            server: inner,
            closeIdleConnections: () => inner.closeIdleConnections(),
            closeAllConnections: () => inner.closeAllConnections(),
            setCertificate: (certificate) => {
              if (inner instanceof TlsServer) inner.setSecureContext(secureOptions(certificate));
            },
          };
  }

  async listen(host: string, port: number): Promise<number> {
    const server = this.#listener?.server;
    if (server === undefined) throw new Error('impossible (front-4a08): it serves nothing yet');
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return (server.address() as AddressInfo).port;
  }

  setCertificate(certificate: Certificate): void {
    this.#listener?.setCertificate(certificate);
  }

  async beginDrain(): Promise<void> {
    await this.#gateway.beginDrain();
  }

  async stopListening(): Promise<void> {
    const server = this.#listener?.server;
    await new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
  }

  closeIdleConnections(): void {
    this.#listener?.closeIdleConnections();
  }

  closeAllConnections(): void {
    this.#listener?.closeAllConnections();
  }

  async close(): Promise<void> {}
}
