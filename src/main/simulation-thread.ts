/**
 * The thread of one simulation. It has a heap and an event loop of its own, so that no request is
 * forwarded later for it; it is ended from outside when nobody waits for it any more.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import { AppError, impossible } from '../base/errors.ts';
import { MIB } from '../base/units.ts';
import { runSimulationJob } from '../simulate/what-if/run-job.ts';
import { TRACE_BYTES_MAX } from '../simulate/what-if/trace-file.ts';
import type { SimulationReply, SimulationSetup } from './simulation-message.ts';

const port =
  isMainThread || parentPort === null
    ? impossible('simulation-thread-51aa', 'this file was run outside a worker thread')
    : parentPort;
/** A reader wants to see that it moves, and no more. */
const PROGRESS_INTERVAL_MS = 100;

function reply(message: SimulationReply): void {
  port.postMessage(message);
}

function unpackTrace(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  try {
    return (packed ? gunzipSync(bytes, { maxOutputLength: TRACE_BYTES_MAX + 1 }) : bytes).toString('latin1');
  } catch (cause) {
    const what =
      (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
        ? `holds more than ${TRACE_BYTES_MAX / MIB} MiB of text, which is the most; cut it, or take every n-th request`
        : `cannot be unpacked: ${(cause as Error).message}; is the file whole?`;
    throw new AppError('TRACE_INVALID', `The trace ${what}.`, { metadata: { line: '0' }, cause });
  }
}

let lastProgressMs = Number.NEGATIVE_INFINITY;
try {
  const outcome = await runSimulationJob((workerData as SimulationSetup).job, {
    unpackTrace,
    onProgress(progress) {
      const nowMs = performance.now();
      if (nowMs - lastProgressMs < PROGRESS_INTERVAL_MS) return;
      lastProgressMs = nowMs;
      reply({ kind: 'progress', progress });
    },
  });
  reply({ kind: 'done', outcome });
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  const { code, message, metadata } = error;
  reply({ kind: 'refused', code, message, metadata });
}
