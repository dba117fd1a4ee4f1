import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { forceClose } from '../force-close.ts';
import { AnswerStream } from './answer-stream.ts';
import { workerBroke, type ForwardEnd, type Forwarding } from '../forwarder.ts';
import type { GeneralCall } from './call.ts';
import type { HeaderList } from '../headers.ts';
import { hasBody } from './request-head.ts';
import type { GatewayLimits } from '../limits.ts';
import { RequestBody } from './request-body.ts';
import { tunnel, upgradeAnswer } from '../tunnel.ts';

export interface AloneParts {
  readonly clock: Clock;
  readonly limits: GatewayLimits;
}

/**
 * Sends a request on a connection that serves it alone: one that asks for another protocol, or one
 * that announces trailers.
 */
export function forwardAlone(call: GeneralCall, parts: AloneParts): Forwarding {
  const exchange = new LoneExchange(call, parts);
  exchange.start();
  return exchange;
}

class LoneExchange implements Forwarding {
  readonly #call: GeneralCall;
  readonly #parts: AloneParts;
  readonly #answer: AnswerStream;
  readonly #body: RequestBody | null;
  readonly #upstream: ClientRequest;
  #socket: Socket | null = null;
  #answerMessage: IncomingMessage | null = null;
  #connected = false;
  #status: number | null = null;
  #complete = false;
  #cut = false;
  #failure: Error | null = null;
  #cancelGrace: (() => void) | null = null;
  #cancelConnect: (() => void) | null = null;

  constructor(call: GeneralCall, parts: AloneParts) {
    this.#call = call;
    this.#parts = parts;
    this.#answer = new AnswerStream(call);
    this.#body =
      call.upgrade === null && hasBody(call.request)
        ? new RequestBody(call.request, call.response, parts.limits.bodyBytes)
        : null;
    this.#upstream = httpRequest({
      host: call.chain.worker.address.host,
      port: call.chain.worker.address.port,
      method: call.request.method,
      path: call.chain.path,
      headers: [...call.requestHeaders, ...this.#framing()],
      setHost: false,
      agent: false,
      maxHeaderSize: 2 * parts.limits.headBytes,
    });
  }

  start(): void {
    const upstream = this.#upstream;
    upstream.on('socket', (socket) => {
      this.#watch(socket);
    });
    upstream.on('upgrade', (answer, socket, head) => {
      this.#upgraded(answer, socket, head);
    });
    upstream.on('response', (answer) => {
      this.#answered(answer);
    });
    upstream.on('error', (error) => {
      this.#failure ??= error;
      // Refused before there was a socket to watch.
      if (this.#socket === null) this.#settle();
    });
    if (this.#body === null) upstream.end();
    else this.#sendBody(this.#body);
  }

  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    this.#body?.stop();
    const socket = this.#socket;
    if (!this.#connected || socket === null) {
      this.#upstream.destroy();
      return;
    }
    this.#answerMessage?.resume();
    // A pipe whose target closes pauses its source, and then its end would not be seen.
    socket.unpipe();
    socket.resume();
    socket.end();
    this.#cancelGrace = this.#parts.clock.schedule(this.#parts.limits.closeGraceMs, () => {
      forceClose(socket);
    });
  }

  #framing(): HeaderList {
    const { request, upgrade } = this.#call;
    if (upgrade !== null) return ['Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? ''];
    const framing = ['Connection', 'close', 'Trailer', request.headers.trailer ?? ''];
    const length = request.headers['content-length'];
    if (this.#body === null) return framing;
    return length === undefined
      ? [...framing, 'Transfer-Encoding', 'chunked']
      : [...framing, 'Content-Length', length];
  }

  #watch(socket: Socket): void {
    this.#socket = socket;
    this.#cancelConnect = this.#parts.clock.schedule(this.#parts.limits.connectTimeoutMs, () => {
      this.#upstream.destroy(new Error('connect timeout'));
    });
    socket.once('connect', () => {
      this.#connected = true;
      this.#cancelConnect?.();
      this.#call.chain.onSending();
    });
    socket.once('close', () => {
      this.#settle();
    });
  }

  #sendBody(body: RequestBody): void {
    const upstream = this.#upstream;
    body.on('data', (chunk: Buffer) => {
      if (!upstream.write(chunk)) body.pause();
    });
    upstream.on('drain', () => {
      body.resume();
    });
    body.on('end', () => {
      const { rawTrailers } = this.#call.request;
      const pairs: [string, string][] = [];
      for (let index = 0; index + 1 < rawTrailers.length; index += 2) {
        pairs.push([rawTrailers[index] as string, rawTrailers[index + 1] as string]);
      }
      if (pairs.length > 0) upstream.addTrailers(pairs);
      upstream.end();
    });
    body.on('error', (error) => {
      this.#failure ??= error;
      upstream.destroy(error);
    });
  }

  #answered(answer: IncomingMessage): void {
    this.#answerMessage = answer;
    // The error comes as the upstream's close too; this listener only keeps it from being thrown.
    answer.on('error', (error) => {
      this.#failure ??= error;
    });
    if (this.#cut) {
      answer.resume();
      return;
    }
    try {
      this.#answer.head(answer.statusCode ?? 502, answer.statusMessage ?? '', answer.rawHeaders);
    } catch (error) {
      this.#upstream.destroy(error as Error);
      return;
    }
    this.#status = answer.statusCode ?? null;
    this.#call.chain.onAnswered(this.#status ?? 0);
    answer.on('data', (chunk: Buffer) => {
      if (!this.#cut && !this.#answer.write(chunk)) answer.pause();
    });
    this.#answer.onDrain(() => {
      answer.resume();
    });
    answer.on('end', () => {
      this.#complete = answer.complete;
      if (!this.#cut && answer.complete) this.#answer.end(answer.rawTrailers);
      this.#upstream.destroy();
    });
  }

  #upgraded(answer: IncomingMessage, worker: Socket, head: Buffer): void {
    const { upgrade } = this.#call;
    this.#status = answer.statusCode ?? 101;
    if (upgrade === null || this.#cut) {
      worker.destroy();
      return;
    }
    this.#call.chain.onAnswered(this.#status);
    this.#complete = true;
    worker.on('error', (error) => {
      this.#complete = false;
      this.#failure = error;
    });
    const { statusMessage = '', rawHeaders } = answer;
    const agreed = upgradeAnswer(statusMessage, rawHeaders, this.#call.answerHeaders);
    tunnel({ client: upgrade.socket, worker, agreed, fromWorker: head, fromClient: upgrade.takeEarly() });
  }

  #settle(): void {
    this.#cancelGrace?.();
    this.#cancelConnect?.();
    this.#call.chain.onEnded(this.#complete ? this.#endWith('complete', null) : this.#failed());
  }

  #failed(): ForwardEnd {
    const failure = this.#failure ?? new Error('closed before the answer was complete');
    if (failure instanceof AppError) return this.#endWith('refused', failure);
    const untouched = !this.#connected && (this.#body?.taken ?? 0) === 0;
    return this.#endWith(untouched ? 'notSent' : 'broke', workerBroke(failure, untouched));
  }

  #endWith(end: ForwardEnd['end'], error: AppError | null): ForwardEnd {
    return { end, status: this.#status, error, bodyBytes: this.#body?.taken ?? 0 };
  }
}
