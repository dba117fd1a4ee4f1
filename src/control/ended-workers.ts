import { AppError } from '../base/errors.ts';
import type { WorkerId } from '../base/ids.ts';
import type { Worker } from '../model/worker.ts';
import { LAST_OUTPUT_BYTES_MAX, LAST_REQUESTS_MAX } from '../model/worker.ts';
import type { RequestTimeline } from '../model/request-timeline.ts';
import type { WorkerLog } from '../ports/driver.ts';
import type { ControlPorts } from './control-options.ts';
import type { EndpointEntry } from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';

/** Ended workers whose records and logs are kept for each endpoint. */
const ENDED_WORKERS_KEPT = 20;
/** How much of a broken worker's output is shown with the reason. */
const OUTPUT_SHOWN_BYTES = 600;

/**
 * What is kept of workers that are over, so that somebody who comes later can tell why: the record,
 * the log, and in the record the end of the output and the last requests. Both of these come a moment
 * after the end: the output is read, and requests break as their connections do.
 */
export class EndedWorkers {
  readonly #ports: Pick<ControlPorts, 'driver' | 'log'>;
  readonly #records: EndpointRecords;
  #closed = false;

  constructor(ports: Pick<ControlPorts, 'driver' | 'log'>, records: EndpointRecords) {
    this.#ports = ports;
    this.#records = records;
  }

  /** Keeps the record and log of an ended worker, and drops the oldest beyond the bound. */
  keep(entry: EndpointEntry, record: Worker): void {
    entry.ended.push(record);
    while (entry.ended.length > ENDED_WORKERS_KEPT) {
      const oldest = entry.ended.shift();
      if (oldest === undefined) break;
      this.#records.workerDelete(oldest);
      this.#forget(oldest.id);
    }
  }

  async keepOutput(entry: EndpointEntry, workerId: WorkerId): Promise<void> {
    let log: WorkerLog;
    try {
      log = await this.#ports.driver.logs(workerId, LAST_OUTPUT_BYTES_MAX);
    } catch (error) {
      // It never got as far as writing something.
      if (error instanceof AppError && error.code === 'SERVERLESS_WORKER_NOT_FOUND') return;
      this.#ports.log.warn('the output of an ended worker could not be read', { workerId, error });
      return;
    }
    const text = wholeLines(log).trimEnd();
    if (text !== '') this.#change(entry, workerId, { lastOutput: text });
  }

  /** The end of a broken worker's output, as a sentence to append to its reason; empty when it wrote nothing. */
  async lastOutput(workerId: WorkerId): Promise<string> {
    try {
      const log = await this.#ports.driver.logs(workerId, OUTPUT_SHOWN_BYTES);
      const text = log.text.trim();
      return text === '' ? '' : `; its last output: ${text}`;
    } catch (error) {
      this.#ports.log.warn('the output of a broken worker could not be read', { workerId, error });
      return '';
    }
  }

  keepRequests(entry: EndpointEntry, workerId: WorkerId, requests: readonly RequestTimeline[]): void {
    if (requests.length === 0) return;
    const lastRequests = requests
      .slice(0, LAST_REQUESTS_MAX)
      .map(({ requestId, method, path, startedAtMs, endedAtMs, status, outcome }) => ({
        requestId,
        method,
        path,
        startedAtMs,
        endedAtMs,
        status,
        outcome,
      }));
    this.#change(entry, workerId, { lastRequests });
  }

  /** The endpoint is gone: from now on nothing more is written of its workers. */
  forgetAll(entry: EndpointEntry): void {
    for (const { id } of entry.ended.splice(0)) this.#forget(id);
  }

  close(): void {
    this.#closed = true;
  }

  #change(entry: EndpointEntry, workerId: WorkerId, facts: Partial<Worker>): void {
    if (this.#closed) return;
    // Not there any more: it was dropped meanwhile, or its endpoint was deleted.
    const index = entry.ended.findIndex(({ id }) => id === workerId);
    const record = entry.ended[index];
    if (record === undefined) return;
    const changed = { ...record, ...facts };
    entry.ended[index] = changed;
    this.#records.workerPut(changed);
  }

  #forget(workerId: WorkerId): void {
    this.#ports.driver.forget(workerId).catch((error: unknown) => {
      this.#ports.log.warn('an ended worker could not be forgotten', { workerId, error });
    });
  }
}

/** Without the rest of a line whose beginning is not there; of one long line, what there is. */
function wholeLines({ text, droppedBytes }: WorkerLog): string {
  const firstEnd = text.indexOf('\n');
  return droppedBytes > 0 && firstEnd !== -1 && firstEnd < text.length - 1 ? text.slice(firstEnd + 1) : text;
}
