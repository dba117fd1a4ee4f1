import { AppError } from '../base/errors.ts';
import type { LostAttempt } from '../model/job.ts';
import type { JobResult } from '../ports/job-workers.ts';

/** Characters of an error that are kept: a list shows those of up to a thousand jobs. */
const ERROR_MAX = 16_384;

export function jobNotFound(jobId: string): AppError {
  return new AppError(
    'JOB_NOT_FOUND',
    `There is no job "${jobId.slice(0, 64)}" of this endpoint, or its result is no longer kept.`,
  );
}

export function notYours(handedId: string): AppError {
  return new AppError(
    'JOB_NOT_YOURS',
    `This worker does not hold job "${handedId.slice(0, 64)}": it has ended, or is another worker's by now. Nothing was changed.`,
  );
}

export function lostWords(lost: readonly LostAttempt[]): string {
  const words = lost.map(
    ({ attempt, workerId, reason }) => `attempt ${attempt} on worker ${workerId}: ${reason}`,
  );
  return `All ${lost.length} attempts were lost. ${words.join('; ')}.`;
}

export function tooLarge(
  bytes: number | null,
  limitBytes: number,
): { readonly state: 'FAILED'; readonly output: null; readonly error: string } {
  const size = bytes === null ? 'The parts of the output have' : `The output has ${bytes} bytes,`;
  return {
    state: 'FAILED',
    output: null,
    error: `${size} more than the ${limitBytes} bytes that are kept of one job. Upload large results and return their address: set the variables BUCKET_ENDPOINT_URL, BUCKET_ACCESS_KEY_ID and BUCKET_SECRET_ACCESS_KEY on the endpoint, which the upload functions of the worker libraries read.`,
  };
}

export function resultRow(
  result: JobResult,
  limitBytes: number,
): { readonly state: 'COMPLETED' | 'FAILED'; readonly output: string | null; readonly error: string | null } {
  switch (result.kind) {
    case 'tooLarge':
      return tooLarge(result.bytes, limitBytes);
    case 'error':
      return { state: 'FAILED', output: null, error: shortened(result.error) };
    case 'output': {
      const bytes = Buffer.byteLength(result.output);
      if (bytes > limitBytes) return tooLarge(bytes, limitBytes);
      return { state: 'COMPLETED', output: result.output, error: null };
    }
  }
}

/** Its ends: what went wrong stands at the one or the other. */
function shortened(error: string): string {
  if (error.length <= ERROR_MAX) return error;
  const half = ERROR_MAX / 2;
  return `${error.slice(0, half)}\n… ${error.length - ERROR_MAX} characters left out …\n${error.slice(-half)}`.toWellFormed();
}
