import { Agent, errors, request } from 'undici';
import { SECOND_MS } from '../../base/units.ts';
import type { JobTarget } from '../../model/job-target.ts';
import type { WorkerAddress } from '../../model/worker.ts';
import type { JobResult, TakenJob } from '../../ports/job-workers.ts';

export type PostOutcome =
  | { readonly kind: 'answered'; readonly result: JobResult }
  /** Nothing of it can have reached the worker. */
  | { readonly kind: 'notSent'; readonly why: string }
  /** The connection ended without an answer: the worker may have begun. */
  | { readonly kind: 'broke'; readonly why: string }
  | { readonly kind: 'stopped' };

const CONNECT_TIMEOUT_MS = 5 * SECOND_MS;
/** Of an answer that is an error, as much as says why. */
const ERROR_BYTES = 2_000;

/** A connection for each job, which takes seconds: none is kept that may break just then. */
const AGENT = new Agent({
  connect: { timeout: CONNECT_TIMEOUT_MS },
  // The job's own limit holds: its lease ends by executionTimeout, and the signal aborts.
  headersTimeout: 0,
  bodyTimeout: 0,
  pipelining: 1,
});

/** Sends a job to a worker by HTTP and makes its answer the result. Never rejects. */
export async function postJob(
  address: WorkerAddress,
  target: JobTarget,
  job: TakenJob,
  outputBytes: number,
  signal: AbortSignal,
): Promise<PostOutcome> {
  try {
    const response = await request(`http://${address.host}:${address.port}${target.path}`, {
      method: 'POST',
      dispatcher: AGENT,
      signal,
      reset: true,
      headers: {
        'content-type': 'application/json',
        'x-pilotlight-job-id': job.handedId,
        'x-pilotlight-attempt': String(job.attempt),
      },
      body:
        target.body === 'input' ? job.input : `{"id":${JSON.stringify(job.handedId)},"input":${job.input}}`,
    });
    const good = response.statusCode >= 200 && response.statusCode < 300;
    const text = await textOf(response.body, good ? outputBytes : ERROR_BYTES);
    if (good) return { kind: 'answered', result: resultOf(text) };
    const said = text.text.slice(0, ERROR_BYTES);
    const error = `The worker answered ${response.statusCode}: ${said}`;
    return { kind: 'answered', result: { kind: 'error', error } };
  } catch (error) {
    if (signal.aborted) return { kind: 'stopped' };
    const why = (error as Error).message;
    return { kind: neverSent(error) ? 'notSent' : 'broke', why };
  }
}

interface Text {
  readonly text: string;
  readonly bytes: number;
  readonly whole: boolean;
}

function resultOf({ text, bytes, whole }: Text): JobResult {
  if (!whole) return { kind: 'tooLarge', bytes };
  if (text === '') return { kind: 'output', output: 'null' };
  try {
    JSON.parse(text);
    return { kind: 'output', output: text.trim() };
  } catch {
    // Any other text is an output too: as a JSON string.
    return { kind: 'output', output: JSON.stringify(text) };
  }
}

async function textOf(body: AsyncIterable<Buffer>, limitBytes: number): Promise<Text> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > limitBytes) break;
  }
  return { text: Buffer.concat(chunks).toString('utf8'), bytes, whole: bytes <= limitBytes };
}

function neverSent(error: unknown): boolean {
  if (error instanceof errors.ConnectTimeoutError) return true;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === 'ECONNREFUSED' || syscall === 'connect' || syscall === 'getaddrinfo';
}
