/** The calls of the worker protocol. */
export const WORKER_CALLS = [
  'job-take',
  'job-take-batch',
  'job-stop',
  'job-done',
  'job-stream',
  'ping',
  'ready',
] as const;
export type WorkerCall = (typeof WORKER_CALLS)[number];

export interface WorkerRoute {
  readonly call: WorkerCall;
  readonly method: 'GET' | 'POST';
  readonly endpointId: string;
  /** Null where the worker left the template's `$ID` or `$RUNPOD_POD_ID` as it was: its token tells. */
  readonly workerId: string | null;
  /** Of the calls about one job; empty for the others. */
  readonly jobId: string;
  readonly query: URLSearchParams;
}

const FORM =
  /^\/v2\/([^/?#]+)\/(job-take|job-take-batch|job-stop|job-done|job-stream|ping|ready)\/([^?#]*)(?:\?([^#]*))?$/;
const PLACEHOLDER = /^\$(?:ID|RUNPOD_POD_ID)$/;

/** Which call a request target is; null when it is none of the protocol's. */
export function workerRouteOf(target: string): WorkerRoute | null {
  const [, endpointId = '', name = '', rest = '', query = ''] = FORM.exec(target) ?? [];
  if (name === '') return null;
  const call = name as WorkerCall;
  const aboutJob = call === 'job-done' || call === 'job-stream';
  const [worker = '', job = '', ...more] = rest.replace(/\/$/, '').split('/').map(decoded);
  if (worker === '' || more.length > 0 || (job !== '') !== aboutJob) return null;
  return {
    call,
    method: aboutJob || call === 'ready' ? 'POST' : 'GET',
    endpointId,
    workerId: PLACEHOLDER.test(worker) ? null : worker,
    jobId: job,
    query: new URLSearchParams(query),
  };
}

/** A part that is no good encoding names nothing we know, as it stands. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
