import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { MIB, SECOND_MS } from '../base/units.ts';

/** What is still read of a body whose request was answered before its end. */
const REST_BYTES_MAX = 4 * MIB;
const REST_TIME_MS = 10 * SECOND_MS;

/**
 * A request that is refused early (too large, no key, wrong type) is answered at once, while its
 * client may still be sending. Closing the connection then would reset it, and a reset can overtake
 * the answer: the client would see a broken pipe instead of the reason. So the rest is read away, up
 * to a bound, and only a client that goes on beyond it is cut off.
 */
export function readRestOfBody(app: FastifyInstance, clock: Clock): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const { raw } = request;
    if (raw.complete || raw.destroyed || !hasBody(raw)) return payload;
    // The framework asks for the close that this makes unnecessary.
    void reply.removeHeader('connection');
    discard(raw, clock);
    return payload;
  });
}

function discard(request: IncomingMessage, clock: Clock): void {
  let bytes = 0;
  const stop = (): void => {
    cancel();
    request.off('data', count);
    if (!request.complete) request.socket.destroySoon();
  };
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > REST_BYTES_MAX) stop();
  };
  const cancel = clock.schedule(REST_TIME_MS, stop);
  request.on('data', count);
  request.once('close', cancel);
  request.once('end', cancel);
  request.resume();
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
