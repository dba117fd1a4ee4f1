import { sleep, type Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { MIB } from '../base/units.ts';
import { backoffMs, retryAfterMs } from './backoff.ts';
import { withParameter, type WorkerSettings } from './environment.ts';

export interface TakenJob {
  readonly id: string;
  readonly input: unknown;
}

/** `waitMs`: how long the service wants to be left alone; null when it does not say. */
export type Answer<Value> =
  | { readonly kind: 'ok'; readonly value: Value }
  | { readonly kind: 'none' }
  | { readonly kind: 'busy'; readonly waitMs: number | null }
  | { readonly kind: 'refused'; readonly status: number; readonly text: string }
  | { readonly kind: 'failed'; readonly text: string };

/** What became of a part, a progress update or a result that was sent. */
export type Delivery =
  | { readonly kind: 'delivered' }
  /** The service does not want it, and would not the next time: `text` is what it said. */
  | { readonly kind: 'refused'; readonly status: number; readonly text: string }
  | { readonly kind: 'lost'; readonly text: string };

/** Longer than a service holds a take, and no longer than the protocol's other workers wait. */
const TAKE_TIMEOUT_MS = 90_000;
const POST_TIMEOUT_MS = 60_000;
/** A result is worth some patience: a service that is being restarted is back by then. */
const RESULT_TRIES = 12;
const NEWS_TRIES = 3;
/** The largest input a service may allow, and room for its wrapping. */
const JOB_LIMIT_BYTES = 24 * MIB;
const NOTE_LIMIT_BYTES = MIB;
const VERSION = 'pilotlight';

/** The calls of the worker protocol, one method each. It keeps no state. */
export class JobService {
  readonly #settings: WorkerSettings;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(settings: WorkerSettings, clock: Clock, random: Random) {
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
  }

  /** A long poll for up to `count` jobs. */
  async take(count: number, running: number, signal: AbortSignal): Promise<Answer<readonly TakenJob[]>> {
    const { takeUrl, takeBatchUrl } = this.#settings;
    const base = count > 1 ? withParameter(takeBatchUrl, 'batch_size', String(count)) : takeUrl;
    const url = withParameter(base, 'job_in_progress', running > 0 ? '1' : '0');
    const answer = await this.#get(url, signal, TAKE_TIMEOUT_MS, JOB_LIMIT_BYTES * count);
    return answer.kind === 'ok' ? jobsOf(answer.value) : answer;
  }

  /** A long poll for the ids of running jobs that are to be stopped. */
  async stops(running: number, signal: AbortSignal): Promise<Answer<readonly string[]>> {
    const url = withParameter(this.#settings.stopUrl, 'job_in_progress', running > 0 ? '1' : '0');
    const answer = await this.#get(url, signal, TAKE_TIMEOUT_MS, NOTE_LIMIT_BYTES);
    if (answer.kind !== 'ok') return answer;
    const ids = (answer.value as { jobsToStop?: unknown } | null)?.jobsToStop;
    if (!Array.isArray(ids)) return { kind: 'failed', text: 'an answer without jobsToStop' };
    return { kind: 'ok', value: ids.filter((id) => typeof id === 'string') };
  }

  async ping(jobIds: readonly string[], signal: AbortSignal): Promise<Answer<unknown>> {
    const { pingUrl, pingIntervalMs } = this.#settings;
    if (pingUrl === null) return { kind: 'none' };
    const named = jobIds.length === 0 ? pingUrl : withParameter(pingUrl, 'job_id', jobIds.join(','));
    const url = withParameter(named, 'runpod_version', VERSION);
    return await this.#get(url, signal, pingIntervalMs * 2, NOTE_LIMIT_BYTES, true);
  }

  /** The end of a job. `streamed`: its parts were sent one by one before. */
  async result(jobId: string, text: string, streamed: boolean): Promise<Delivery> {
    return await this.#post(this.#settings.outputUrl(jobId), jobId, text, streamed, RESULT_TRIES);
  }

  async progress(jobId: string, text: string): Promise<Delivery> {
    return await this.#post(this.#settings.outputUrl(jobId), jobId, text, false, NEWS_TRIES);
  }

  async part(jobId: string, text: string): Promise<Delivery> {
    return await this.#post(this.#settings.streamUrl(jobId), jobId, text, false, RESULT_TRIES);
  }

  async #get(
    url: string,
    signal: AbortSignal,
    timeoutMs: number,
    limitBytes: number,
    anyText = false,
  ): Promise<Answer<unknown>> {
    try {
      const response = await fetch(url, {
        headers: this.#headers({ accept: 'application/json' }),
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      const text = await textOf(response, limitBytes);
      if (response.status === 200) return anyText ? { kind: 'ok', value: text } : parsed(response, text);
      // 400 is "nothing for you now" in this protocol, and no fault of the request.
      if (response.status === 204 || response.status === 400) return { kind: 'none' };
      if (response.status === 429) {
        return { kind: 'busy', waitMs: retryAfterMs(response.headers.get('retry-after')) };
      }
      if (response.status < 500)
        return { kind: 'refused', status: response.status, text: text.slice(0, 500) };
      return { kind: 'failed', text: `answered ${response.status}: ${text.slice(0, 500)}` };
    } catch (error) {
      return { kind: 'failed', text: reasonOf(error) };
    }
  }

  async #post(url: string, jobId: string, text: string, streamed: boolean, tries: number): Promise<Delivery> {
    for (let tried = 1; ; tried += 1) {
      const { delivery, waitMs } = await this.#postOnce(url, jobId, text, streamed);
      if (delivery.kind !== 'lost' || tried === tries) return delivery;
      await sleep(this.#clock, waitMs ?? backoffMs(tried, this.#random));
    }
  }

  async #postOnce(
    url: string,
    jobId: string,
    text: string,
    streamed: boolean,
  ): Promise<{ readonly delivery: Delivery; readonly waitMs: number | null }> {
    try {
      const response = await fetch(withParameter(url, 'isStream', String(streamed)), {
        method: 'POST',
        // JSON under the name of a form: what every worker of this protocol sends.
        headers: this.#headers({
          'content-type': 'application/x-www-form-urlencoded',
          charset: 'utf-8',
          'x-request-id': jobId,
        }),
        body: text,
        redirect: 'error',
        signal: AbortSignal.timeout(POST_TIMEOUT_MS),
      });
      const said = (await textOf(response, NOTE_LIMIT_BYTES)).slice(0, 500);
      const { status } = response;
      if (response.ok) return { delivery: { kind: 'delivered' }, waitMs: null };
      const waitMs = retryAfterMs(response.headers.get('retry-after'));
      const again = status >= 500 || status === 429 || status === 408;
      if (again) return { delivery: { kind: 'lost', text: `answered ${status}: ${said}` }, waitMs };
      return { delivery: { kind: 'refused', status, text: said }, waitMs };
    } catch (error) {
      return { delivery: { kind: 'lost', text: reasonOf(error) }, waitMs: null };
    }
  }

  #headers(more: Readonly<Record<string, string>>): Record<string, string> {
    const { apiKey } = this.#settings;
    return { ...more, ...(apiKey === null ? {} : { authorization: apiKey }) };
  }
}

function parsed(response: Response, text: string): Answer<unknown> {
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('application/json')) return { kind: 'failed', text: `answered ${type}, not JSON` };
  try {
    return { kind: 'ok', value: JSON.parse(text) as unknown };
  } catch (error) {
    return { kind: 'failed', text: `answered JSON that cannot be read: ${(error as Error).message}` };
  }
}

function jobsOf(value: unknown): Answer<readonly TakenJob[]> {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  // Of a batch with a bad one the good ones are taken: they are this worker's by now.
  const jobs = list.filter(isJob);
  if (jobs.length > 0) return { kind: 'ok', value: jobs };
  return list.length === 0
    ? { kind: 'none' }
    : { kind: 'failed', text: 'answered a job without id or input' };
}

function isJob(value: unknown): value is TakenJob {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    value.id !== '' &&
    'input' in value
  );
}

async function textOf(response: Response, limitBytes: number): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) throw new Error(`answered more than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `fetch failed` says nothing; what it was caused by does. */
function reasonOf(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  return root instanceof Error && root.message !== '' ? root.message : String(root);
}
