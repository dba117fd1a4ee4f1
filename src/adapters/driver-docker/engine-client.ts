import Docker from 'dockerode';
import { sleep, type Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { MIB, SECOND_MS } from '../../base/units.ts';
import type { Log } from '../../ports/log.ts';
import { engineFault, type EngineFailure } from './engine-fault.ts';
import { StreamSilence, type EngineStream } from './stream-silence.ts';

/** An engine under load takes seconds for a start; one that takes this long answers nobody. */
const CALL_TIMEOUT_MS = 60 * SECOND_MS;
const ABSENT_LOOK_MS = 250;
/** Lists of thousands of containers and images are a tenth of it. */
const ANSWER_BYTES_MAX = 64 * MIB;

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD';
  /** With its parameters: /containers/json?all=1 */
  readonly path: string;
  readonly body?: unknown;
  readonly login?: EngineLogin | null;
  readonly signal?: AbortSignal;
  /** Default 60 s; of a stream, to its first byte. */
  readonly timeoutMs?: number;
}

/** What the engine shows an image registry. */
export interface EngineLogin {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}

/** The part of dockerode's modem that is used here, which its types leave open. */
interface Modem {
  dial(options: unknown, callback: (error: EngineFailure | null, data: unknown) => void): void;
}

/**
 * Calls of the engine's HTTP API on its socket, each with an end and with named errors. All of them go
 * through dockerode's modem in one way: its own methods take a signal here and none there.
 */
export class EngineClient {
  readonly socketPath: string;
  readonly #modem: Modem;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #timeoutMs: number;
  readonly #closed = new AbortController();

  constructor(options: {
    readonly socketPath: string;
    readonly clock: Clock;
    readonly log: Log;
    readonly timeoutMs?: number;
  }) {
    this.socketPath = options.socketPath;
    // It would take the host of DOCKER_HOST before the socket it is given.
    const place = { socketPath: options.socketPath, host: undefined };
    const { modem }: { modem: Modem } = new Docker(place);
    this.#modem = modem;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS;
  }

  /** Aborts when the client is closed. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** The parsed answer. Rejects with an AppError, or with the signal's reason. */
  async call<Answer>(request: EngineRequest): Promise<Answer> {
    return (await this.#dial(request, readAnswer)) as Answer;
  }

  /** As `call`, and waits up to `waitMs` for an engine that is not there: one that is being restarted. */
  async callPatiently<Answer>(request: EngineRequest, waitMs: number): Promise<Answer> {
    return await this.patiently(async () => await this.call<Answer>(request), waitMs, request.signal);
  }

  /** The answer's body as it comes. */
  async stream(request: EngineRequest): Promise<EngineStream> {
    return await this.#dial(request, (answer) => Promise.resolve(answer));
  }

  /** To be told of each part that was read, and to be ended. */
  silenceOf(stream: EngineStream, limitMs: number): StreamSilence {
    return new StreamSilence(stream, this.#clock, limitMs);
  }

  /** Repeats what an absent engine refused until it is there, or `waitMs` have passed. */
  async patiently<Result>(
    task: () => Promise<Result>,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Result> {
    const endMs = this.#clock.monotonicMs() + waitMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await task();
      } catch (error) {
        const absent = error instanceof AppError && error.code === 'ENGINE_UNREACHABLE';
        if (!absent || this.#closed.signal.aborted || this.#clock.monotonicMs() >= endMs) throw error;
        if (attempt === 1) this.#log.warn('waiting for the container engine', { socket: this.socketPath });
        await sleep(this.#clock, ABSENT_LOOK_MS, signal);
      }
    }
  }

  close(): void {
    this.#closed.abort(new AppError('SHUTTING_DOWN', 'the driver was closed'));
  }

  async #dial<Answer>(
    request: EngineRequest,
    read: (answer: EngineStream) => Promise<Answer>,
  ): Promise<Answer> {
    const { method, path, signal } = request;
    const timeoutMs = request.timeoutMs ?? this.#timeoutMs;
    const late = new AbortController();
    const cancel = this.#clock.schedule(timeoutMs, () => late.abort());
    const given = signal === undefined ? [] : [signal];
    const anySignal = AbortSignal.any([late.signal, this.#closed.signal, ...given]);
    anySignal.throwIfAborted();
    try {
      return await new Promise<Answer>((resolve, reject) => {
        // The modem, and the answer of a connection that broke, do not all come to an end by themselves.
        anySignal.addEventListener('abort', () => reject(anySignal.reason as Error), { once: true });
        this.#answer(request, anySignal).then(read).then(resolve, reject);
      });
    } catch (error) {
      if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
      if (signal?.aborted === true) throw signal.reason;
      if (error instanceof AppError) throw error;
      throw engineFault(error as EngineFailure, {
        socketPath: this.socketPath,
        request: `${method} ${path}`,
        lateAfterMs: late.signal.aborted ? timeoutMs : null,
      });
    } finally {
      cancel();
    }
  }

  #answer({ method, path, body, login }: EngineRequest, abortSignal: AbortSignal): Promise<EngineStream> {
    const options = {
      method,
      // Without a body it takes the last character of a path with parameters for a question mark.
      path: body === undefined && path.includes('?') ? `${path}&` : path,
      // It reads no body to its end that breaks off: neither its callback nor an error comes then.
      isStream: true,
      abortSignal,
      ...(login === undefined || login === null ? {} : { authconfig: login }),
      // Empty bodies would be sent as `{}`, which old engines refuse.
      ...(body === undefined ? {} : { options: { _body: body, _query: {} } }),
      statusCodes: { 200: true, 201: true, 202: true, 204: true, 304: true },
    };
    return new Promise((resolve, reject) => {
      this.#modem.dial(options, (error, data) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- named by whoever dials
        if (error !== null) reject(error);
        else if (abortSignal.aborted) (data as EngineStream).destroy();
        else resolve(data as EngineStream);
      });
    });
  }
}

async function readAnswer(answer: EngineStream): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    chunks.push(chunk as unknown as Buffer);
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) {
      throw new AppError(
        'ENGINE_FAILED',
        `an answer of the container engine is over ${ANSWER_BYTES_MAX} bytes`,
      );
    }
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new AppError('ENGINE_FAILED', 'an answer of the container engine is no JSON', { cause });
  }
}
