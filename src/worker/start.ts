import { hostname } from 'node:os';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { bucketOf } from './bucket.ts';
import { readSettings, type Environment } from './environment.ts';
import { JobService } from './job-service.ts';
import type { Job } from './job.ts';
import type { Handler } from './run-job.ts';
import { WorkLoop } from './work-loop.ts';

export type { Handler } from './run-job.ts';
export type { Job } from './job.ts';

export interface StartOptions<Input = unknown> {
  /**
   * Runs a job. What it returns is the output, and must be JSON; an object with `error` fails the job, as
   * does an error that is thrown. The parts of an (async) generator are sent to the client as they come.
   */
  readonly handler: (job: Job<Input>) => unknown;
  /** Jobs at a time, or a function of the last number that is asked before each take. Default 1. */
  readonly concurrency?: number | ((current: number) => number);
  /** The output of a generator is the list of its parts, not an empty list. Default false. */
  readonly aggregateStream?: boolean;
  /** The worker is replaced after each job. Default false. */
  readonly refreshWorker?: boolean;
  /** Stops the worker as SIGTERM does. */
  readonly signal?: AbortSignal;
  /** Where its own messages go, a line each; default: standard error. */
  readonly onLog?: (text: string) => void;
  /** Default: that of the process. */
  readonly environment?: Environment;
  /** For tests. */
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Takes jobs of an async endpoint and runs them until SIGTERM or SIGINT: then it takes no more, and
 * resolves when those that run have ended. Rejects with an `AppError`: `CONFIG_INVALID` when the
 * variables of a worker are missing or wrong, `FORBIDDEN` when the service refuses this worker for good.
 */
export async function start<Input = unknown>(options: StartOptions<Input>): Promise<void> {
  const { clock = realClock(), random = { next: Math.random }, concurrency = 1, signal } = options;
  const environment = options.environment ?? process.env;
  const onLog =
    options.onLog ?? ((text: string) => void process.stderr.write(`pilotlight worker: ${text}\n`));
  const settings = readSettings(environment);
  const loop = new WorkLoop({
    clock,
    random,
    pingIntervalMs: settings.pingIntervalMs,
    concurrency: typeof concurrency === 'number' ? () => concurrency : concurrency,
    context: {
      // The input is what a client sent: that it is an `Input` is for the handler to know.
      handler: options.handler as Handler,
      service: new JobService(settings, clock, random),
      settings,
      bucket: bucketOf(environment, () => clock.nowMs()),
      hostname: hostname(),
      aggregateParts: options.aggregateStream ?? false,
      refreshAlways: options.refreshWorker ?? false,
      onLog,
    },
  });
  const stop = (): void => loop.stop();
  // Once: a second signal ends the process as if nobody listened.
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  try {
    await loop.run();
  } finally {
    process.removeListener('SIGTERM', stop);
    process.removeListener('SIGINT', stop);
    signal?.removeEventListener('abort', stop);
  }
}

function realClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    schedule(delayMs, task) {
      const timer = setTimeout(task, Math.max(0, delayMs));
      return () => clearTimeout(timer);
    },
  };
}
