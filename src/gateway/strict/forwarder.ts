import type { Clock } from '../../base/clock.ts';
import type { WorkerId } from '../../base/ids.ts';
import type { ForwardCall, Forwarder, Forwarding } from '../forwarder.ts';
import type { GatewayLimits } from '../limits.ts';
import type { StrictClient } from './client.ts';
import { Exchange } from './exchange.ts';
import { WorkerConnections } from './worker-connections.ts';

export interface StrictForwarderParts {
  readonly clock: Clock;
  readonly limits: GatewayLimits;
}

/** The forwarder on our own codec, towards the client and towards the worker. */
export class StrictForwarder implements Forwarder {
  readonly #parts: StrictForwarderParts;
  readonly #workers = new Map<WorkerId, WorkerConnections>();

  constructor(parts: StrictForwarderParts) {
    this.#parts = parts;
  }

  forward(client: StrictClient, call: ForwardCall): Forwarding {
    const exchange = new Exchange(client, call, this.#connectionsOf(call), this.#parts);
    exchange.start();
    return exchange;
  }

  workerRemove(workerId: WorkerId): void {
    this.#workers.get(workerId)?.close();
    this.#workers.delete(workerId);
  }

  #connectionsOf({ worker }: ForwardCall): WorkerConnections {
    const known = this.#workers.get(worker.workerId);
    const { host, port } = worker.address;
    if (known !== undefined && known.address.host === host && known.address.port === port) return known;
    known?.close();
    const connections = new WorkerConnections(
      worker.address,
      2 * this.#parts.limits.headBytes,
      this.#parts.clock,
    );
    this.#workers.set(worker.workerId, connections);
    return connections;
  }
}
