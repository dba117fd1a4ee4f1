import { KIB, MIB } from '../base/units.ts';
import { BUCKET_VARIABLES, type Bucket } from './bucket.ts';
import type { WorkerSettings } from './environment.ts';
import type { RunningJob, Job } from './job.ts';
import type { Delivery, JobService } from './job-service.ts';
import { failureOf, isParts, resultOf, type ResultBody } from './result.ts';

/** Returns the output, or a promise of it; or is a generator, whose parts go to the client one by one. */
export type Handler<Input = unknown> = (job: Job<Input>) => unknown;

export interface JobContext {
  readonly handler: Handler;
  readonly service: JobService;
  readonly settings: WorkerSettings;
  readonly bucket: Bucket | null;
  readonly hostname: string;
  /** The output of a generator is the list of its parts; otherwise an empty one. */
  readonly aggregateParts: boolean;
  /** Each job asks for a new worker. */
  readonly refreshAlways: boolean;
  readonly onLog: (text: string) => void;
}

/** Runs one job to its end and tells the service. Never rejects. Resolves with true when the worker is to end. */
export async function runJob(job: RunningJob, context: JobContext): Promise<boolean> {
  const { handler, service, settings, hostname, onLog } = context;
  let body: ResultBody;
  let streamed = false;
  try {
    const returned = await handler(job);
    streamed = isParts(returned);
    body = isParts(returned) ? await sendParts(job, returned, context) : resultOf(returned);
  } catch (error) {
    body = failureOf(error, settings.workerId, hostname);
    if (!job.signal.aborted) onLog(`job ${job.id} failed: ${messageOf(error)}`);
  }
  await job.settled();
  // Stopped by the service: it has its end already, and would refuse ours.
  if (job.signal.aborted) return context.refreshAlways || job.refreshAsked;
  const refresh = context.refreshAlways || job.refreshAsked || body.stopPod === true;
  const text = await fittingText(job, refresh ? { ...body, stopPod: true } : body, context);
  const delivery = await service.result(job.id, text, streamed);
  if (delivery.kind !== 'delivered') onLog(`job ${job.id}: its result was not taken: ${saidBy(delivery)}`);
  return refresh;
}

async function sendParts(
  job: RunningJob,
  parts: AsyncIterable<unknown> | Iterable<unknown>,
  { service, aggregateParts }: JobContext,
): Promise<ResultBody> {
  const kept: unknown[] = [];
  for await (const part of parts) {
    // Leaving the loop lets the generator clean up behind its `yield`.
    if (job.signal.aborted) break;
    const delivery = await service.part(job.id, JSON.stringify({ output: part ?? null }));
    if (delivery.kind === 'refused') job.refused(delivery.status, delivery.text);
    if (delivery.kind !== 'delivered') throw new Error(`a part was not taken: ${saidBy(delivery)}`);
    if (aggregateParts) kept.push(part);
  }
  return { output: kept };
}

/** The body as JSON. An output over the limit goes to the bucket, and a link takes its place. */
async function fittingText(job: RunningJob, body: ResultBody, context: JobContext): Promise<string> {
  const { settings, hostname, bucket } = context;
  const stopPod = body.stopPod === true ? { stopPod: true as const } : {};
  try {
    const text = JSON.stringify(body);
    const bytes = Buffer.byteLength(text);
    const limit = settings.outputLimitBytes;
    if (bytes <= limit) return text;
    if (bucket === null) {
      const error = `the output has ${inMib(bytes)}, and at most ${inMib(limit)} are kept. Let the worker have a bucket, by ${BUCKET_VARIABLES}: larger outputs are put there, and the job gets a link.`;
      return JSON.stringify({ error, ...stopPod });
    }
    const output = JSON.stringify(body.output ?? null);
    const url = await job.upload('output.json', output, 'application/json');
    return JSON.stringify({
      output: { output_url: url, bytes: Buffer.byteLength(output) },
      ...(body.error === undefined ? {} : { error: body.error.slice(0, 64 * KIB) }),
      ...stopPod,
    });
  } catch (error) {
    // An output that is no JSON, or a bucket that does not want it.
    context.onLog(`job ${job.id}: its output cannot be sent: ${messageOf(error)}`);
    return JSON.stringify({ ...failureOf(error, settings.workerId, hostname), ...stopPod });
  }
}

function inMib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

function saidBy(delivery: Exclude<Delivery, { kind: 'delivered' }>): string {
  return delivery.kind === 'refused'
    ? `the service answered ${delivery.status}: ${delivery.text}`
    : delivery.text;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
