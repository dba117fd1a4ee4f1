import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { WorkerId } from '../../base/ids.ts';
import { errors, type Dispatcher } from 'undici';
import { forceClose } from '../force-close.ts';
import { AnswerStream } from './answer-stream.ts';
import type { GeneralCall } from './call.ts';
import { workerBroke, type ForwardEnd, type Forwarder, type Forwarding } from '../forwarder.ts';
import { hasBody } from './request-head.ts';
import type { GatewayLimits } from '../limits.ts';
import { RequestBody } from './request-body.ts';
import { forwardAlone } from './single-connection.ts';
import { WorkerConnections, type WorkerConnection } from './worker-connections.ts';

export interface ForwarderParts {
  readonly clock: Clock;
  readonly limits: GatewayLimits;
}

/** The forwarder on `node:http` towards the client and undici towards the worker. */
export class GeneralForwarder implements Forwarder {
  readonly #parts: ForwarderParts;
  readonly #workers = new Map<WorkerId, WorkerConnections>();

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  forward(call: GeneralCall): Forwarding {
    // Undici can neither hand over a refused upgrade's answer nor send trailers.
    if (call.upgrade !== null || call.request.headers.trailer !== undefined) {
      return forwardAlone(call, this.#parts);
    }
    const connections = this.#connectionsOf(call);
    const exchange = new Exchange(call, connections, this.#parts);
    exchange.start();
    return exchange;
  }

  workerRemove(workerId: WorkerId): void {
    this.#workers.get(workerId)?.close();
    this.#workers.delete(workerId);
  }

  #connectionsOf({ chain: { worker } }: GeneralCall): WorkerConnections {
    const known = this.#workers.get(worker.workerId);
    const { host, port } = worker.address;
    if (known !== undefined && known.address.host === host && known.address.port === port) return known;
    known?.close();
    const connections = new WorkerConnections(worker.address, this.#parts.limits);
    this.#workers.set(worker.workerId, connections);
    return connections;
  }
}

/** One request on one connection. */
class Exchange implements Forwarding, Dispatcher.DispatchHandler {
  readonly #call: GeneralCall;
  readonly #parts: ForwarderParts;
  readonly #connections: WorkerConnections;
  readonly #connection: WorkerConnection;
  readonly #answer: AnswerStream;
  readonly #body: RequestBody | null;
  #controller: Dispatcher.DispatchController | null = null;
  #bytesBefore = 0;
  #sent = false;
  #status: number | null = null;
  #cut = false;
  #settled = false;
  #cancelGrace: (() => void) | null = null;

  constructor(call: GeneralCall, connections: WorkerConnections, parts: ForwarderParts) {
    this.#call = call;
    this.#parts = parts;
    this.#connections = connections;
    this.#connection = connections.take();
    this.#answer = new AnswerStream(call);
    this.#body = hasBody(call.request)
      ? new RequestBody(call.request, call.response, parts.limits.bodyBytes)
      : null;
  }

  start(): void {
    const { chain, request, requestHeaders } = this.#call;
    const length = request.headers['content-length'];
    const headers =
      this.#body !== null && length !== undefined
        ? [...requestHeaders, 'Content-Length', length]
        : requestHeaders;
    this.#connection.client.dispatch(
      { path: chain.path, method: request.method ?? 'GET', headers, body: this.#body },
      this,
    );
  }

  cut(): void {
    if (this.#cut || this.#settled) return;
    this.#cut = true;
    this.#body?.stop();
    const { socket } = this.#connection;
    if (this.#controller === null || socket === null) {
      // Still connecting: nothing was sent.
      this.#connection.destroy();
      return;
    }
    // Our end is closed first and theirs waited for: a worker that sees the end of its client stops
    // and closes, and only then does the next request get this slot.
    this.#controller.resume();
    socket.end();
    this.#cancelGrace = this.#parts.clock.schedule(this.#parts.limits.closeGraceMs, () => {
      forceClose(socket);
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#bytesBefore = this.#connection.socket?.bytesWritten ?? 0;
    this.#answer.onDrain(() => {
      controller.resume();
    });
    this.#call.chain.onSending();
  }

  onRequestSent(): void {
    this.#sent = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    message?: string,
  ): void {
    if (status < 200 || this.#cut) return;
    this.#answer.head(status, message ?? '', rawList(controller.rawHeaders));
    this.#status = status;
    this.#call.chain.onAnswered(status);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#cut) return;
    if (!this.#answer.write(chunk)) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (!this.#cut) this.#answer.end(rawList(controller.rawTrailers));
    const end = this.#endWith('complete', null);
    if (this.#sent && !this.#cut) {
      this.#connections.giveBack(this.#connection);
      this.#settle(end);
      return;
    }
    // Answered before the whole body was sent, or broken off by us: this connection is not used again.
    this.#body?.stop();
    this.#connection.destroy();
    this.#settleClosed(end);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const written = (this.#connection.socket?.bytesWritten ?? 0) > this.#bytesBefore;
    const started = this.#controller !== null;
    const untouched = this.#status === null && !(started && written) && (this.#body?.taken ?? 0) === 0;
    this.#body?.stop();
    this.#connection.destroy();
    this.#settleClosed(this.#failure(error, untouched));
  }

  #failure(error: Error, untouched: boolean): ForwardEnd {
    if (error instanceof AppError) return this.#endWith('refused', error);
    if (error instanceof errors.InvalidArgumentError) {
      const told = `The request cannot be passed on: ${error.message}.`;
      return this.#endWith('refused', new AppError('REQUEST_MALFORMED', told));
    }
    return this.#endWith(untouched ? 'notSent' : 'broke', workerBroke(error, untouched));
  }

  #endWith(end: ForwardEnd['end'], error: AppError | null): ForwardEnd {
    return { end, status: this.#status, error, bodyBytes: this.#body?.taken ?? 0 };
  }

  #settleClosed(end: ForwardEnd): void {
    this.#connection.whenClosed(() => {
      this.#settle(end);
    });
  }

  #settle(end: ForwardEnd): void {
    this.#settled = true;
    this.#cancelGrace?.();
    this.#cancelGrace = null;
    this.#call.chain.onEnded(end);
  }
}

function rawList(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  return Array.isArray(raw)
    ? raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
    : [];
}
