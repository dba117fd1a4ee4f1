import { AppError } from '../base/errors.ts';
import { MIB } from '../base/units.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a worker asks for jobs and tells what became of them; made from the variables it was started with. */
export interface WorkerSettings {
  readonly workerId: string;
  readonly takeUrl: string;
  readonly takeBatchUrl: string;
  readonly stopUrl: string;
  readonly pingUrl: string | null;
  readonly pingIntervalMs: number;
  /** Sent as it is in `Authorization`, without "Bearer": that is how the protocol wants it. */
  readonly apiKey: string | null;
  /** A longer output goes to the bucket, or fails the job. */
  readonly outputLimitBytes: number;
  outputUrl(jobId: string): string;
  streamUrl(jobId: string): string;
}

const PING_INTERVAL_MS = 10_000;
const OUTPUT_LIMIT_BYTES = 4 * MIB;

/** Throws `CONFIG_INVALID` when a variable that nobody can do without is missing or wrong. */
export function readSettings(environment: Environment): WorkerSettings {
  const workerId = environment['RUNPOD_POD_ID'] ?? '';
  const take = address(environment, 'RUNPOD_WEBHOOK_GET_JOB').replaceAll('$ID', encodeURIComponent(workerId));
  if (!take.includes('/job-take/')) {
    throw new AppError(
      'CONFIG_INVALID',
      `RUNPOD_WEBHOOK_GET_JOB is "${take}", without "/job-take/" in its path, which the protocol wants there`,
    );
  }
  const output = address(environment, 'RUNPOD_WEBHOOK_POST_OUTPUT');
  const stream = environment['RUNPOD_WEBHOOK_POST_STREAM'];
  const ping = environment['RUNPOD_WEBHOOK_PING'];
  const ofJob = (template: string) => (jobId: string) =>
    template
      .replaceAll('$RUNPOD_POD_ID', encodeURIComponent(workerId))
      .replaceAll('$ID', encodeURIComponent(jobId));
  return {
    workerId,
    takeUrl: take,
    takeBatchUrl: take.replace('/job-take/', '/job-take-batch/'),
    stopUrl: take.replace('/job-take/', '/job-stop/'),
    pingUrl: ping === undefined || ping === '' ? null : ofJob(ping)(''),
    pingIntervalMs: positive(environment, 'RUNPOD_PING_INTERVAL', PING_INTERVAL_MS),
    apiKey: environment['RUNPOD_AI_API_KEY'] ?? null,
    outputLimitBytes: positive(environment, 'PILOTLIGHT_OUTPUT_LIMIT_BYTES', OUTPUT_LIMIT_BYTES),
    outputUrl: ofJob(output),
    // A service without streams still gets the final output.
    streamUrl: ofJob(stream === undefined || stream === '' ? output : stream),
  };
}

/** `url` with one more parameter; the addresses of the protocol have a query already, others may not. */
export function withParameter(url: string, name: string, value: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`;
}

function address(environment: Environment, name: string): string {
  const value = environment[name];
  if (value === undefined || value === '') {
    throw new AppError(
      'CONFIG_INVALID',
      `${name} is not set: this program is to be started as a worker of an async endpoint. To try its handler alone, call the handler.`,
    );
  }
  if (!/^https?:\/\//.test(value)) {
    throw new AppError(
      'CONFIG_INVALID',
      `${name} is "${value}", which is no address with http:// or https://`,
    );
  }
  return value;
}

function positive(environment: Environment, name: string, unset: number): number {
  const text = environment[name];
  if (text === undefined || text === '') return unset;
  if (!/^[1-9]\d{0,14}$/.test(text)) {
    throw new AppError('CONFIG_INVALID', `${name} is "${text}"; it takes a whole number from 1 up`);
  }
  return Number(text);
}
