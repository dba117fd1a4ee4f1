import { pullWords } from '../decide/pull-words.ts';
import type { Worker } from '../model/worker.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';

/** The worker's record as it is shown: while its image is pulled with how far that is. */
export function shownWorker(worker: WorkerEntry): Worker {
  const pull = pullMessage(worker);
  return pull === '' ? worker.record : { ...worker.record, reason: `${worker.record.reason}; ${pull}` };
}

/** Of the worker that was asked for first; empty: none is being pulled for. */
export function endpointPullMessage({ workers }: EndpointEntry): string {
  for (const worker of workers.values()) {
    const message = pullMessage(worker);
    if (message !== '') return message;
  }
  return '';
}

function pullMessage({ record, pull }: WorkerEntry): string {
  return pull === null || record.state !== 'pulling' ? '' : pullWords(pull);
}
