import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A request that reached the program behind a proxy, whole. */
export interface Received {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

const LAST_CHUNK = /^0\r\n(?:[^\r\n]+\r\n)*\r\n/;
const CHUNK = /^([0-9a-f]+)\r\n/i;

/**
 * The program behind a proxy: it answers 200 to every whole request, and keeps what it was. It reads
 * the plain form that proxies write and nothing else, so that a byte too many is seen.
 */
export class RecordingUpstream {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  received: Received[] = [];
  /** What a proxy passed on and cannot be read. */
  broken: string[] = [];
  /** Called for every byte that comes. */
  onActivity: () => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async open(): Promise<RecordingUpstream> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RecordingUpstream(server);
  }

  forget(): void {
    this.received = [];
    this.broken = [];
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    let text = '';
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      this.onActivity();
      text += bytes.toString('latin1');
      for (let read = readRequest(text); read !== null; read = readRequest(text)) {
        if (read === 'broken') {
          this.broken.push(text.slice(0, 200));
          socket.destroy();
          return;
        }
        this.received.push(read.request);
        text = text.slice(read.length);
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${read.request.method === 'HEAD' ? '' : 'ok'}`,
        );
        if (read.last) {
          socket.end();
          return;
        }
      }
    });
  }
}

/** Null while it is not whole. */
function readRequest(text: string): { request: Received; length: number; last: boolean } | 'broken' | null {
  if (text === '') return null;
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...fields] = text.slice(0, end === -1 ? text.length : end).split('\r\n');
  const start = /^([!-~]+) ([!-\xff]+) HTTP\/1\.[01]$/.exec(line);
  if (end === -1) return null;
  if (start === null || fields.some((field) => !/^[!-9;-~]+:[^\r\n\0]*$/.test(field))) return 'broken';
  const valuesOf = (name: string): string[] =>
    fields.flatMap((field) => {
      const [given = '', ...rest] = field.split(':');
      return given.toLowerCase() === name ? [rest.join(':').trim()] : [];
    });
  const lengths = valuesOf('content-length');
  const encodings = valuesOf('transfer-encoding');
  if (lengths.length + encodings.length > 1) return 'broken';
  if (lengths.some((one) => !/^\d+$/.test(one)) || encodings.some((one) => one !== 'chunked'))
    return 'broken';
  const body =
    encodings.length === 0
      ? text.slice(end + 4, end + 4 + Number(lengths[0] ?? 0))
      : readChunks(text.slice(end + 4));
  if (body === null || body === 'broken') return body;
  const content = typeof body === 'string' ? { content: body, length: body.length } : body;
  if (lengths.length > 0 && content.length < Number(lengths[0])) return null;
  const request = { method: start[1] ?? '', target: start[2] ?? '', body: content.content };
  const last = line.endsWith('1.0') || valuesOf('connection').some((one) => /\bclose\b/i.test(one));
  return { request, length: end + 4 + content.length, last };
}

function readChunks(text: string): { content: string; length: number } | 'broken' | null {
  let content = '';
  let at = 0;
  for (;;) {
    const rest = text.slice(at);
    const last = LAST_CHUNK.exec(rest);
    if (last !== null) return { content, length: at + last[0].length };
    const size = CHUNK.exec(rest);
    if (size === null) return rest.includes('\r\n') && !rest.startsWith('0\r\n') ? 'broken' : null;
    const bytes = Number.parseInt(size[1] ?? '', 16);
    if (bytes === 0) return null;
    const from = at + size[0].length;
    if (text.length < from + bytes + 2) return null;
    if (text.slice(from + bytes, from + bytes + 2) !== '\r\n') return 'broken';
    content += text.slice(from, from + bytes);
    at = from + bytes + 2;
  }
}
