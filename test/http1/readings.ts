import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { duplexPair, type Duplex } from 'node:stream';
import type { ParsedAnswer } from '../../src/http1/answer-head.ts';
import { AnswerReader } from '../../src/http1/answer-reader.ts';
import { BodyDecoder } from '../../src/http1/body-decoder.ts';
import { headEnd } from '../../src/http1/head-end.ts';
import { ProtocolError } from '../../src/http1/protocol-error.ts';
import { checkOpening, parseRequest } from '../../src/http1/request-head.ts';
import type { Pieces } from './message-maker.ts';

export interface ReadMessage {
  /** Method and target, or status and reason. */
  readonly first: readonly (string | number)[];
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

/** What a reader made of the bytes: the messages that were complete, and why it read no further. */
export interface Reading {
  readonly messages: readonly ReadMessage[];
  /** `stopped`: by its own rules, such as behind `Connection: close`. */
  readonly end: 'refused' | 'stopped' | 'wants more';
  readonly why: string;
}

export type Reader = (pieces: Pieces) => Reading | Promise<Reading>;

const HEAD_LIMIT_BYTES = 32_768;

/** Requests as our codec reads them, in the order in which the strict forwarder uses its parts. */
export function requestsByCodec(pieces: Pieces): Reading {
  const messages: ReadMessage[] = [];
  let kept: Buffer = Buffer.alloc(0);
  let open: {
    message: { first: string[]; fields: readonly string[] };
    decoder: BodyDecoder;
    keepAlive: boolean;
  } | null = null;
  let body = '';
  const onPiece = (piece: Buffer): void => {
    body += piece.toString('latin1');
  };
  try {
    for (const piece of pieces) {
      let scanned = open === null ? kept.length : 0;
      kept = Buffer.concat([kept, piece]);
      for (;;) {
        if (open === null) {
          const end = headEnd(kept, 0, scanned, HEAD_LIMIT_BYTES);
          scanned = 0;
          if (end === -1) {
            if (kept.length > 0) checkOpening(kept, 0);
            break;
          }
          const head = parseRequest(kept, 0, end);
          if (head.method === 'CONNECT') return { messages, end: 'refused', why: 'CONNECT' };
          const keepAlive = head.keepAlive && head.upgrade === null;
          const message = { first: [head.method, head.target], fields: head.fields };
          open = { message, decoder: new BodyDecoder(head.bodyBytes), keepAlive };
          kept = kept.subarray(end);
        }
        kept = kept.subarray(open.decoder.decode(kept, 0, onPiece));
        if (!open.decoder.done) break;
        messages.push({ ...open.message, body, trailers: open.decoder.trailers });
        if (!open.keepAlive) return { messages, end: 'stopped', why: 'it said that it was the last' };
        open = null;
        body = '';
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { messages, end: 'refused', why: error.message };
  }
  return { messages, end: 'wants more', why: '' };
}

/** Requests as `node:http` reads them. */
export async function requestsByNode(pieces: Pieces): Promise<Reading> {
  const messages: ReadMessage[] = [];
  let why: string | null = null;
  const server = nodeServer();
  const take = (request: IncomingMessage, _response: ServerResponse): void => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    request.on('error', () => undefined);
    request.on('end', () => {
      messages.push({
        first: [request.method ?? '', request.url ?? ''],
        fields: request.rawHeaders,
        body,
        trailers: request.rawTrailers,
      });
    });
  };
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, take);
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    why ??= 'CONNECT';
    socket.destroy();
  });
  // The connection is left open: requests before the broken one have yet to be handed over.
  server.on('clientError', (error: NodeJS.ErrnoException) => {
    why ??= `${error.code}: ${error.message}`;
  });
  const [ours, theirs] = duplexPair();
  server.emit('connection', theirs);
  await send(ours, pieces);
  const refusal = why as string | null;
  ours.destroy();
  theirs.destroy();
  // Node reads no further behind a request that offers another protocol, taken or not.
  const offered = messages.at(-1)?.fields.some((name) => name.toLowerCase() === 'upgrade') === true;
  if (refusal === null) return { messages, end: offered ? 'stopped' : 'wants more', why: '' };
  return { messages, end: refusal.includes('HPE_CLOSED_CONNECTION') ? 'stopped' : 'refused', why: refusal };
}

function nodeServer(): Server {
  const server = createServer({
    maxHeaderSize: HEAD_LIMIT_BYTES,
    insecureHTTPParser: false,
    requireHostHeader: false,
    shouldUpgradeCallback: () => false,
  });
  server.maxHeadersCount = 0;
  return server;
}

/** Answers to a request with this method as our codec reads them; the connection ends behind the bytes. */
export function answerByCodec(method: string): Reader {
  return (pieces) => {
    let head: ParsedAnswer | null = null;
    let body = '';
    let trailers: readonly string[] = [];
    const reader = new AnswerReader(method, HEAD_LIMIT_BYTES, {
      onHead: (answer) => {
        head = answer;
      },
      onPiece: (piece) => {
        body += piece.toString('latin1');
      },
      onComplete: (given) => {
        trailers = given;
      },
    });
    try {
      for (const piece of pieces) {
        reader.read(piece);
        if (reader.ended) break;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { messages: [], end: 'refused', why: error.message };
    }
    const answer = head as ParsedAnswer | null;
    if (!reader.endOfConnection() || answer === null) return { messages: [], end: 'wants more', why: '' };
    const first = [answer.status, answer.reason];
    return { messages: [{ first, fields: answer.fields, body, trailers }], end: 'stopped', why: '' };
  };
}

/** The same as `node:http` reads it. */
export function answerByNode(method: string): Reader {
  return async (pieces) => {
    const [ours, theirs] = duplexPair();
    const messages: ReadMessage[] = [];
    let why: string | null = null;
    const request = httpRequest({
      method,
      createConnection: () => theirs,
      maxHeaderSize: HEAD_LIMIT_BYTES,
    });
    request.maxHeadersCount = 0;
    request.on('error', (error: NodeJS.ErrnoException) => {
      why ??= `${error.code}: ${error.message}`;
    });
    // A 101 that names a protocol; whether one was asked for is for the forwarder to say.
    request.on('upgrade', (answer) => {
      const first = [answer.statusCode ?? 0, answer.statusMessage ?? ''];
      messages.push({ first, fields: answer.rawHeaders, body: '', trailers: [] });
    });
    request.on('response', (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
      answer.on('error', (error) => {
        why ??= error.message;
      });
      answer.on('end', () => {
        if (!answer.complete) return;
        const first = [answer.statusCode ?? 0, answer.statusMessage ?? ''];
        messages.push({ first, fields: answer.rawHeaders, body, trailers: answer.rawTrailers });
      });
    });
    ours.resume();
    request.end();
    await new Promise((resolve) => setImmediate(resolve));
    await send(ours, pieces);
    const refusal = why as string | null;
    request.destroy();
    ours.destroy();
    return { messages, end: messages.length > 0 ? 'stopped' : 'refused', why: refusal ?? '' };
  };
}

/** Sends the pieces one by one, then the end, and gives the other side its turns. */
async function send(socket: Duplex, pieces: Pieces): Promise<void> {
  socket.on('error', () => undefined);
  for (const piece of pieces) {
    if (socket.destroyed) return;
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}
