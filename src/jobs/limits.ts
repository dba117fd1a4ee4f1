import { HOUR_MS, MIB, SECOND_MS } from '../base/units.ts';

/** Every bound of the jobs in one place; each one has a default in `DEFAULT_JOB_LIMITS`. */
export interface JobLimits {
  /** Jobs that may wait on one endpoint; one more is answered 429. */
  readonly waitingPerEndpoint: number;
  /** Bytes of one input. */
  readonly inputBytes: number;
  /** Bytes of one output, of all parts of a streamed one together. */
  readonly outputBytes: number;
  /** How long an ended job is kept. */
  readonly keptMs: number;
  /** Attempts in all, before a job whose workers were lost is FAILED. */
  readonly attempts: number;
  /** How long a worker may hold on to a job that was ended without it, before it is replaced. */
  readonly letGoMs: number;
  /** Bytes of one progress; it is held in memory. */
  readonly progressBytes: number;
  /** Clients that may wait for one job's end. */
  readonly waitersPerJob: number;
}

export const DEFAULT_JOB_LIMITS: JobLimits = {
  waitingPerEndpoint: 1_000_000,
  inputBytes: 4 * MIB,
  outputBytes: 4 * MIB,
  keptMs: 6 * HOUR_MS,
  attempts: 3,
  letGoMs: 30 * SECOND_MS,
  progressBytes: 65_536,
  waitersPerJob: 100,
};
