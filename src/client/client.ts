import { badAnswer, parseJson, readText, refusal } from './answer.ts';
import { ClientError } from './client-error.ts';
import type { LocalReason } from './client-error.ts';
import { readEvents } from './event-reader.ts';
import { OPERATIONS } from './schema.ts';
import type { Operations } from './schema.ts';
import { SilenceLimit } from './silence-limit.ts';

export type OperationName = keyof Operations;
/** `path`, `query`, `header` and `body` of an operation, as far as it has them. */
export type Input<Name extends OperationName> = Omit<Operations[Name], 'answer'>;
export type Answer<Name extends OperationName> = Operations[Name]['answer'];

export interface ClientOptions {
  /** Where the server is, such as `http://127.0.0.1:8080`; a path in it is kept in front. */
  readonly url: string;
  /** Not needed by the operations about the server itself. */
  readonly apiKey?: string | undefined;
  /** For the whole of one call, the reading of its answer included. Default 30 seconds. */
  readonly timeoutMs?: number | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Numbers of the answer that JavaScript would write differently become objects that keep them. */
  readonly exactNumbers?: boolean;
}

interface LooseInput {
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly header?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

interface CallLimits {
  readonly limit: AbortSignal;
  readonly signal: AbortSignal | undefined;
  readonly accept?: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * The control API, one method for all of it: `call('getEndpoint', { path: { endpoint_id } })`. It
 * keeps no state and never repeats a call by itself.
 */
export class Client {
  readonly url: string;
  readonly #apiKey: string | undefined;
  readonly #timeoutMs: number;

  constructor({ url, apiKey, timeoutMs = DEFAULT_TIMEOUT_MS }: ClientOptions) {
    this.url = url.replace(/\/+$/, '');
    this.#apiKey = apiKey;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Resolves with the answer of a 200. Rejects with a `ClientError` for every other outcome, or with
   * the signal's reason when the caller aborts.
   */
  async call<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options: CallOptions = {},
  ): Promise<Answer<Name>> {
    return (await this.callWithHeaders(name, input, options)).answer;
  }

  /** The same, for the facts that are only in the headers of the answer. */
  async callWithHeaders<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    { signal, exactNumbers = false }: CallOptions = {},
  ): Promise<{ readonly answer: Answer<Name>; readonly headers: Headers }> {
    const { answer } = OPERATIONS[name];
    const limit = AbortSignal.timeout(this.#timeoutMs);
    return await this.#answered(name, input, { limit, signal }, async (response) => {
      const text = await readText(response);
      if (response.status !== 200) throw refusal(response, text);
      // The server's answers are of the document's shape: its own tests hold them to it.
      const content = (answer === 'text' ? text : parseJson(response, text, exactNumbers)) as Answer<Name>;
      return { answer: content, headers: response.headers };
    });
  }

  /**
   * For an operation that can tell its progress: `onProgress` is given the data of each event before
   * the answer. The time limit is for a silence, not for the whole.
   */
  async callWithProgress<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    onProgress: (data: unknown) => void,
    { signal }: CallOptions = {},
  ): Promise<Answer<Name>> {
    const silence = new SilenceLimit(this.#timeoutMs);
    try {
      const limits = { limit: silence.signal, signal, accept: 'text/event-stream, application/json' };
      return await this.#answered(name, input, limits, async (response) => {
        if (response.status !== 200) throw refusal(response, await readText(response));
        for await (const event of readEvents(response, () => silence.heard())) {
          if (event.name === 'progress') onProgress(parseJson(response, event.data));
          else if (event.name === 'error') throw refusal(response, event.data);
          else if (event.name === 'result') return parseJson(response, event.data) as Answer<Name>;
        }
        throw badAnswer(response, 'ended without a result');
      });
    } finally {
      silence.end();
    }
  }

  async #answered<Name extends OperationName, Result>(
    name: Name,
    input: Input<Name>,
    { limit, signal, accept }: CallLimits,
    read: (response: Response) => Promise<Result>,
  ): Promise<Result> {
    const { method, path } = OPERATIONS[name];
    const { path: parameters = {}, query = {}, header = {}, body } = input as LooseInput;
    const target = this.url + filled(path, parameters) + queryText(query);
    try {
      const response = await fetch(target, {
        method,
        headers: {
          ...this.#headers(body !== undefined),
          ...(accept === undefined ? {} : { accept }),
          ...given(header),
        },
        body: body === undefined ? null : JSON.stringify(body),
        // A redirect would carry the key to a place nobody named.
        redirect: 'error',
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      return await read(response);
    } catch (error) {
      if (error instanceof ClientError || signal?.aborted === true) throw error;
      throw limit.aborted ? this.#timedOut(method, target, error) : this.#unreachable(error);
    }
  }

  #headers(hasBody: boolean): Record<string, string> {
    return {
      accept: 'application/json, text/plain',
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
      ...(this.#apiKey === undefined ? {} : { authorization: `Bearer ${this.#apiKey}` }),
    };
  }

  #timedOut(method: string, target: string, cause: unknown): ClientError {
    const reason: LocalReason = 'TIMEOUT';
    const message = `${method} ${target} was not answered within ${this.#timeoutMs} ms`;
    return new ClientError(message, { status: null, reason, cause });
  }

  #unreachable(cause: unknown): ClientError {
    const reason: LocalReason = 'UNREACHABLE';
    const message = `cannot reach ${this.url}: ${rootMessage(cause)}`;
    return new ClientError(message, { status: null, reason, cause });
  }
}

function filled(path: string, parameters: Readonly<Record<string, string | number>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(parameters[name] ?? '');
    // A URL takes these for parts of its own, so the call would go to another path.
    if (value === '' || value === '.' || value === '..') {
      const reason: LocalReason = 'BAD_INPUT';
      throw new ClientError(`${name} is "${value}", which can be no id`, { status: null, reason });
    }
    return encodeURIComponent(value);
  });
}

function queryText(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

function given(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** `fetch failed` says nothing; what it was caused by does. */
function rootMessage(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  if (!(root instanceof Error)) return String(root);
  const code = 'code' in root ? String(root.code) : '';
  return root.message === '' ? code : root.message;
}
