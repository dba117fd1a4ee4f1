import { AppError } from '../base/errors.ts';
import type { ArrivalRecorder } from '../ports/arrivals.ts';
import type { Log } from '../ports/log.ts';
import type { ApiKey } from '../ports/store.ts';
import type { RequestOutcome } from '../ports/traffic.ts';
import type { ClientSide } from './client-side.ts';
import type { EndpointQueue } from './endpoint-queue.ts';
import type { ForwardEnd, Forwarding } from './forwarder.ts';
import type { GatewayLimits } from './limits.ts';
import { requestName } from './request-timelines.ts';
import { authenticate } from './steps/authenticate.ts';
import { checkLimits } from './steps/check-limits.ts';
import { findEndpoint } from './steps/find-endpoint.ts';
import { forward, type ForwardParts } from './steps/forward.ts';
import { recordArrival } from './steps/record-arrival.ts';
import { record } from './steps/record.ts';
import { route } from './steps/route.ts';
import type { Ticket } from './ticket.ts';

export interface ChainParts extends ForwardParts {
  readonly log: Log;
  readonly arrivals: ArrivalRecorder;
  readonly limits: GatewayLimits;
  readonly domain: string | null;
  readonly queues: ReadonlyMap<string, EndpointQueue>;
  apiKeys(sha256Hex: string): ApiKey | undefined;
}

const NOT_SENT: ForwardEnd = { end: 'notSent', status: null, error: null };

/**
 * A request's way through the gateway, all of it in this order. Up to its place in the queue it runs
 * in the turn in which the request came, so a request that finds no worker wakes one at once.
 */
export async function runChain(parts: ChainParts, client: ClientSide): Promise<void> {
  const beganMs = parts.clock.monotonicMs();
  let queue: EndpointQueue | null = null;
  let ticket: Ticket | null = null;
  let served: Served = { status: null, waitedMs: 0 };
  try {
    client.checkFraming();
    const routed = route(client.head, parts.domain);
    const key = authenticate(client.head.fields, (sha256Hex) => parts.apiKeys(sha256Hex));
    queue = findEndpoint(parts.queues, routed, key);
    checkLimits(client.head.bodyBytes, queue, parts.limits.bodyBytes, parts.draining);
    ticket = queue.enter(requestName(client.requestId, client.head.method, routed.path));
    served = await serve(parts, client, queue, ticket, routed.path);
  } catch (error) {
    client.refuse(asAppError(error, parts.log));
  }
  if (queue === null) return;
  const { endpointId } = queue.endpoint;
  const totalMs = parts.clock.monotonicMs() - beganMs;
  record({ endpointId, client, ...served, totalMs }, parts.metrics, parts.log);
  const ranMs = ticket?.ranMs(parts.clock.monotonicMs()) ?? 0;
  recordArrival(
    {
      endpointId,
      client,
      status: served.status,
      totalMs,
      ranMs,
      bodyBytes: ticket?.bodyBytes ?? 0,
      endedAtMs: parts.clock.nowMs(),
    },
    parts.arrivals,
  );
}

interface Served {
  readonly status: number | null;
  readonly waitedMs: number;
}

/** From the place in the queue to the end of the worker's side; the slot is given back here. */
async function serve(
  parts: ChainParts,
  client: ClientSide,
  queue: EndpointQueue,
  ticket: Ticket,
  path: string,
): Promise<Served> {
  let forwarding: Forwarding | null = null;
  ticket.onCut((reason) => {
    if (reason === 'timeout') client.refuse(timedOut(queue));
    if (ticket.cutError !== null) client.refuse(ticket.cutError);
    forwarding?.cut();
  });
  client.onLeft((reason) => {
    if (ticket.waitingEntry === null) ticket.cut(reason);
    else queue.leave(ticket);
  });
  for (let tries = 0; ; tries += 1) {
    const turn = await ticket.turn();
    if (turn.kind === 'refused') throw turn.error;
    if (turn.kind === 'gone') return { status: null, waitedMs: waitedMs(parts, ticket) };
    let end = NOT_SENT;
    // A worker removed in this very turn can be asked no more.
    if (ticket.cutReason === null && !turn.worker.removed) {
      forwarding = forward(parts, client, queue, ticket, turn.worker, path);
      end = await forwarding.ended;
      ticket.bodyBytes = forwarding.bodyBytes;
      forwarding = null;
    }
    const { cutReason } = ticket;
    if (end.end === 'notSent' && cutReason === null && tries < parts.limits.retries) {
      queue.retry(ticket);
      continue;
    }
    const waited = ticket.startedMonotonicMs - ticket.arrivedMonotonicMs;
    queue.release(ticket, end.status, outcomeOf(ticket, end));
    if (cutReason === null && end.error !== null) throw end.error;
    client.finish();
    return { status: cutReason === 'clientGone' ? null : end.status, waitedMs: waited };
  }
}

function outcomeOf({ cutReason }: Ticket, { end }: ForwardEnd): RequestOutcome['end'] {
  if (cutReason === 'timeout') return 'timeout';
  if (cutReason === 'closed') return 'cut';
  if (cutReason !== null || end === 'refused') return 'clientGone';
  return end === 'complete' ? 'complete' : 'broke';
}

function waitedMs(parts: ChainParts, ticket: Ticket): number {
  return parts.clock.monotonicMs() - ticket.arrivedMonotonicMs;
}

function timedOut(queue: EndpointQueue): AppError {
  const seconds = queue.endpoint.requestTimeoutMs / 1_000;
  return new AppError(
    'REQUEST_TIMEOUT_RUNNING',
    `The worker did not finish the request within request_timeout (${seconds} s, waiting included). Raise request_timeout, or make the request smaller.`,
    { metadata: { request_timeout: String(seconds) } },
  );
}

function asAppError(error: unknown, log: Log): AppError {
  if (error instanceof AppError) return error;
  log.error('the gateway failed at a request', { error });
  return new AppError('UNKNOWN', 'The gateway failed; its log tells more.', { cause: error });
}
