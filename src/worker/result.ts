/** What is POSTed for a job: its end, or with `status` a progress update. */
export interface ResultBody {
  readonly status?: 'IN_PROGRESS';
  readonly output?: unknown;
  readonly error?: string;
  /** The worker is to be stopped, and another started when it is needed. */
  readonly stopPod?: true;
}

/**
 * What a handler returned, in the words of the protocol, which other worker kits use too: of an
 * object, `error` fails the job, `refresh_worker` asks for a new worker, and the rest is the output.
 */
export function resultOf(returned: unknown): ResultBody {
  if (!isPlainObject(returned)) return { output: returned ?? null };
  const { error, refresh_worker: refresh, ...output } = returned;
  const failed = error !== undefined && error !== null && error !== false && error !== '';
  const asked = refresh !== undefined && refresh !== null && refresh !== false;
  const empty = Object.keys(output).length === 0;
  return {
    ...(empty && (failed || asked) ? {} : { output }),
    ...(failed ? { error: typeof error === 'string' ? error : JSON.stringify(error) } : {}),
    ...(asked ? { stopPod: true } : {}),
  };
}

/** The facts of a thrown error, as JSON text in `error`, under the names that clients of the protocol know. */
export function failureOf(error: unknown, workerId: string, hostname: string): ResultBody {
  const known = error instanceof Error;
  const facts = {
    error_type: known ? error.name : typeof error,
    error_message: known ? error.message : String(error),
    error_traceback: known ? (error.stack ?? '') : '',
    hostname,
    worker_id: workerId,
  };
  return { error: JSON.stringify(facts) };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Parts that come one after the other: what an (async) generator function returns. An array is an output. */
export function isParts(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  if (Symbol.asyncIterator in value) return true;
  return Symbol.iterator in value && 'next' in value && typeof value.next === 'function';
}
