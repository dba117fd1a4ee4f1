import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What becomes of one request. `onEnd` or `onFail` comes last, once. */
export interface AnswerListener {
  onHead?(status: number, head: string): void;
  onBody?(chunk: Buffer): void;
  onEnd(): void;
  onFail(error: Error): void;
}

const HEAD_END = '\r\n\r\n';

/**
 * One keep-alive connection of the load, one request at a time. It reads as little of an answer as
 * tells where the next begins, so that the load costs little beside what it measures.
 */
export class HttpConnection {
  readonly socket: Socket;
  #listener: AnswerListener | null = null;
  #rest: Buffer = Buffer.alloc(0);
  #reading: 'head' | 'body' | 'chunkSize' | 'chunk' | 'chunkEnd' | 'trailer' | 'untilClose' | 'raw' = 'head';
  #left = 0;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.socket.on('error', (error) => this.#fail(error));
    this.socket.on('close', () => {
      if (this.#reading === 'untilClose') this.#end();
      this.#fail(new Error('the connection was closed'));
    });
  }

  static async open(port: number): Promise<HttpConnection> {
    const connection = new HttpConnection(port);
    await once(connection.socket, 'connect');
    return connection;
  }

  get busy(): boolean {
    return this.#listener !== null;
  }

  /** Writes a request; `bytes` may be its head alone, with the body written to the socket. */
  send(bytes: Buffer | string, listener: AnswerListener): void {
    this.#listener = listener;
    this.#reading = 'head';
    this.socket.write(bytes);
  }

  /** The same, for whoever needs nothing but the end of it. */
  async request(bytes: Buffer | string): Promise<{ status: number; head: string; body: string }> {
    return await new Promise((resolve, reject) => {
      let status = 0;
      let head = '';
      let body = '';
      this.send(bytes, {
        onHead: (given, text) => {
          status = given;
          head = text;
        },
        onBody: (chunk) => void (body += chunk.toString('latin1')),
        onEnd: () => resolve({ status, head, body }),
        onFail: reject,
      });
    });
  }

  close(): void {
    this.#listener = null;
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length > 0 && this.#listener !== null) {
      const taken = this.#take(bytes);
      if (taken === 0) break;
      bytes = bytes.subarray(taken);
    }
    this.#rest = bytes;
  }

  /** How many bytes were understood; 0 when more are needed. */
  #take(bytes: Buffer): number {
    switch (this.#reading) {
      case 'head':
        return this.#takeHead(bytes);
      case 'body':
      case 'chunk': {
        const part = bytes.subarray(0, this.#left);
        this.#listener?.onBody?.(part);
        this.#left -= part.length;
        if (this.#left === 0) {
          if (this.#reading === 'body') this.#end();
          else this.#reading = 'chunkEnd';
        }
        return part.length;
      }
      case 'untilClose':
      case 'raw':
        this.#listener?.onBody?.(bytes);
        return bytes.length;
      default:
        return this.#takeLine(bytes);
    }
  }

  #takeLine(bytes: Buffer): number {
    const end = bytes.indexOf('\r\n');
    if (end === -1) return 0;
    if (this.#reading === 'chunkEnd') this.#reading = 'chunkSize';
    else if (this.#reading === 'trailer') {
      if (end === 0) this.#end();
    } else {
      this.#left = Number.parseInt(bytes.toString('latin1', 0, end), 16);
      this.#reading = this.#left === 0 ? 'trailer' : 'chunk';
    }
    return end + 2;
  }

  #takeHead(bytes: Buffer): number {
    const end = bytes.indexOf(HEAD_END);
    if (end === -1) return 0;
    const head = bytes.toString('latin1', 0, end + 2);
    const status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
    if (status === 101) this.#reading = 'raw';
    else if (length !== null) {
      this.#left = Number(length[1]);
      this.#reading = 'body';
    } else this.#reading = /\r\ntransfer-encoding: *chunked\r\n/i.test(head) ? 'chunkSize' : 'untilClose';
    this.#listener?.onHead?.(status, head);
    if (this.#reading === 'body' && this.#left === 0) this.#end();
    return end + HEAD_END.length;
  }

  #end(): void {
    const listener = this.#listener;
    this.#listener = null;
    this.#reading = 'head';
    listener?.onEnd();
  }

  #fail(error: Error): void {
    const listener = this.#listener;
    this.#listener = null;
    listener?.onFail(error);
  }
}
