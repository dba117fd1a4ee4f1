import { mainPort, takesJobs } from '../model/endpoint.ts';
import { workerIsOver } from '../model/worker-state.ts';
import type { ControlPorts } from './control-options.ts';
import { specOf, type EndpointEntry, type WorkerEntry } from './endpoint-entry.ts';
import { addressOf, routeWorker } from './worker-route.ts';
import type { WorkerStates } from './worker-states.ts';
import type { WorkerTimes } from './worker-times.ts';

/** Made once: an abort without a reason makes an error with a stack each time. */
export const NO_LONGER = new Error('no longer wanted');

export interface HealthParts {
  readonly ports: ControlPorts;
  readonly states: WorkerStates;
  readonly times: WorkerTimes;
  readonly closed: AbortSignal;
  /** It became healthy, or it is no longer. */
  readonly onChange: (entry: EndpointEntry) => void;
  readonly onNoAddress: (entry: EndpointEntry, worker: WorkerEntry) => void;
}

/** Has workers probed, and gives them requests while they are healthy. */
export class WorkerHealth {
  readonly #parts: HealthParts;
  readonly #ports: ControlPorts;
  readonly #states: WorkerStates;

  constructor(parts: HealthParts) {
    this.#parts = parts;
    this.#ports = parts.ports;
    this.#states = parts.states;
  }

  /** Readiness from now on, for a worker just started and for one found again after a restart. */
  watch(entry: EndpointEntry, worker: WorkerEntry): void {
    worker.probes.abort(NO_LONGER);
    worker.probes = new AbortController();
    const address = addressOf(entry, worker.record, healthPort(entry, worker));
    if (address === null) {
      this.#parts.onNoAddress(entry, worker);
      return;
    }
    const { id: workerId, state } = worker.record;
    const { healthCheck } = entry.endpoint.settings;
    this.#ports.readiness.watch(
      {
        workerId,
        address,
        healthCheck,
        takesJobs: takesJobs(entry.endpoint),
        // Else one that serves, and is asked in vain from now on, would count as still starting for ever.
        ...(state === 'ready' || state === 'unhealthy' ? { wasHealthy: state === 'ready' } : {}),
      },
      (healthy, detail) => {
        if (this.#parts.closed.aborted || workerIsOver(worker.record.state)) return;
        if (healthy) this.#becameHealthy(entry, worker);
        else this.#lostHealth(entry, worker, detail);
      },
      worker.probes.signal,
    );
  }

  /** A changed health check holds for workers that run already. */
  checkChanged(entry: EndpointEntry): void {
    for (const worker of entry.workers.values()) {
      const { state } = worker.record;
      const placed = Object.keys(worker.record.addresses).length > 0;
      if (placed && (state === 'starting' || state === 'ready' || state === 'unhealthy'))
        this.watch(entry, worker);
    }
  }

  #becameHealthy(entry: EndpointEntry, worker: WorkerEntry): void {
    const { state } = worker.record;
    if (state === 'starting') {
      this.#becameReady(entry, worker);
      return;
    }
    if (state === 'unhealthy') {
      this.#states.change(worker, 'healthRestored', {});
      worker.unhealthySinceMs = null;
    } else {
      return;
    }
    routeWorker(this.#ports, entry, worker);
    this.#parts.onChange(entry);
  }

  #becameReady(entry: EndpointEntry, worker: WorkerEntry): void {
    const nowMs = this.#ports.clock.nowMs();
    const tookMs = this.#parts.times.sinceLaunchMs(worker);
    const awaited = this.#ports.traffic.load(entry.endpoint.id).waiting > 0;
    this.#states.change(worker, 'becameReady', { readyAtMs: nowMs });
    // Requests wait for it: what is noted of its start comes after.
    routeWorker(this.#ports, entry, worker);
    this.#parts.times.measure(entry, worker, 'startTimeMs', tookMs);
    if (awaited) this.#ports.metrics.coldStart(entry.endpoint.id, nowMs - worker.record.createdAtMs);
    this.#ports.log.info('worker ready', {
      endpointId: entry.endpoint.id,
      workerId: worker.record.id,
      revision: worker.record.revision,
      startTimeMs: Math.round(tookMs),
    });
    this.#parts.onChange(entry);
  }

  #lostHealth(entry: EndpointEntry, worker: WorkerEntry, detail: string): void {
    if (worker.record.state !== 'ready') return;
    this.#states.change(worker, 'healthLost', { reason: `health check failed: ${detail}` });
    worker.unhealthySinceMs = this.#ports.clock.nowMs();
    this.#ports.traffic.workerDrain(entry.endpoint.id, worker.record.id);
    this.#parts.onChange(entry);
  }
}

function healthPort(entry: EndpointEntry, worker: WorkerEntry): number {
  const { port } = entry.endpoint.settings.healthCheck;
  const main = mainPort(specOf(entry, worker.record.revision));
  // A revision from before the port was declared is probed where it listens.
  return port !== 0 && worker.record.addresses[port] !== undefined ? port : main;
}
