import { impossible } from '../../base/errors.ts';
import type { EndpointId, WorkerId } from '../../base/ids.ts';
import { ARRIVAL_OUTCOMES, type Arrival } from '../../model/arrival.ts';
import { ERROR_STATUS } from '../../model/error-status.ts';
import type { ArrivalRecorder } from '../../ports/arrivals.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { RequestOutcome, TrafficListener } from '../../ports/traffic.ts';
import type { EventRing } from './event-ring.ts';
import type { Row } from './shared-table.ts';

// Kinds of records, with what they say behind the endpoint's row.
const WAITING = 1;
const GONE = 2;
/** worker */
const STARTED = 3;
/** worker, status, firstByteMs, beside */
const ANSWERED = 4;
/** worker, revision, status (0: none), end, waitedMs, runMs */
const ENDED = 5;
/** worker */
const DRAINED = 6;
/** outcome, waitedMs, totalMs */
const COUNTED = 7;
/** overheadMs, in the place of the endpoint */
const OVERHEAD = 8;
/** endedAtMs, waitMs, runMs, sizeClass, outcome */
const RECORDED = 9;

const ENDS: readonly RequestOutcome['end'][] = ['complete', 'broke', 'clientGone', 'timeout', 'cut'];
/** Every label that `steps/record.ts` can give a request. */
const COUNTED_AS: readonly string[] = [
  ...Array.from({ length: 10 }, (_, hundreds) => `${hundreds}xx`),
  'client_gone',
  'other',
  ...Object.keys(ERROR_STATUS).map((code) => code.toLowerCase()),
];
const COUNTED_INDEX = new Map(COUNTED_AS.map((label, index) => [label, index]));

export interface TellerParts {
  readonly ring: EventRing;
  readonly endpointRow: (endpointId: EndpointId) => Row;
  readonly workerRow: (workerId: WorkerId) => Row;
  /** The main thread is to read at once (true), or soon. */
  readonly wakeMain: (atOnce: boolean) => void;
}

/** What the gateway of a thread tells, as records for the main thread. */
export class ThreadTeller {
  readonly #parts: TellerParts;

  constructor(parts: TellerParts) {
    this.#parts = parts;
  }

  /** Both listeners of a gateway name a method `requestEnded`, so each is made apart. */
  listener(): Omit<TrafficListener, 'workerLeft' | 'workerSpent'> {
    const { ring, endpointRow, workerRow, wakeMain } = this.#parts;
    return {
      requestWaiting: (endpointId) => {
        ring.write(WAITING, endpointRow(endpointId));
        // It may be what wakes a worker.
        wakeMain(true);
      },
      requestGone: (endpointId) => {
        ring.write(GONE, endpointRow(endpointId));
        wakeMain(false);
      },
      requestStarted: (endpointId, workerId) => {
        ring.write(STARTED, endpointRow(endpointId), workerRow(workerId));
        wakeMain(false);
      },
      requestAnswered: (endpointId, { workerId, status, firstByteMs, beside }) => {
        ring.write(ANSWERED, endpointRow(endpointId), workerRow(workerId), status, firstByteMs, beside);
        wakeMain(false);
      },
      requestEnded: (endpointId, { workerId, revision, status, end, waitedMs, runMs }) => {
        const row = endpointRow(endpointId);
        const worker = workerRow(workerId);
        ring.write(ENDED, row, worker, revision, status ?? 0, ENDS.indexOf(end), waitedMs, runMs);
        wakeMain(false);
      },
      workerDrained: (endpointId, workerId) => {
        ring.write(DRAINED, endpointRow(endpointId), workerRow(workerId));
        wakeMain(true);
      },
    };
  }

  metrics(): Metrics {
    const { ring, endpointRow, wakeMain } = this.#parts;
    const elsewhere = (): never => impossible('thread-events-70c1', 'counted by the main thread alone');
    return {
      requestEnded: (endpointId, outcome, waitedMs, totalMs) => {
        const label = COUNTED_INDEX.get(outcome);
        if (label === undefined) impossible('thread-events-2e95', `no such outcome: ${outcome}`);
        ring.write(COUNTED, endpointRow(endpointId), label, waitedMs, totalMs);
        wakeMain(false);
      },
      forwardOverhead: (overheadMs) => ring.write(OVERHEAD, overheadMs),
      coldStart: elsewhere,
      scaleDecision: elsewhere,
      workerStarted: elsewhere,
      workerFailed: elsewhere,
      arrivalsDropped: elsewhere,
      endpointForgotten: elsewhere,
      onScrape: elsewhere,
    };
  }

  arrivals(): ArrivalRecorder {
    const { ring, endpointRow, wakeMain } = this.#parts;
    return {
      arrivalRecord: (endpointId, { endedAtMs, waitMs, runMs, sizeClass, outcome }) => {
        const ended = ARRIVAL_OUTCOMES.indexOf(outcome);
        ring.write(RECORDED, endpointRow(endpointId), endedAtMs, waitMs, runMs, sizeClass, ended);
        wakeMain(false);
      },
    };
  }
}

export interface HearerParts {
  /** Undefined: it was removed, and nobody asks for it any more. */
  readonly endpointOf: (row: Row) => EndpointId | undefined;
  readonly workerOf: (row: Row) => WorkerId | undefined;
  readonly listener: Omit<TrafficListener, 'workerLeft' | 'workerSpent' | 'workerDrained'>;
  /** A draining worker's last slot came back. */
  readonly onDrained: (endpointId: EndpointId) => void;
  readonly metrics: Pick<Metrics, 'requestEnded' | 'forwardOverhead'>;
  readonly arrivals: ArrivalRecorder;
}

/** Reads what a thread told, and tells those whom it concerns. */
export function hearThread(ring: EventRing, parts: HearerParts): void {
  ring.read((records, at) => hear(records, at, parts));
}

/** Six times for each request, so it makes nothing that it does not hand on. */
function hear(records: Float64Array, at: number, parts: HearerParts): void {
  const kind = records[at] as number;
  const first = records[at + 1] as number;
  if (kind === OVERHEAD) {
    parts.metrics.forwardOverhead(first);
    return;
  }
  const endpointId = parts.endpointOf(first);
  if (endpointId === undefined) return;
  const second = records[at + 2] as number;
  switch (kind) {
    case WAITING:
      parts.listener.requestWaiting(endpointId);
      return;
    case GONE:
      parts.listener.requestGone(endpointId);
      return;
    case COUNTED: {
      const label = COUNTED_AS[second] ?? impossible('thread-events-5a17', `no label ${second}`);
      parts.metrics.requestEnded(endpointId, label, records[at + 3] as number, records[at + 4] as number);
      return;
    }
    case RECORDED:
      parts.arrivals.arrivalRecord(endpointId, arrivalOf(records, at));
      return;
    default: {
      const workerId = parts.workerOf(second);
      if (workerId !== undefined) hearOfWorker(records, at, parts, endpointId, workerId);
    }
  }
}

function hearOfWorker(
  records: Float64Array,
  at: number,
  { listener, onDrained }: HearerParts,
  endpointId: EndpointId,
  workerId: WorkerId,
): void {
  switch (records[at]) {
    case STARTED:
      listener.requestStarted(endpointId, workerId);
      return;
    case DRAINED:
      onDrained(endpointId);
      return;
    case ANSWERED:
      listener.requestAnswered(endpointId, {
        workerId,
        status: records[at + 3] as number,
        firstByteMs: records[at + 4] as number,
        beside: records[at + 5] as number,
      });
      return;
    case ENDED: {
      const status = records[at + 4] as number;
      listener.requestEnded(endpointId, {
        workerId,
        revision: records[at + 3] as number,
        status: status === 0 ? null : status,
        end: ENDS[records[at + 5] as number] ?? impossible('thread-events-8b02', 'no such end'),
        waitedMs: records[at + 6] as number,
        runMs: records[at + 7] as number,
      });
      return;
    }
    default:
      impossible('thread-events-c3d9', `no record of kind ${records[at]}`);
  }
}

function arrivalOf(records: Float64Array, at: number): Arrival {
  return {
    endedAtMs: records[at + 2] as number,
    waitMs: records[at + 3] as number,
    runMs: records[at + 4] as number,
    sizeClass: records[at + 5] as number,
    outcome:
      ARRIVAL_OUTCOMES[records[at + 6] as number] ?? impossible('thread-events-91d4', 'no such outcome'),
  };
}
