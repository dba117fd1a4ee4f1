import {
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, type ErrorCode } from '../base/errors.ts';
import { errorAnswer } from '../model/error-status.ts';
import { hasBody } from './general/request-head.ts';
import { DEFAULT_LIMITS, type GatewayLimits } from './limits.ts';

/** For `http.createServer`: what can be set nowhere later. */
export function serverOptions(limits: GatewayLimits = DEFAULT_LIMITS): ServerOptions {
  return {
    maxHeaderSize: limits.headBytes,
    insecureHTTPParser: false,
    // Missed by the gateway itself, whose answers have a body.
    requireHostHeader: false,
    headersTimeout: limits.headTimeoutMs,
    // A body may come as slowly as its endpoint's request_timeout allows: that is the bound.
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.max(100, Math.min(2_000, limits.headTimeoutMs / 4)),
    // Finds clients that vanished without a word.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    noDelay: true,
    shouldUpgradeCallback: wantsUpgrade,
  };
}

/** How many requests of a connection are not answered yet. */
const OPEN = new WeakMap<Duplex, number>();

/**
 * Some clients offer HTTP/2 on every request they send, bodies included (`Upgrade: h2c`); an offer
 * may be ignored, and those requests are served as they are. So is one that was sent ahead of the answers
 * to others: those still need the connection.
 */
function wantsUpgrade(request: IncomingMessage): boolean {
  if (hasBody(request) || (OPEN.get(request.socket) ?? 0) > 0) return false;
  return !/\b(?:h2c|tls)\b/i.test(request.headers.upgrade ?? '');
}

const PARSER_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'REQUEST_HEADERS_TOO_LARGE',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'BODY_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_HEADERS_TIMEOUT',
};

/** What a parser's error means to the client that caused it. */
export function parserError(error: Error & { code?: string }, limits: GatewayLimits): AppError {
  const code = PARSER_ERRORS[error.code ?? ''] ?? 'REQUEST_MALFORMED';
  switch (code) {
    case 'REQUEST_HEADERS_TOO_LARGE':
      return new AppError(code, `The request's head is larger than ${limits.headBytes} bytes.`);
    case 'REQUEST_HEADERS_TIMEOUT':
      return new AppError(code, `The request's head did not come within ${limits.headTimeoutMs / 1_000} s.`);
    case 'BODY_TOO_LARGE':
      return new AppError(code, "The request's chunk extensions are too large.");
    default:
      return new AppError(code, `The request is not valid HTTP/1.1: ${error.message}.`, { cause: error });
  }
}

export function reasonPhrase(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}

/** Answers on a connection that has no request to answer to, and closes it. */
export function answerRaw(socket: Duplex, error: AppError): void {
  const { status, body } = errorAnswer(error);
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}

export interface TuneParts {
  readonly limits: GatewayLimits;
  matches(request: IncomingMessage): boolean;
  /** A parser met an error on this connection; false when no request there can be told. */
  failLatest(socket: Duplex, error: AppError): boolean;
  /** How long a refused connection may take to close before it is destroyed. */
  closeLater(socket: Duplex): void;
}

/** Sets the bounds of a server and answers what never becomes a request. */
export function tune(server: Server, parts: TuneParts): void {
  server.maxConnections = parts.limits.connections;
  // Bounded by its bytes; a bound on their number would drop headers without a word.
  server.maxHeadersCount = 0;
  const latest = new WeakMap<
    Duplex,
    { readonly request: IncomingMessage; readonly response: ServerResponse }
  >();
  /** What comes when only so many requests of the connection are left. */
  const owed = new WeakMap<Duplex, { readonly error: AppError; readonly left: number }>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    // Node reads nothing behind a request with a body that offered another protocol, also when the offer
    // is ignored: the next one on the connection would wait for ever.
    if (request.headers.upgrade !== undefined && hasBody(request)) response.shouldKeepAlive = false;
    OPEN.set(socket, (OPEN.get(socket) ?? 0) + 1);
    latest.set(socket, { request, response });
    response.once('close', () => {
      const left = (OPEN.get(socket) ?? 1) - 1;
      OPEN.set(socket, left);
      const debt = owed.get(socket);
      if (debt?.left === left) refuse(socket, debt.error);
    });
  });
  const refuse = (socket: Duplex, error: AppError): void => {
    if (!socket.writable) return;
    answerRaw(socket, error);
    parts.closeLater(socket);
  };
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // The gateway sends the 100 itself, once somebody is there to take the body.
    if (!parts.matches(request)) response.writeContinue();
    server.emit('request', request, response);
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    refuse(socket, new AppError('METHOD_NOT_ALLOWED', 'CONNECT is not served here.'));
  });
  server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
    // The second: the client's end came in the middle of a request, so it left.
    if (error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE' || !socket.writable) {
      socket.destroy();
      return;
    }
    // Bytes behind a request that said it was the last: that one is still served.
    if (error.code === 'HPE_CLOSED_CONNECTION') return;
    const told = parserError(error, parts.limits);
    if (parts.failLatest(socket, told)) return;
    const last = latest.get(socket);
    // Its body can never be read to the end, so nobody else would ever answer it.
    const left = last?.request.complete === false && !last.response.headersSent ? 1 : 0;
    // Answers to earlier requests are on their way on this connection; this one comes behind them.
    if ((OPEN.get(socket) ?? 0) > left) owed.set(socket, { error: told, left });
    else refuse(socket, told);
  });
}
