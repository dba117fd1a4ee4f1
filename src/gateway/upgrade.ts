import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { UpgradeSide } from './forwarder.ts';
import type { HeaderList } from './headers.ts';
import { KIB } from '../base/units.ts';

/** What a client may send before its upgrade is answered; then it is no longer read from. */
const EARLY_LIMIT_BYTES = 64 * KIB;

/**
 * Joins the client's and the worker's side once the worker agreed to the other protocol. Each side's
 * end is passed to the other, and its backpressure too; a side that breaks takes the other with it.
 */
export function tunnel(ends: {
  readonly upgrade: UpgradeSide;
  readonly worker: Socket;
  readonly answer: IncomingMessage;
  readonly head: Buffer;
  readonly own: HeaderList;
}): void {
  const { worker, answer, head } = ends;
  const client = ends.upgrade.socket;
  client.write(answerHead(answer, ends.own), 'latin1');
  if (head.length > 0) client.write(head);
  const early = ends.upgrade.takeEarly();
  if (early.length > 0) worker.write(early);
  worker.on('close', () => {
    // Not at its error already: the client's close would then look like the cause. After an orderly
    // end the last bytes are still on their way to the client.
    if (!client.writableEnded) client.destroy();
  });
  worker.pipe(client);
  client.pipe(worker);
}

/** The head of a 101 keeps its hop-by-hop headers: they are what was agreed on. */
function answerHead(answer: IncomingMessage, own: HeaderList): string {
  const { rawHeaders } = answer;
  let head = `HTTP/1.1 ${answer.statusCode ?? 101} ${answer.statusMessage || 'Switching Protocols'}\r\n`;
  for (const list of [rawHeaders, own]) {
    for (let index = 0; index + 1 < list.length; index += 2) head += `${list[index]}: ${list[index + 1]}\r\n`;
  }
  return `${head}\r\n`;
}

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
