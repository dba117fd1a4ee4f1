import type { Clock } from '../../base/clock.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { ClientSide } from '../client-side.ts';
import type { EndpointQueue } from '../endpoint-queue.ts';
import type { Forwarding } from '../forwarder.ts';
import { workerRequestHeaders, type HeaderList } from '../headers.ts';
import type { Ticket } from '../ticket.ts';
import type { WorkerSlots } from '../worker-slots.ts';

export interface ForwardParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** The server is leaving: answers close their connections. */
  readonly draining: boolean;
}

/** Starts one try of a request that holds a slot. */
export function forward(
  parts: ForwardParts,
  client: ClientSide,
  queue: EndpointQueue,
  ticket: Ticket,
  slots: WorkerSlots,
  path: string,
): Forwarding {
  return client.forward({
    worker: slots.worker,
    path,
    requestHeaders: workerRequestHeaders(client, slots.worker.address),
    answerHeaders: ownAnswerHeaders(client, ticket, slots),
    lastAnswer: parts.draining,
    onSending() {
      if (ticket.waited) return;
      parts.metrics.forwardOverhead(parts.clock.monotonicMs() - ticket.arrivedMonotonicMs);
    },
    onAnswered(status) {
      queue.answered(ticket, status);
    },
  });
}

function ownAnswerHeaders(client: ClientSide, ticket: Ticket, slots: WorkerSlots): HeaderList {
  const coldStart = ticket.waited && slots.addedMonotonicMs >= ticket.arrivedMonotonicMs;
  return [
    'X-Request-Id',
    client.requestId,
    'X-Pilotlight-Revision',
    String(slots.worker.revision),
    'X-Pilotlight-Worker',
    slots.worker.workerId,
    'X-Pilotlight-Wait-Ms',
    String(Math.round(ticket.startedMonotonicMs - ticket.arrivedMonotonicMs)),
    'X-Pilotlight-Cold-Start',
    String(coldStart),
  ];
}
