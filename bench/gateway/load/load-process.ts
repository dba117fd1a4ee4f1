import { join } from 'node:path';
import { LOAD_CORE, PinnedChild } from '../child.ts';
import type { Figures, Job, LoadReply, LoadRequest } from './message.ts';

/** This end of the load process. One job at a time. */
export class LoadProcess {
  readonly #child: PinnedChild;

  constructor() {
    const program = join(import.meta.dirname, 'load.ts');
    this.#child = new PinnedChild([process.execPath, '--disable-warning=ExperimentalWarning', program], {
      core: LOAD_CORE,
      messages: true,
    });
  }

  /** `onPause` is awaited at each pause of the job, with the pause's number from 0. */
  async run(job: Job, onPause?: (pause: number) => void | Promise<void>): Promise<Figures> {
    const { process: child } = this.#child;
    let pauses = 0;
    return await new Promise<Figures>((resolve, reject) => {
      const settle = (): void => {
        child.off('message', take);
        child.off('exit', fail);
      };
      const fail = (): void => {
        settle();
        reject(new Error(`the load ended over ${job.kind}`));
      };
      const take = (message: unknown): void => {
        const reply = message as LoadReply;
        if (reply.kind === 'paused') {
          Promise.resolve(onPause?.(pauses)).then(
            () => this.#send({ kind: 'goOn' }),
            (error: unknown) => {
              settle();
              reject(error instanceof Error ? error : new Error(String(error)));
            },
          );
          pauses += 1;
          return;
        }
        settle();
        if (reply.kind === 'done') resolve(reply.figures);
        else reject(new Error(`${job.kind}: ${reply.message}`));
      };
      child.on('message', take);
      child.once('exit', fail);
      this.#send({ kind: 'run', job });
    });
  }

  async close(): Promise<void> {
    await this.#child.close();
  }

  #send(request: LoadRequest): void {
    this.#child.process.send(request);
  }
}
