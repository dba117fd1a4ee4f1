import { EventEmitter, once } from 'node:events';
import { AppError } from '../../src/base/errors.ts';
import type { EndpointId, WorkerId } from '../../src/base/ids.ts';
import type { JobResult, JobWorkers, TakenJob, TakeWish } from '../../src/ports/job-workers.ts';

type Wanted = { readonly wish: TakeWish; readonly settle: (jobs: readonly TakenJob[]) => void };

/** Jobs in memory as far as the routes need them, and all that was asked of them. */
export class StubJobWorkers implements JobWorkers {
  readonly called: string[] = [];
  readonly #waiting: TakenJob[] = [];
  readonly #wanted: Wanted[] = [];
  readonly #stops: ((ids: readonly string[]) => void)[] = [];
  readonly #events = new EventEmitter();
  readonly #held = new Set<string>();
  draining = false;

  give(...jobs: readonly (readonly [id: string, input: string])[]): void {
    for (const [handedId, input] of jobs) {
      this.#waiting.push({ handedId, input, attempt: 1, enqueuedAtMs: 0, deadlineMs: 1_000_000 });
    }
    this.#hand();
  }

  stop(...ids: readonly string[]): void {
    for (const tell of this.#stops.splice(0)) tell(ids);
  }

  hold(...ids: readonly string[]): void {
    for (const id of ids) this.#held.add(id);
  }

  /** Resolves once `what` has been called that often. */
  async calls(what: RegExp, count = 1): Promise<string> {
    for (;;) {
      const found = this.called.filter((call) => what.test(call))[count - 1];
      if (found !== undefined) return found;
      await once(this.#events, 'call');
    }
  }

  async take(
    endpointId: EndpointId,
    workerId: WorkerId,
    wish: TakeWish,
    signal: AbortSignal,
  ): Promise<readonly TakenJob[]> {
    this.#note(`take ${endpointId} ${workerId} count=${wish.count} idle=${wish.idle}`);
    if (this.draining || signal.aborted) return [];
    return await new Promise((resolve) => {
      const wanted: Wanted = {
        wish,
        settle: (jobs) => {
          const at = this.#wanted.indexOf(wanted);
          if (at !== -1) this.#wanted.splice(at, 1);
          resolve(jobs);
        },
      };
      this.#wanted.push(wanted);
      signal.addEventListener('abort', () => {
        this.#note('take aborted');
        wanted.settle([]);
      });
      this.#hand();
    });
  }

  async giveBack(_endpointId: EndpointId, workerId: WorkerId, ids: readonly string[]): Promise<void> {
    this.#note(`giveBack ${workerId} ${ids.join(',')}`);
  }

  async answer(
    _endpointId: EndpointId,
    workerId: WorkerId,
    handedId: string,
    result: JobResult,
  ): Promise<void> {
    this.#mine(handedId);
    this.#held.delete(handedId);
    const text = 'output' in result ? result.output : 'error' in result ? result.error : result.bytes;
    this.#note(`answer ${workerId} ${handedId} ${result.kind} ${text}`);
  }

  progress(_endpointId: EndpointId, workerId: WorkerId, handedId: string, output: string): void {
    this.#mine(handedId);
    this.#note(`progress ${workerId} ${handedId} ${output}`);
  }

  async streamPart(
    _endpointId: EndpointId,
    workerId: WorkerId,
    handedId: string,
    part: string | null,
  ): Promise<void> {
    this.#mine(handedId);
    this.#note(`part ${workerId} ${handedId} ${part}`);
  }

  async stops(_endpointId: EndpointId, workerId: WorkerId, signal: AbortSignal): Promise<readonly string[]> {
    this.#note(`stops ${workerId}`);
    return await new Promise((resolve) => {
      this.#stops.push(resolve);
      signal.addEventListener('abort', () => resolve([]));
    });
  }

  ping(_endpointId: EndpointId, workerId: WorkerId, ids: readonly string[]): void {
    this.#note(`ping ${workerId} ${ids.join(',')}`);
  }

  recycle(_endpointId: EndpointId, workerId: WorkerId, reason: string): void {
    this.#note(`recycle ${workerId} ${reason}`);
  }

  #hand(): void {
    while (this.#waiting.length > 0 && this.#wanted.length > 0) {
      const [wanted] = this.#wanted;
      const jobs = this.#waiting.splice(0, wanted?.wish.count ?? 0);
      for (const { handedId } of jobs) this.#held.add(handedId);
      wanted?.settle(jobs);
    }
  }

  #mine(handedId: string): void {
    if (this.#held.has(handedId)) return;
    throw new AppError('JOB_NOT_YOURS', `Job ${handedId} is not held by this worker.`);
  }

  #note(call: string): void {
    this.called.push(call);
    this.#events.emit('call');
  }
}
