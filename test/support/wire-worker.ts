import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { BodyDecoder } from '../../src/http1/body-decoder.ts';
import { headEnd } from '../../src/http1/head-end.ts';
import { parseRequest, type ParsedRequest } from '../../src/http1/request-head.ts';

export interface WireRequest {
  /** The bytes of its head, as they came. */
  readonly text: string;
  readonly head: ParsedRequest;
  readonly body: string;
  readonly trailers: readonly string[];
}

export interface WireWorker {
  readonly port: number;
  /** What came over each connection, in order; a connection that could not be read ends with an Error. */
  readonly connections: readonly (WireRequest | Error)[][];
}

/** A worker that reads its connections by the strict codec alone, keeps all it was sent, and answers `ok`. */
export async function wireWorker(t: TestContext): Promise<WireWorker> {
  const connections: (WireRequest | Error)[][] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const requests: (WireRequest | Error)[] = [];
    connections.push(requests);
    let kept = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      kept = Buffer.concat([kept, chunk]);
      try {
        for (let request = take(kept); request !== null; request = take(kept)) {
          kept = kept.subarray(request.bytes);
          requests.push(request);
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        }
      } catch (error) {
        requests.push(error as Error);
        socket.destroy();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections };
}

/** The first request of `bytes`, with its length; null while it is not complete. */
function take(bytes: Buffer): (WireRequest & { readonly bytes: number }) | null {
  const start = headEnd(bytes, 0, 0, 100_000);
  if (start === -1) return null;
  const head = parseRequest(bytes, 0, start);
  const decoder = new BodyDecoder(head.bodyBytes);
  let body = '';
  const end = decoder.decode(bytes, start, (piece) => (body += piece.toString('latin1')));
  if (!decoder.done) return null;
  return { text: bytes.toString('latin1', 0, start), head, body, trailers: decoder.trailers, bytes: end };
}
