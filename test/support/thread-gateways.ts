import { createServer, type Server, type Socket } from 'node:net';
import type { Gateway, GatewayOptions } from '../../src/gateway/gateway.ts';
import { DEFAULT_LIMITS, type GatewayLimits } from '../../src/gateway/limits.ts';
import type { InnerConnect } from '../../src/gateway/strict/inner-exchange.ts';
import { EventRing } from '../../src/gateway/threads/event-ring.ts';
import { GatewayThread } from '../../src/gateway/threads/gateway-thread.ts';
import { tableMemory } from '../../src/gateway/threads/shared-table.ts';
import { ThreadTraffic } from '../../src/gateway/threads/thread-traffic.ts';
import type { Traffic } from '../../src/ports/traffic.ts';

const THREADS = 2;

/** What tests ask of the gateway, be it one or several. */
export type TestGateway = Traffic & Pick<Gateway, 'inFlight' | 'limits' | 'beginDrain'>;

/**
 * The gateways of two threads, in one thread: they share slots and lines through the same table and
 * rings and by the same orders as in threads of their own, but on the test's clock, and what one tells
 * comes at once. Connections go to them by turns.
 */
export function threadGateways(
  options: GatewayOptions,
  inner: InnerConnect,
): { readonly gateway: TestGateway; readonly server: Server; closeAllConnections(): void } {
  const limits: GatewayLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const table = tableMemory(THREADS, 10_000, 10_100, 1_000);
  const threads: GatewayThread[] = [];
  const wake = (thread: number): void => threads[thread]?.takeGiven();
  const traffic = new ThreadTraffic({
    clock: options.clock,
    listener: options.listener,
    metrics: options.metrics,
    arrivals: options.arrivals,
    table,
    closeGraceMs: limits.closeGraceMs,
    wake,
  });
  for (let thread = 0; thread < THREADS; thread += 1) {
    const ring = EventRing.memory(4_096);
    const gateway = new GatewayThread({
      thread,
      table,
      ring,
      clock: options.clock,
      random: options.random,
      log: options.log,
      limits,
      domain: options.domain,
      apiKeys: (sha256Hex) => options.apiKeys(sha256Hex),
      connectInside: inner,
      report: (report) => traffic.report(thread, report),
      wake,
      wakeMain: () => traffic.hear(),
      eventDelayMs: 0,
    });
    threads.push(gateway);
    traffic.threadStarted(thread, {
      ring: new EventRing(ring),
      order: (order) => gateway.order(structuredClone(order)),
    });
  }
  let connections = 0;
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 },
    (socket: Socket) => {
      threads[connections % THREADS]?.server.server.emit('connection', socket);
      connections += 1;
    },
  );
  server.maxConnections = limits.connections;
  return {
    gateway: {
      limits,
      get inFlight() {
        return threads.reduce((sum, { inFlight }) => sum + inFlight, 0);
      },
      beginDrain: () => traffic.beginDrain(),
      endpointPut: (...facts) => traffic.endpointPut(...facts),
      endpointRemove: (...facts) => traffic.endpointRemove(...facts),
      waitingRefuse: (...facts) => traffic.waitingRefuse(...facts),
      workerPut: (...facts) => traffic.workerPut(...facts),
      workerDrain: (...facts) => traffic.workerDrain(...facts),
      workerRemove: (endpointId, workerId) => traffic.workerRemove(endpointId, workerId),
      runningCut: (...facts) => traffic.runningCut(...facts),
      load: (...facts) => traffic.load(...facts),
      openRequests: (...facts) => traffic.openRequests(...facts),
      endedRequests: (...facts) => traffic.endedRequests(...facts),
      unansweredSince: (...facts) => traffic.unansweredSince(...facts),
    },
    server,
    closeAllConnections: () => {
      for (const thread of threads) thread.server.closeAllConnections();
    },
  };
}
