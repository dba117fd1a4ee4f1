import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { SECOND_MS } from '../base/units.ts';
import { answerRaw } from '../gateway/server-tuning.ts';

/** Bodies have at most 1 MiB; a client that takes longer is stuck or means harm. */
const BODY_TIMEOUT_MS = 20 * SECOND_MS;

/** The control API's requests in flight: their bodies come in time, and a stop waits for their answers. */
export class ApiRequests {
  readonly #clock: Clock;
  readonly #open = new Set<ServerResponse>();
  #onDrained: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    this.#open.add(response);
    const cancel = this.#clock.schedule(BODY_TIMEOUT_MS, () => {
      if (!request.complete) refuseSlow(request, response);
    });
    response.once('close', () => {
      cancel();
      this.#open.delete(response);
      if (this.#open.size === 0) this.#onDrained?.();
    });
  }

  /** Resolves when every request taken so far, and while it waits, has been answered. */
  async drained(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
  }
}

function refuseSlow(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  if (response.headersSent || !socket.writable) {
    socket.destroy();
    return;
  }
  const error = new AppError('REQUEST', `The body did not come within ${BODY_TIMEOUT_MS / SECOND_MS} s.`);
  answerRaw(socket, error);
  // The client's own end is not waited for: it may never come.
  socket.once('finish', () => socket.destroy());
}
