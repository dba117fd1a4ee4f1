import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { KIB, SECOND_MS } from '../base/units.ts';
import type { EndpointEvent } from '../model/endpoint-event.ts';
import type { EventFollow, EventReader } from '../ports/endpoint-service.ts';
import { eventObject } from './request-wire.ts';

/** A comment so often keeps proxies from closing a quiet stream, and finds readers that are gone. */
const KEEP_ALIVE_MS = 15 * SECOND_MS;
/** What may wait for a slow reader; then its stream ends, and it takes up where it was by Last-Event-ID. */
const UNREAD_BYTES_MAX = 256 * KIB;

/** The open streams of events. They are ended before the server waits for its requests, or it would wait for ever. */
export class EventReaders {
  readonly #clock: Clock;
  readonly #open = new Set<() => void>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the answer over. What `follow` throws is answered as any refusal. */
  open(reply: FastifyReply, follow: (reader: EventReader) => EventFollow): void {
    const response = reply.raw;
    let cancel = (): void => undefined;
    const end = (): void => {
      followed.stop();
      cancel();
      this.#open.delete(end);
      response.end();
    };
    const followed = follow({ onEvent: (event) => write(response, event), onEnd: end });
    reply.hijack();
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    // Sent at once: a reader is to know that it is connected before anything happens.
    response.write(followed.missed ? 'event: missed\ndata: {}\n\n' : ': connected\n\n');
    for (const event of followed.past) write(response, event);
    const beat = (): void => {
      response.write(': \n\n');
      cancel = this.#clock.schedule(KEEP_ALIVE_MS, beat);
    };
    cancel = this.#clock.schedule(KEEP_ALIVE_MS, beat);
    this.#open.add(end);
    response.once('close', end);
    if (this.#closed) end();
  }

  close(): void {
    this.#closed = true;
    for (const end of this.#open) end();
  }
}

function write(response: ServerResponse, event: EndpointEvent): void {
  if (response.destroyed || response.writableEnded) return;
  response.write(`id: ${event.id}\nevent: ${event.kind}\ndata: ${JSON.stringify(eventObject(event))}\n\n`);
  // Its socket's own buffer is full too by then. Breaking it off frees what it holds.
  if (response.writableLength > UNREAD_BYTES_MAX) response.destroy();
}
