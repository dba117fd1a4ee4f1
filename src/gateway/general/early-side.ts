import type { Duplex } from 'node:stream';
import { KIB } from '../../base/units.ts';
import type { UpgradeSide } from './call.ts';

/** What a client may send before its upgrade is answered; then it is no longer read from. */
const EARLY_LIMIT_BYTES = 64 * KIB;

/**
 * Watches the client's side while its upgrade waits: notices that it left, which a socket nobody
 * reads from does not tell, and keeps the little that it may have sent too early.
 */
export class EarlySide implements UpgradeSide {
  readonly socket: Duplex;
  #early: Buffer[];
  #bytes: number;
  #joined = false;

  constructor(socket: Duplex, head: Buffer, onGone: () => void) {
    this.socket = socket;
    this.#early = head.length > 0 ? [head] : [];
    this.#bytes = head.length;
    socket.on('data', this.#onData);
    socket.once('end', onGone);
    socket.once('close', onGone);
    // A reset: `close` follows and tells.
    socket.on('error', () => undefined);
  }

  /** The two sides are one connection now: only a close means that the client left. */
  get joined(): boolean {
    return this.#joined;
  }

  takeEarly(): Buffer {
    this.#joined = true;
    this.socket.off('data', this.#onData);
    this.socket.pause();
    const early = Buffer.concat(this.#early);
    this.#early = [];
    return early;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > EARLY_LIMIT_BYTES) this.socket.pause();
  };
}
