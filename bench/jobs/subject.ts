/** One job queue, made ready and driven in the same way as the others. */
export interface Subject {
  readonly name: string;
  /** Puts a job into the queue; resolves when that is durable. */
  enqueue(): Promise<void>;
  /** Puts a job in, waits until a worker has done it, and that is durable. */
  roundTrip(): Promise<void>;
  /** Workers take jobs from now on. */
  startWorkers(): Promise<void>;
  stopWorkers(): Promise<void>;
  /** Throws away what waits. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export const CLIENTS = 64;
export const WORKERS = 64;
/** Some 400 bytes each way, as in the prototypes. */
export const INPUT = { prompt: 'x'.repeat(380) };
export const OUTPUT = { text: 'y'.repeat(380) };
