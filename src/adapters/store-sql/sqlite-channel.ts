import { Worker } from 'node:worker_threads';
import { AppError } from '../../base/errors.ts';
import type { BatchAnswer, SqlStatement } from './sql-batch.ts';
import type { Outcome, ThreadReply, ThreadRequest, ThreadSetup } from './sqlite-message.ts';

/** A thread's file, beside this one, in the form this one has: source in the repository, compiled in the package. */
export function threadFile(name: string): URL {
  return new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
/** Beyond this the disk is seconds behind and waiting longer helps nobody. */
export const QUEUED_BATCHES_MAX = 10_000;
/** Batches in one commit: enough to share its cost, few enough that none waits long for its answer. */
const GROUP_MAX = 500;

interface Pending<Batch, Answer> {
  readonly batch: Batch;
  resolve(answer: Answer): void;
  reject(error: AppError): void;
}

/**
 * The server's end of the database thread. One group of batches is with the thread at a time; what
 * arrives meanwhile becomes the next group, so that groups grow with the load:
 *
 *   run → #queue → (thread free) → #sent → outcomes → promises
 *
 * What a batch and its answer are is between the caller and the thread's file.
 */
export class SqliteChannel<Batch = readonly SqlStatement[], Answer extends object = BatchAnswer> {
  readonly #path: string;
  readonly #worker: Worker;
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #queue: Pending<Batch, Answer>[] = [];
  #sent: readonly Pending<Batch, Answer>[] = [];
  #sendPlanned = false;
  /** Set once no further batch can be run; says why. */
  #over: AppError | null = null;
  #closing = false;

  private constructor(path: string, file: URL) {
    this.#path = path;
    const setup: ThreadSetup = { path };
    // Not this process's own flags: a preload of a test runner has no business in the thread.
    const execArgv = ['--disable-warning=ExperimentalWarning'];
    this.#worker = new Worker(file, { workerData: setup, execArgv, name: 'sqlite' });
    this.#worker.on('message', (reply: ThreadReply<Answer>) => this.#onReply(reply));
    this.#worker.on('error', (cause) => this.#fail('the database thread crashed', cause));
    this.#worker.on('messageerror', (cause) => this.#fail('a reply could not be read', cause));
    this.#worker.on('exit', (exitCode) => {
      this.#fail(`the database thread ended with code ${exitCode}`, undefined);
      this.#ended.resolve();
    });
  }

  /** Rejects with STORE_FAILED, and a message for the operator, when the database cannot be used. */
  static async open<Batch = readonly SqlStatement[], Answer extends object = BatchAnswer>(
    path: string,
    file = threadFile('sqlite-thread'),
  ): Promise<SqliteChannel<Batch, Answer>> {
    const channel = new SqliteChannel<Batch, Answer>(path, file);
    try {
      await channel.#opened.promise;
    } catch (error) {
      await channel.#ended.promise;
      throw error;
    }
    return channel;
  }

  /** Batches run in the order of the calls; rejects with STORE_FAILED when the database failed. */
  run(batch: Batch): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (this.#over !== null) {
      reject(this.#over);
    } else if (this.#closing) {
      reject(new AppError('STORE_FAILED', `The database ${this.#path} was closed by this server.`));
    } else if (this.#queue.length >= QUEUED_BATCHES_MAX) {
      reject(
        new AppError(
          'STORE_FAILED',
          `${QUEUED_BATCHES_MAX} writes wait for the database ${this.#path}, which is the most; the disk is too slow or stuck. Try again later.`,
        ),
      );
    } else {
      this.#queue.push({ batch, resolve, reject });
      this.#planSend();
    }
    return promise;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#planSend();
    await this.#ended.promise;
  }

  /** At the end of this turn, so that what is written together is committed together. */
  #planSend(): void {
    if (this.#sendPlanned) return;
    this.#sendPlanned = true;
    setImmediate(() => {
      this.#sendPlanned = false;
      if (this.#sent.length === 0 && this.#over === null) this.#sendNext();
    });
  }

  #sendNext(): void {
    if (this.#queue.length > 0) {
      this.#sent = this.#queue.splice(0, GROUP_MAX);
      this.#post({ kind: 'group', batches: this.#sent.map(({ batch }) => batch) });
    } else if (this.#closing) {
      this.#over = new AppError('STORE_FAILED', `The database ${this.#path} was closed by this server.`);
      this.#post({ kind: 'close' });
    }
  }

  #post(request: ThreadRequest<Batch>): void {
    this.#worker.postMessage(request);
  }

  #onReply(reply: ThreadReply<Answer>): void {
    if (reply.kind === 'opened') {
      this.#opened.resolve();
      return;
    }
    if (reply.kind === 'refused') {
      this.#over = new AppError('STORE_FAILED', reply.message, { cause: reply.cause });
      this.#opened.reject(this.#over);
      return;
    }
    const answered = this.#sent;
    this.#sent = [];
    for (const [index, pending] of answered.entries()) this.#settle(pending, reply.outcomes[index]);
    this.#sendNext();
  }

  #settle(pending: Pending<Batch, Answer>, outcome: Outcome<Answer> | undefined): void {
    if (outcome !== undefined && !('failure' in outcome)) {
      pending.resolve(outcome);
      return;
    }
    const cause = outcome?.failure;
    const why = cause instanceof Error ? cause.message : 'no outcome was given';
    pending.reject(
      new AppError('STORE_FAILED', `The database ${this.#path} refused a write or a read: ${why}.`, {
        cause,
      }),
    );
  }

  #fail(what: string, cause: unknown): void {
    const message = `The database ${this.#path} cannot be used any more: ${what}. Restart the server.`;
    const failure = new AppError('STORE_FAILED', message, { cause });
    // While it closes no batch is left that could tell of a crash, so `close` does.
    if (this.#over !== null && cause !== undefined) this.#ended.reject(failure);
    this.#over ??= failure;
    this.#opened.reject(this.#over);
    const lost = [...this.#sent, ...this.#queue];
    this.#sent = [];
    this.#queue = [];
    for (const pending of lost) pending.reject(this.#over);
  }
}
