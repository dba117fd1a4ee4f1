import type { WorkerId } from '../../src/base/ids.ts';
import type { ManualClock } from '../../src/base/manual-clock.ts';
import { EndpointQueue } from '../../src/gateway/endpoint-queue.ts';
import { EventRing } from '../../src/gateway/threads/event-ring.ts';
import { SharedPlaces } from '../../src/gateway/threads/shared-places.ts';
import { tableMemory } from '../../src/gateway/threads/shared-table.ts';
import { ThreadTeller } from '../../src/gateway/threads/thread-events.ts';
import { errorOf, type ThreadOrder } from '../../src/gateway/threads/thread-message.ts';
import { ThreadRequests } from '../../src/gateway/threads/thread-requests.ts';
import { ThreadTraffic } from '../../src/gateway/threads/thread-traffic.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import { ENDPOINT, type RecordingListener } from './gateway-world.ts';

export const CLOSE_GRACE_MS = 2_000;

/** One endpoint's queues in several gateway threads, all in one thread of the test and on its clock. */
export class SharedQueues {
  readonly traffic: ThreadTraffic;
  readonly queues: EndpointQueue[] = [];
  readonly #requests: ThreadRequests[] = [];
  readonly #clock: ManualClock;
  readonly #limits: { readonly waitingPerEndpoint: number; readonly restMs: number };

  constructor(
    threads: number,
    clock: ManualClock,
    listener: RecordingListener,
    limits: { readonly waitingPerEndpoint: number; readonly restMs: number },
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.traffic = new ThreadTraffic({
      clock,
      listener,
      // What is counted and recorded is no business of the queues.
      metrics: {} as Metrics,
      arrivals: { arrivalRecord: () => undefined },
      table: tableMemory(threads, 100, 4, 100),
      closeGraceMs: CLOSE_GRACE_MS,
      wake: (thread) => this.#requests[thread]?.takeGiven(),
    });
    for (let thread = 0; thread < threads; thread += 1) this.#start(thread);
  }

  #start(thread: number): void {
    const { traffic } = this;
    const requests = new ThreadRequests(traffic.table, thread, (other) => this.#requests[other]?.takeGiven());
    this.#requests[thread] = requests;
    const ring = EventRing.memory(1_024);
    const workers = new Map<WorkerId, number>();
    let row = 0;
    const teller = new ThreadTeller({
      ring: new EventRing(ring),
      endpointRow: () => row,
      workerRow: (workerId) => workers.get(workerId) ?? 0,
      wakeMain: () => traffic.hear(),
    });
    const order = (given: ThreadOrder): void => {
      const queue = this.queues[thread];
      if (given.kind === 'endpointPut') {
        row = given.row;
        const endpoint = { ...given.endpoint, refusal: null };
        if (queue === undefined) {
          this.queues[thread] = new EndpointQueue(endpoint, {
            clock: this.#clock,
            limits: this.#limits,
            listener: {
              ...teller.listener(),
              workerLeft: (endpointId, workerId, left) => {
                traffic.report(thread, { kind: 'left', endpointId, workerId, requests: left });
                workers.delete(workerId);
              },
              workerSpent: () => undefined,
            },
            placesFor: (host) =>
              new SharedPlaces(host, {
                requests,
                row,
                rowOfWorker: ({ workerId }) => workers.get(workerId) ?? 0,
              }),
            onOver: () => traffic.report(thread, { kind: 'over', endpointId: ENDPOINT }),
          });
        } else queue.put(endpoint);
      } else if (given.kind === 'workerPut') {
        workers.set(given.worker.workerId, given.row);
        queue?.workerPut(given.worker);
      } else if (given.kind === 'workerRemove') {
        requests.takeGiven();
        queue?.workerRemove(given.workerId);
      } else if (given.kind === 'endpointRemove') queue?.remove(errorOf(given.reason));
      requests.takeGiven();
    };
    traffic.threadStarted(thread, { ring: new EventRing(ring), order });
  }
}
