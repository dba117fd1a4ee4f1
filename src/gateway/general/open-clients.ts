import type { Duplex } from 'node:stream';
import type { AppError } from '../../base/errors.ts';
import type { GeneralClient } from './client-side.ts';

/** The requests that go on, by their connections: a client may send several ahead. */
export class OpenClients {
  readonly #bySocket = new Map<Duplex, Set<GeneralClient>>();

  add(client: GeneralClient): void {
    const { socket } = client.request;
    const beside = this.#bySocket.get(socket);
    if (beside === undefined) this.#bySocket.set(socket, new Set([client]));
    else beside.add(client);
  }

  remove(client: GeneralClient): void {
    const { socket } = client.request;
    const beside = this.#bySocket.get(socket);
    beside?.delete(client);
    if (beside?.size === 0) this.#bySocket.delete(socket);
  }

  /**
   * A request before this one was refused and its connection is being closed. What the parser still
   * finds in the bytes behind it may be part of that request, whatever it looks like.
   */
  doomed(socket: Duplex): boolean {
    for (const client of this.#bySocket.get(socket) ?? []) if (client.closing) return true;
    return false;
  }

  /** The parser broke inside the body of the latest request of this connection. */
  failLatest(socket: Duplex, error: AppError): boolean {
    for (const client of this.#bySocket.get(socket) ?? []) {
      if (client.request.complete) continue;
      client.fail(error);
      return true;
    }
    return false;
  }
}
