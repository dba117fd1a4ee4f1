import { AppError } from '../../base/errors.ts';
import type {
  SimulatedRun,
  SimulatedSettings,
  SimulationJob,
  SimulationOutcome,
  SimulationProgress,
} from '../../ports/what-if.ts';
import { simulateEndpoint } from '../simulate-endpoint.ts';
import { advise } from './advise.ts';
import { recordedRequests } from './recorded-requests.ts';
import { requestsOf, type RequestList } from './request-list.ts';
import { readTrace } from './trace-file.ts';

export interface JobOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SimulationProgress) => void;
  /** The text of a trace that came in base64, byte by byte (latin1). Throws TRACE_INVALID. */
  readonly unpackTrace: (base64: string) => string;
}

/** Carries a whole job out: reads the requests, runs what is and what is proposed, searches for advice. */
export async function runSimulationJob(job: SimulationJob, options: JobOptions): Promise<SimulationOutcome> {
  const { signal, onProgress, unpackTrace } = options;
  const requests = requestListOf(job, unpackTrace);
  const count = requests.arrivalMs.length;
  if (count === 0)
    throw new AppError(
      'NO_ARRIVALS',
      'No request arrived in this window. Take a longer one, or give a trace.',
    );
  const run = async (simulated: SimulatedSettings, stage: 'now' | 'proposed'): Promise<SimulatedRun> =>
    await simulateEndpoint(
      { ...simulated, startTimesMs: job.startTimesMs, seed: job.seed },
      requestsOf(requests),
      {
        ...(signal === undefined ? {} : { signal }),
        ...(requests.span === null ? {} : { span: requests.span }),
        onProgress: (done) => onProgress?.({ stage, done, of: count }),
      },
    );
  const now = await run(job.now, 'now');
  const proposed = job.proposed === null ? null : await run(job.proposed, 'proposed');
  const advice =
    job.goals === null
      ? null
      : await advise({
          requests,
          base: job.proposed ?? job.now,
          goals: job.goals,
          startTimesMs: job.startTimesMs,
          seed: job.seed,
          ...(signal === undefined ? {} : { signal }),
          onProgress: (done, of) => onProgress?.({ stage: 'advise', done, of }),
        });
  return {
    requests: count,
    beganMs: (requests.arrivalMs[0] ?? 0) - (requests.span?.beforeMs ?? 0),
    spanMs: requests.span?.totalMs ?? now.durationMs,
    firstArrivalMs: requests.arrivalMs[0] ?? 0,
    lastArrivalMs: requests.arrivalMs[count - 1] ?? 0,
    assumedRuns: requests.assumedRuns,
    recorded: requests.recorded,
    now,
    proposed,
    advice,
  };
}

function requestListOf({ requests }: SimulationJob, unpackTrace: JobOptions['unpackTrace']): RequestList {
  return requests.kind === 'trace'
    ? readTrace(unpackTrace(requests.base64))
    : recordedRequests(requests.chunks, requests.fromMs, requests.toMs);
}
