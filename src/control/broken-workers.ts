import type { WorkerId } from '../base/ids.ts';
import type { RolloutStep } from '../decide/rollout/rollout-step.ts';
import { seconds } from '../decide/world.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { rolloutIsOver, rolloutIsProven } from '../model/rollout-state.ts';
import type { ControlPorts } from './control-options.ts';
import { noteBackoff } from './decision-events.ts';
import type { EndedWorkers } from './ended-workers.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import { figuresOf } from './guard-facts.ts';
import { clip, sayOfRollout } from './rollout-record.ts';
import { countFailure, forgetFailures } from './start-failures.ts';

/** What a worker that broke counts for, against its rollout or its endpoint, and what is said of it. */
export class BrokenWorkers {
  readonly #clock: ControlPorts['clock'];
  readonly #records: EndpointRecords;
  readonly #ended: Pick<EndedWorkers, 'lastOutput'>;
  #closed = false;

  constructor(
    { clock }: Pick<ControlPorts, 'clock'>,
    records: EndpointRecords,
    ended: Pick<EndedWorkers, 'lastOutput'>,
  ) {
    this.#clock = clock;
    this.#records = records;
    this.#ended = ended;
  }

  count(entry: EndpointEntry, worker: WorkerEntry, why: string): void {
    const { rollout, targetRevision } = entry.endpoint;
    if (entry.endpoint.deleting) return;
    const nowMs = this.#clock.nowMs();
    const place = `Worker ${worker.record.id}: ${why}`;
    const served = worker.record.readyAtMs !== null;
    if (served) figuresOf(entry, worker.record.revision).deaths += 1;
    if (rollout !== null && !rolloutIsOver(rollout.state) && worker.record.revision === targetRevision) {
      // Of a proven target it is the guard that holds the deaths against the stable revision's.
      if (served && rolloutIsProven(rollout.state)) {
        noteBackoff(entry, worker, countFailure(entry, worker, nowMs), nowMs);
        sayOfRollout(this.#records, entry, place);
        return;
      }
      // A client's change may come in between: only the rollout that asked for the worker counts it.
      this.#records.endpointChange(entry, (endpoint) =>
        endpoint.rollout?.id === rollout.id
          ? {
              rollout: {
                ...endpoint.rollout,
                startFailures: endpoint.rollout.startFailures + 1,
                message: clip(place),
              },
            }
          : {},
      );
      return;
    }
    // A worker that was replaced or marked as failed has nothing to say about the endpoint any more.
    if (worker.record.revision !== entry.endpoint.stableRevision) return;
    const pauseMs = countFailure(entry, worker, nowMs);
    noteBackoff(entry, worker, pauseMs, nowMs);
    this.#records.endpointChange(entry, () => ({
      message: clip(`${place}; the next start is tried in ${seconds(pauseMs)}`),
    }));
    this.#addLastOutput(entry, worker.record.id, (endpoint) => endpoint.message.startsWith(place));
  }

  /** A rollout gave up, or was aborted: why is kept with its revision. */
  targetFailed(entry: EndpointEntry, revision: number, step: RolloutStep): void {
    this.#records.revisionChange(entry, revision, { failure: step.message });
    forgetFailures(entry);
    const broken = entry.ended.findLast((worker) => worker.revision === revision);
    const workerId = broken?.id ?? step.stop[0];
    if (workerId === undefined) return;
    this.#addLastOutput(
      entry,
      workerId,
      (endpoint) => endpoint.rollout?.toRevision === revision && endpoint.rollout.state === 'failed',
    );
  }

  close(): void {
    this.#closed = true;
  }

  /** A message stands at once; what the worker wrote last follows when it has been read, if it still belongs there. */
  #addLastOutput(entry: EndpointEntry, workerId: WorkerId, belongs: (endpoint: Endpoint) => boolean): void {
    void this.#ended.lastOutput(workerId).then((output) => {
      if (this.#closed || output === '' || entry.endpoint.deleting) return;
      this.#records.endpointChange(entry, (endpoint) =>
        belongs(endpoint) ? { message: clip(endpoint.message + output) } : {},
      );
    });
  }
}
