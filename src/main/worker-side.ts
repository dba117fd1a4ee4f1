import type { Clock } from '../base/clock.ts';
import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { PushWorkers } from '../jobs/push/push-workers.ts';
import { jobVariables } from '../jobs/worker-protocol/job-variables.ts';
import { Presence } from '../jobs/worker-protocol/presence.ts';
import { readyVariables } from '../jobs/worker-protocol/ready-variables.ts';
import { WorkerRequests } from '../jobs/worker-protocol/worker-requests.ts';
import { WorkerTokens } from '../jobs/worker-protocol/worker-token.ts';
import { takesJobs, type Endpoint } from '../model/endpoint.ts';
import type { Readiness } from '../ports/driver.ts';
import type { Log } from '../ports/log.ts';

export interface WorkerSideOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly jobs: Jobs;
  readonly key: Uint8Array;
  readonly workerFind: (endpointId: EndpointId, workerId: WorkerId) => object | null;
  /** Of workers with a port. */
  readonly readiness: Readiness;
  /** A worker with a port says that it is ready. */
  readonly noticed: (workerId: WorkerId) => void;
  /** No worker asks for jobs: the simulated ones answer requests and run no program. */
  readonly sendAlways: boolean;
}

interface WorkerPlace {
  readonly base: string;
  readonly certain: boolean;
}

type WorkerVariables = Readonly<Record<string, string>>;

/** What brings the jobs to their workers: the calls of those that take them, and requests to the others. */
export class WorkerSide {
  readonly requests: WorkerRequests;
  readonly push: PushWorkers;
  readonly readiness: Readiness;
  readonly #tokens: WorkerTokens;
  readonly #outputBytes: number;
  readonly #listening = Promise.withResolvers<WorkerPlace>();
  /** Null until the server listens. */
  #place: WorkerPlace | null = null;

  constructor({ clock, log, jobs, key, workerFind, readiness, noticed, sendAlways }: WorkerSideOptions) {
    const { outputBytes } = jobs.limits;
    const presence = new Presence();
    this.#tokens = new WorkerTokens(key);
    this.#outputBytes = outputBytes;
    this.push = new PushWorkers({ clock, log, workers: jobs, outputBytes });
    this.requests = new WorkerRequests({
      clock,
      log,
      workers: jobs,
      tokens: this.#tokens,
      presence,
      workerFind,
      noticed,
      outputBytes,
    });
    this.readiness = {
      watch: (target, onChange, signal) => {
        const takes = target.takesJobs && !sendAlways;
        (takes ? presence : readiness).watch(target, onChange, signal);
      },
    };
    jobs.onWorker = ({ endpointId, healthCheckPath }, worker) => {
      if (sendAlways || healthCheckPath !== '') this.push.workerPut(endpointId, worker);
    };
    jobs.onWorkerGone = (workerId) => this.push.workerRemove(workerId);
  }

  /** The server listens, and `base` is where workers reach it; `certain` false: those of some engines may not. */
  listening(base: string, certain: boolean): void {
    this.#place = { base, certain };
    this.#listening.resolve(this.#place);
  }

  /** At once when the server listens: the start of a worker that a request waits for is then held up by nothing. */
  variablesOf(endpoint: Endpoint, workerId: WorkerId): Promise<WorkerVariables> | WorkerVariables {
    if (this.#place !== null) return this.#variablesAt(this.#place, endpoint, workerId);
    return this.#listening.promise.then((place) => this.#variablesAt(place, endpoint, workerId));
  }

  #variablesAt({ base, certain }: WorkerPlace, endpoint: Endpoint, workerId: WorkerId): WorkerVariables {
    const holder = { endpointId: endpoint.id, workerId };
    const token = this.#tokens.tokenOf(holder);
    if (takesJobs(endpoint)) return jobVariables(holder, { base, token, outputBytes: this.#outputBytes });
    return certain ? readyVariables(holder, { base, token }) : {};
  }
}
