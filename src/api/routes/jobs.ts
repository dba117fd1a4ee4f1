import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { KIB, MINUTE_MS, SECOND_MS } from '../../base/units.ts';
import { JOB_STATES } from '../../model/job-state.ts';
import { jobFacts, jobWire, stateWord, type JobSurface } from '../../model/job-wire.ts';
import type { DeliveryObject } from '../../model/job-schema.ts';
import { faultsError } from '../../model/faults.ts';
import type { JobEndpoint, JobService, JobView } from '../../ports/job-service.ts';
import type { WebhookDelivery } from '../../ports/job-store.ts';
import { callerOf } from '../auth.ts';
import { IDEMPOTENCY_HEADER } from '../change-terms.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import { jobBodyText, jobOrderOf } from '../job-body.ts';
import { PAGE_QUERY } from '../pages.ts';
import { untilLeft } from '../until-left.ts';

export interface JobRouteLimits {
  readonly inputBytes: number;
}

/** What a body may have besides its input. */
const TERMS_BYTES = 64 * KIB;
const WAIT_MS_MAX = 5 * MINUTE_MS;
/** As with RunPod, whose clients give up a moment later. */
const SYNC_WAIT_MS = 90 * SECOND_MS;
const LIST_DEFAULT = 50;
/** `status-sync` is what RunPod's JavaScript client asks after a `runsync` that did not see the end. */
const STATUS_CALLS = [
  { method: 'GET', name: 'status', unaskedMs: undefined },
  { method: 'POST', name: 'status', unaskedMs: undefined },
  { method: 'GET', name: 'status-sync', unaskedMs: SYNC_WAIT_MS },
] as const;

const EndpointName = Type.String({ minLength: 1, maxLength: 511 });
const NamePath = Type.Object({
  endpoint: EndpointName,
});
const JobPath = Type.Object({
  endpoint: EndpointName,
  job_id: Type.String({ minLength: 1, maxLength: 255, description: 'Id of the job.' }),
});

function waitQuery(description: string) {
  return Type.Object({
    wait: Type.Optional(Type.Integer({ minimum: 0, maximum: WAIT_MS_MAX, description })),
  });
}

interface NameRequest {
  Params: { endpoint: string };
}
interface JobRequest {
  Params: { endpoint: string; job_id: string };
}
interface WaitRequest {
  Querystring: { wait?: number };
}

/**
 * The job API: RunPod's at `/v2/{endpoint_id}`, and the vendor's at `/v1/{endpoint_id}-{app_name}`.
 * Both are the same handlers, and differ in the one word for a job that waits.
 */
export function jobRoutes(app: FastifyInstance, service: JobService, limits: JobRouteLimits): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer' },
      async (_request: FastifyRequest, body: Buffer) => jobBodyText(body),
    );
    for (const surface of ['v1', 'v2'] as const) surfaceRoutes(scope, service, limits, surface);
  });
}

function surfaceRoutes(
  app: FastifyInstance,
  service: JobService,
  { inputBytes }: JobRouteLimits,
  surface: JobSurface,
): void {
  const base = `/${surface}/:endpoint`;
  const named = (request: FastifyRequest<NameRequest>): JobEndpoint => endpointOf(request.params.endpoint);
  const sendView = (reply: FastifyReply, { job, progress }: JobView): FastifyReply =>
    sendText(reply, jobWire(job, progress, surface));
  // The document has each once; the other surface is told of in its words.
  const about = (operationId: string, summary: string, description = '') => ({
    hide: surface === 'v1',
    operationId,
    summary,
    ...(description === '' ? {} : { description }),
    tags: ['jobs'],
  });
  const STATUS = { 200: Type.Ref('JobStatus#', { description: 'The job.' }), ...ERROR_ANSWERS };

  app.post<NameRequest>(
    `${base}/run`,
    {
      bodyLimit: inputBytes + TERMS_BYTES,
      schema: {
        ...about(
          'runJob',
          'Run a job',
          'Answers as soon as the job is on disk. At `/v1/{endpoint_id}-{app_name}/run` the state is `PENDING`.',
        ),
        params: NamePath,
        headers: Type.Object(IDEMPOTENCY_HEADER),
        body: Type.Ref('JobRun#'),
        response: STATUS,
      },
    },
    async (request, reply) => {
      const { id, state } = await service.run(named(request), jobOrderOf(request), callerOf(request));
      return sendText(reply, JSON.stringify({ id, status: stateWord(state, surface) }));
    },
  );

  app.post<NameRequest & WaitRequest>(
    `${base}/runsync`,
    {
      bodyLimit: inputBytes + TERMS_BYTES,
      schema: {
        ...about(
          'runJobSync',
          'Run a job and wait for its end',
          'Answers the status as it is when the wait is over.',
        ),
        params: NamePath,
        querystring: waitQuery('Longest wait in milliseconds; absent: 90,000.'),
        headers: Type.Object(IDEMPOTENCY_HEADER),
        body: Type.Ref('JobRun#'),
        response: STATUS,
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const endpoint = named(request);
      const { id } = await service.run(endpoint, jobOrderOf(request), caller);
      const wait = { waitMs: request.query.wait ?? SYNC_WAIT_MS, signal: untilLeft(reply) };
      return sendView(reply, await service.status(endpoint, id, caller, wait));
    },
  );

  for (const { method, name, unaskedMs } of STATUS_CALLS)
    app.route<JobRequest & WaitRequest>({
      method,
      url: `${base}/${name}/:job_id`,
      schema: {
        ...about('getJob', 'Get the status of a job', 'POST does the same, for old clients.'),
        ...(method === 'POST' || name !== 'status' ? { hide: true } : {}),
        params: JobPath,
        querystring: waitQuery('Wait for its end, at most so many milliseconds; absent: do not wait.'),
        response: STATUS,
      },
      handler: async (request, reply) => {
        const { wait: waitMs = unaskedMs } = request.query;
        const wait = waitMs === undefined ? undefined : { waitMs, signal: untilLeft(reply) };
        const { job_id: jobId } = request.params;
        return sendView(reply, await service.status(named(request), jobId, callerOf(request), wait));
      },
    });

  app.get<JobRequest & { Querystring: { from?: number } }>(
    `${base}/stream/:job_id`,
    {
      schema: {
        ...about(
          'streamJob',
          'Read the parts of a streamed output',
          'Each call answers the parts since the last one; with `from`, those from that number on.',
        ),
        params: JobPath,
        querystring: Type.Object({
          from: Type.Optional(
            Type.Integer({ minimum: 0, description: 'Number of the first part wanted, as `next` told it.' }),
          ),
        }),
        response: {
          200: Type.Object(
            {
              status: Type.String(),
              stream: Type.Array(Type.Object({ output: Type.Unsafe<unknown>({}) })),
              next: Type.Integer({ description: 'Number of the part behind these.' }),
            },
            { description: 'The parts. An ended state is told when there is nothing left to read.' },
          ),
          ...ERROR_ANSWERS,
        },
      },
    },
    async (request, reply) => {
      const { job_id: jobId } = request.params;
      const from = request.query.from ?? null;
      const { state, parts, next } = await service.stream(named(request), jobId, from, callerOf(request));
      const stream = parts.map((part) => `{"output":${part}}`).join(',');
      const status = JSON.stringify(stateWord(state, surface));
      return sendText(reply, `{"status":${status},"stream":[${stream}],"next":${next}}`);
    },
  );

  for (const method of ['POST', 'GET'] as const)
    app.route<JobRequest>({
      method,
      url: `${base}/cancel/:job_id`,
      schema: {
        ...about(
          'cancelJob',
          'Cancel a job',
          'One that runs is stopped on its worker. One that has ended stays as it is. GET does the same, for old clients.',
        ),
        ...(method === 'GET' ? { hide: true } : {}),
        params: JobPath,
        response: STATUS,
      },
      handler: async (request, reply) =>
        sendView(reply, await service.cancel(named(request), request.params.job_id, callerOf(request))),
    });

  app.post<JobRequest>(
    `${base}/retry/:job_id`,
    {
      schema: {
        ...about('retryJob', 'Run a job that failed or timed out once more, under its id'),
        params: JobPath,
        response: STATUS,
      },
    },
    async (request, reply) =>
      sendView(reply, await service.retry(named(request), request.params.job_id, callerOf(request))),
  );

  app.post<NameRequest>(
    `${base}/purge-queue`,
    {
      schema: {
        ...about('purgeQueue', 'Cancel all jobs that wait'),
        params: NamePath,
        response: {
          200: Type.Object({ removed: Type.Integer(), status: Type.String() }, { description: 'How many.' }),
          ...ERROR_ANSWERS,
        },
      },
    },
    async (request) => ({
      removed: await service.purge(named(request), callerOf(request)),
      status: 'completed',
    }),
  );

  app.get<NameRequest>(
    `${base}/health`,
    {
      schema: {
        ...about('getJobHealth', 'Count the jobs and workers of an endpoint'),
        params: NamePath,
        response: { 200: Type.Ref('JobHealth#', { description: 'The counts.' }), ...ERROR_ANSWERS },
      },
    },
    async (request) => service.health(named(request), callerOf(request)),
  );

  app.get<NameRequest>(
    `${base}/stats`,
    {
      schema: {
        ...about('getJobStats', "The same in the words of the vendor's older API"),
        params: NamePath,
        response: {
          200: Type.Object(
            {
              busy_workers: Type.Integer(),
              endpoint: Type.String(),
              in_progress: Type.Integer(),
              pending: Type.Integer(),
              total_workers: Type.Integer(),
            },
            { description: 'The counts.' },
          ),
          ...ERROR_ANSWERS,
        },
      },
    },
    async (request) => {
      const { jobs, workers } = service.health(named(request), callerOf(request));
      return {
        busy_workers: workers.running,
        endpoint: request.params.endpoint,
        in_progress: jobs.inProgress,
        pending: jobs.inQueue,
        total_workers: workers.ready + workers.initializing + workers.throttled + workers.unhealthy,
      };
    },
  );

  app.get<NameRequest & { Querystring: { limit?: number; cursor?: string; status?: string } }>(
    `${base}/requests`,
    {
      schema: {
        ...about('listJobs', 'List jobs, newest first'),
        params: NamePath,
        querystring: Type.Object({
          ...PAGE_QUERY,
          status: Type.Optional(
            Type.Unsafe<string>({
              type: 'string',
              enum: JOB_STATES.map((state) => stateWord(state, surface)),
              description: 'Only these.',
            }),
          ),
        }),
        response: {
          200: Type.Object(
            {
              requests: Type.Array(Type.Ref('JobItem#')),
              next_cursor: Type.String({ description: 'Empty at the end.' }),
              has_more: Type.Boolean(),
            },
            { description: 'One page.' },
          ),
          ...ERROR_ANSWERS,
        },
      },
    },
    async (request) => {
      const { limit, cursor, status } = request.query;
      const size = limit === undefined || limit === 0 ? LIST_DEFAULT : limit;
      const state = JOB_STATES.find((known) => stateWord(known, surface) === status) ?? null;
      const query = { state, beforeSequence: cursorOf(cursor), limit: size + 1 };
      const jobs = await service.list(named(request), query, callerOf(request));
      const shown = jobs.slice(0, size);
      const more = jobs.length > size;
      return {
        requests: shown.map((job) => jobFacts(job, surface)),
        next_cursor: more ? String(shown.at(-1)?.sequence ?? '') : '',
        has_more: more,
      };
    },
  );

  app.get<JobRequest>(
    `${base}/deliveries/:job_id`,
    {
      schema: {
        ...about('listDeliveries', "Show what became of a job's webhook"),
        params: JobPath,
        response: {
          200: Type.Object(
            { data: Type.Array(Type.Ref('WebhookDelivery#')) },
            { description: 'One for each end of the job, newest first.' },
          ),
          ...ERROR_ANSWERS,
        },
      },
    },
    async (request) => {
      const { job_id: jobId } = request.params;
      const deliveries = await service.deliveries(named(request), jobId, callerOf(request));
      return { data: deliveries.map(deliveryObject) };
    },
  );

  app.post<JobRequest>(
    `${base}/deliveries/:job_id/replay`,
    {
      schema: {
        ...about('replayDelivery', "Send a job's webhook once more"),
        params: JobPath,
        response: {
          200: Type.Ref('WebhookDelivery#', { description: 'Due now.' }),
          ...ERROR_ANSWERS,
        },
      },
    },
    async (request) =>
      deliveryObject(await service.replay(named(request), request.params.job_id, callerOf(request))),
  );

  app.get<NameRequest>(
    `${base}/webhook-secret`,
    {
      schema: {
        ...about('getWebhookSecret', 'The secret that webhooks of this endpoint are signed with'),
        params: NamePath,
        response: {
          200: Type.Object(
            { secret: Type.String({ description: 'In the form of Standard Webhooks: whsec_ and base64.' }) },
            { description: 'The secret.' },
          ),
          ...ERROR_ANSWERS,
        },
      },
    },
    async (request) => ({ secret: service.webhookSecret(named(request), callerOf(request)) }),
  );
}

/** `{endpoint_id}`, or `{endpoint_id}-{app_name}`; ids have no hyphen. */
function endpointOf(name: string): JobEndpoint {
  const hyphen = name.indexOf('-');
  if (hyphen === -1) return { endpointId: name, appName: null };
  return { endpointId: name.slice(0, hyphen), appName: name.slice(hyphen + 1) };
}

function cursorOf(cursor: string | undefined): number | null {
  if (cursor === undefined || cursor === '') return null;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw faultsError({ cursor: 'is none of ours; allowed: the next_cursor of an earlier answer' });
}

function deliveryObject({
  id,
  url,
  state,
  tries,
  createdAtMs,
  dueAtMs,
  message,
}: WebhookDelivery): DeliveryObject {
  return { id, url, state, tries, createdAt: createdAtMs, dueAt: dueAtMs, message };
}

function sendText(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(text);
}
