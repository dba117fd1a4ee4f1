import type { IncomingMessage, ServerResponse } from 'node:http';
import { sleep, type Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { EndpointId, WorkerId } from '../../base/ids.ts';
import { KIB, MIB, MINUTE_MS, SECOND_MS } from '../../base/units.ts';
import { errorAnswer } from '../../model/error-status.ts';
import type { JobWorkers, TakenJob, TakeWish } from '../../ports/job-workers.ts';
import type { Log } from '../../ports/log.ts';
import { authenticateWorker } from './authenticate-worker.ts';
import type { Presence } from './presence.ts';
import { TakeTurns } from './take-turns.ts';
import { newsOf, partOf, readBody } from './worker-body.ts';
import { workerRouteOf, type WorkerRoute } from './worker-route.ts';
import type { TokenHolder, WorkerTokens } from './worker-token.ts';

export interface WorkerRequestsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly workers: JobWorkers;
  readonly tokens: WorkerTokens;
  readonly presence: Presence;
  /** Of a worker that has not ended; null for any other. */
  readonly workerFind: (endpointId: EndpointId, workerId: WorkerId) => object | null;
  /** The worker says of itself that it takes requests. */
  readonly noticed: (workerId: WorkerId) => void;
  /** Bytes of one output, and of one part of a streamed output. */
  readonly outputBytes: number;
}

/** How long a call waits for a job, or a stop, before it is answered that there is none; workers wait 90 s. */
export const HOLD_MS = 25 * SECOND_MS;
/** How soon a worker that may get no job now (it drains) is looked at again. */
const LOOK_AGAIN_MS = SECOND_MS;
/** Calls of one worker that may wait. */
const HELD_PER_WORKER = 100;
const BATCH_MAX = 1_000;
const PINGED_JOBS_MAX = 1_000;
/** For the names around an output. */
const WRAPPING_BYTES = 64 * KIB;
const BODY_TIMEOUT_MS = 5 * MINUTE_MS;

/** The server's side of the worker protocol, over HTTP. docs/jobs.md lists the calls. */
export class WorkerRequests {
  readonly #options: WorkerRequestsOptions;
  readonly #takeTurns = new TakeTurns();
  readonly #stopTurns = new TakeTurns();
  /** Ends what is held, so that a server that stops need not wait for it. */
  readonly #closing = new AbortController();

  constructor(options: WorkerRequestsOptions) {
    this.#options = options;
  }

  matches(request: IncomingMessage): boolean {
    return workerRouteOf(request.url ?? '') !== null;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#answer(request, response).catch((error: unknown) => {
      if (response.destroyed || response.headersSent) return;
      if (!(error instanceof AppError)) this.#options.log.error('a worker was not answered', { error });
      refuse(
        response,
        error instanceof AppError ? error : new AppError('UNKNOWN', 'Something went wrong here.'),
      );
    });
  }

  /** Answers all calls that wait. Results are taken on. */
  close(): void {
    this.#closing.abort(new Error('the server stops'));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = workerRouteOf(request.url ?? '');
    if (route === null)
      throw new AppError('API_NOT_FOUND', 'This address is no call of the worker protocol.');
    if (request.method !== route.method) {
      response.setHeader('allow', route.method);
      throw new AppError('METHOD_NOT_ALLOWED', `${route.call} is called by ${route.method}.`);
    }
    const { tokens, workers, workerFind } = this.#options;
    const holder = authenticateWorker(request, route, tokens);
    const { endpointId, workerId } = holder;
    if (workerFind(endpointId, workerId) === null) {
      throw new AppError('FORBIDDEN', `Worker ${workerId} of endpoint ${endpointId} has ended.`);
    }
    switch (route.call) {
      case 'job-take':
        return await this.#take(response, holder, { count: 1, idle: idleBy(route) }, false);
      case 'job-take-batch':
        return await this.#take(response, holder, { count: batchSize(route), idle: idleBy(route) }, true);
      case 'job-stop':
        return await this.#stop(response, holder);
      case 'job-done':
        return await this.#done(request, response, holder, route.jobId);
      case 'job-stream':
        return await this.#part(request, response, holder, route.jobId);
      case 'ready':
        this.#options.noticed(workerId);
        return answerJson(response, 200, '{"status":"ok"}');
      case 'ping': {
        const ids = (route.query.get('job_id') ?? '').split(',').filter((id) => id !== '');
        workers.ping(endpointId, workerId, ids.slice(0, PINGED_JOBS_MAX));
        return answerJson(response, 200, '{"status":"ok"}');
      }
    }
  }

  async #take(response: ServerResponse, holder: TokenHolder, wish: TakeWish, batch: boolean): Promise<void> {
    const { workers, presence } = this.#options;
    const { endpointId, workerId } = holder;
    if (this.#closing.signal.aborted) throw shuttingDown();
    this.#checkTurns(this.#takeTurns, workerId);
    // Said before the call in front of this one was answered, "idle" says nothing of what that is given.
    const alone = this.#takeTurns.count(workerId) === 0;
    const wanted = alone ? wish : { ...wish, idle: null };
    const jobs = await this.#held(
      response,
      async (signal) =>
        await this.#takeTurns.run(workerId, signal, async () => {
          await presence.asked(workerId, signal);
          return await this.#until(holder, signal, () => workers.take(endpointId, workerId, wanted, signal));
        }),
    );
    if (jobs.length === 0) return answerNothing(response);
    if (!response.destroyed && response.socket?.destroyed === false) {
      // What is lost on the way from here on is known by the worker's next ask, which says that it runs nothing.
      return answerJson(response, 200, batch ? `[${jobs.map(jobText).join(',')}]` : jobText(jobs[0]));
    }
    const handedIds = jobs.map(({ handedId }) => handedId);
    await workers.giveBack(endpointId, workerId, handedIds);
  }

  async #stop(response: ServerResponse, holder: TokenHolder): Promise<void> {
    const { endpointId, workerId } = holder;
    if (this.#closing.signal.aborted) throw shuttingDown();
    this.#checkTurns(this.#stopTurns, workerId);
    const { workers } = this.#options;
    const ids = await this.#held(
      response,
      async (signal) =>
        await this.#stopTurns.run(workerId, signal, async () => {
          return await this.#until(holder, signal, () => workers.stops(endpointId, workerId, signal));
        }),
    );
    if (ids.length === 0) answerNothing(response);
    else answerJson(response, 200, JSON.stringify({ jobsToStop: ids }));
  }

  async #done(
    request: IncomingMessage,
    response: ServerResponse,
    { endpointId, workerId }: TokenHolder,
    jobId: string,
  ): Promise<void> {
    const { workers, outputBytes } = this.#options;
    const body = await this.#bodyOf(request, outputBytes + WRAPPING_BYTES);
    if (typeof body === 'number') {
      // Its worker would not send it smaller the next time, and the job would wait for it in vain.
      await workers.answer(endpointId, workerId, jobId, { kind: 'tooLarge', bytes: body });
      throw tooLarge(outputBytes);
    }
    const news = newsOf(body);
    if (news.kind === 'progress') {
      workers.progress(endpointId, workerId, jobId, news.output);
    } else {
      await workers.answer(endpointId, workerId, jobId, news.result);
      if (news.refresh) workers.recycle(endpointId, workerId, 'it asked to be replaced');
    }
    answerJson(response, 200, '{"status":"ok"}');
  }

  async #part(
    request: IncomingMessage,
    response: ServerResponse,
    { endpointId, workerId }: TokenHolder,
    jobId: string,
  ): Promise<void> {
    const { workers, outputBytes } = this.#options;
    const body = await this.#bodyOf(request, outputBytes + WRAPPING_BYTES);
    if (typeof body === 'number') {
      // Workers pass over a part that is refused: the output would lack it, and nobody would know.
      await workers.streamPart(endpointId, workerId, jobId, null);
      throw tooLarge(outputBytes);
    }
    await workers.streamPart(endpointId, workerId, jobId, partOf(body));
    answerJson(response, 200, '{"status":"ok"}');
  }

  async #bodyOf(request: IncomingMessage, limitBytes: number): Promise<string | number> {
    const cancel = this.#options.clock.schedule(BODY_TIMEOUT_MS, () => request.destroy());
    try {
      return await readBody(request, limitBytes);
    } finally {
      cancel();
    }
  }

  #checkTurns(turns: TakeTurns, workerId: WorkerId): void {
    if (turns.count(workerId) < HELD_PER_WORKER) return;
    throw new AppError('QUEUE_FULL', `This worker has ${HELD_PER_WORKER} such calls open already.`, {
      retryAfterSeconds: 5,
    });
  }

  /** Asks until there is something, or nobody waits for it any more. */
  async #until<Item>(
    { endpointId, workerId }: TokenHolder,
    signal: AbortSignal,
    ask: () => Promise<readonly Item[]>,
  ): Promise<readonly Item[]> {
    // It may end while it is held: then nothing may be asked in its name.
    while (!signal.aborted && this.#options.workerFind(endpointId, workerId) !== null) {
      const items = await ask();
      if (items.length > 0) return items;
      // A worker that drains gets none at once; answered at once too, it would ask in a circle.
      if (!signal.aborted) await sleep(this.#options.clock, LOOK_AGAIN_MS, signal).catch(() => undefined);
    }
    return [];
  }

  /** Its signal aborts when the call has waited long enough, its worker has left, or the server stops. */
  async #held<Result>(
    response: ServerResponse,
    task: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const over = new AbortController();
    const end = (): void => over.abort(HELD_ENOUGH);
    const cancel = this.#options.clock.schedule(HOLD_MS, end);
    const { signal: closing } = this.#closing;
    response.once('close', end);
    closing.addEventListener('abort', end);
    try {
      return await task(over.signal);
    } finally {
      cancel();
      response.off('close', end);
      closing.removeEventListener('abort', end);
    }
  }
}

/** Made once: an abort without a reason makes an error with a stack each time. */
const HELD_ENOUGH = new Error('held long enough');

function idleBy({ query }: WorkerRoute): boolean | null {
  const running = query.get('job_in_progress');
  return running === '0' ? true : running === '1' ? false : null;
}

function batchSize({ query }: WorkerRoute): number {
  const text = query.get('batch_size') ?? '1';
  if (/^[1-9]\d{0,6}$/.test(text)) return Math.min(BATCH_MAX, Number(text));
  throw new AppError('REQUEST', `batch_size is "${text}"; allowed: a whole number from 1 up.`);
}

/** The input goes out as it came in, byte for byte. */
function jobText(job: TakenJob | undefined): string {
  return job === undefined ? '' : `{"id":${JSON.stringify(job.handedId)},"input":${job.input}}`;
}

function tooLarge(limitBytes: number): AppError {
  return new AppError(
    'BODY_TOO_LARGE',
    `The output is larger than ${(limitBytes / MIB).toFixed(1)} MiB, which is what is kept. Let the worker put it into a bucket (BUCKET_ENDPOINT_URL, BUCKET_ACCESS_KEY_ID and BUCKET_SECRET_ACCESS_KEY) and return the link.`,
    { metadata: { limit_bytes: String(limitBytes) } },
  );
}

function shuttingDown(): AppError {
  return new AppError('SHUTTING_DOWN', 'The server is shutting down; ask again.', { retryAfterSeconds: 1 });
}

function refuse(response: ServerResponse, error: AppError): void {
  const { status, body } = errorAnswer(error);
  if (error.retryAfterSeconds !== undefined) response.setHeader('retry-after', error.retryAfterSeconds);
  answerJson(response, status, JSON.stringify(body));
}

function answerNothing(response: ServerResponse): void {
  response.writeHead(204).end();
}

function answerJson(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
