import type { Bucket } from './bucket.ts';
import { BUCKET_VARIABLES } from './bucket.ts';
import { AppError } from '../base/errors.ts';
import type { JobService, TakenJob } from './job-service.ts';

/** What a handler is given. */
export interface Job<Input = unknown> {
  readonly id: string;
  readonly input: Input;
  /** Aborts when the job was cancelled or ran out of time: nobody waits for its output any more. */
  readonly signal: AbortSignal;
  /**
   * Shown to clients that ask for the job's status. Resolves when it was sent, or a newer one takes its
   * place; never rejects, since a job is not to fail for a lost update.
   */
  progress(data: unknown): Promise<void>;
  /** Puts `data` into the bucket of the `BUCKET_*` variables. Resolves with a link good for seven days. */
  upload(name: string, data: Uint8Array | string, contentType?: string): Promise<string>;
  /** Asks for this worker to be replaced once the job is done: for one that leaks, or spoiled its GPU. */
  refreshWorker(): void;
}

export class RunningJob implements Job {
  readonly id: string;
  readonly input: unknown;
  readonly #abort = new AbortController();
  readonly #service: JobService;
  readonly #bucket: Bucket | null;
  readonly #onLog: (text: string) => void;
  #refresh = false;
  /** At most one update is under way and one waits: a chatty handler must not pile them up. */
  #sending: Promise<void> | null = null;
  #next: { text: string } | null = null;

  constructor(taken: TakenJob, service: JobService, bucket: Bucket | null, onLog: (text: string) => void) {
    this.id = taken.id;
    this.input = taken.input;
    this.#service = service;
    this.#bucket = bucket;
    this.#onLog = onLog;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get refreshAsked(): boolean {
    return this.#refresh;
  }

  async progress(data: unknown): Promise<void> {
    if (this.signal.aborted) return;
    try {
      this.#next = { text: JSON.stringify({ status: 'IN_PROGRESS', output: data ?? null }) };
    } catch (error) {
      this.#onLog(`job ${this.id}: an update is no JSON: ${(error as Error).message}`);
      return;
    }
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
    });
    await this.#sending;
  }

  async upload(
    name: string,
    data: Uint8Array | string,
    contentType = 'application/octet-stream',
  ): Promise<string> {
    if (this.#bucket === null) {
      throw new AppError('CONFIG_INVALID', `there is no bucket to upload to: set ${BUCKET_VARIABLES}`);
    }
    return await this.#bucket.upload(`${this.id}/${name}`, data, contentType);
  }

  refreshWorker(): void {
    this.#refresh = true;
  }

  stop(why: string): void {
    this.#abort.abort(new Error(`job ${this.id} was stopped: ${why}`));
  }

  /** Resolves when no update is under way: one that came behind the result would be taken for a stray. */
  async settled(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#next !== null) {
      const { text } = this.#next;
      this.#next = null;
      const delivery = await this.#service.progress(this.id, text);
      if (delivery.kind === 'refused') this.refused(delivery.status, delivery.text);
      else if (delivery.kind === 'lost') this.#onLog(`job ${this.id}: an update was lost: ${delivery.text}`);
    }
  }

  /** The service says that this attempt no longer counts, or that it does not want what was sent. */
  refused(status: number, text: string): void {
    this.#onLog(`job ${this.id}: the service answered ${status}: ${text}`);
    if (status === 403 || status === 404 || status === 409 || status === 410) {
      this.stop(`the service answered ${status}`);
    }
  }
}
