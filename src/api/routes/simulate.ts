import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { KIB } from '../../base/units.ts';
import { errorAnswer } from '../../model/error-status.ts';
import { TRACE_BASE64_MAX } from '../../model/simulate-schema.ts';
import type { Log } from '../../ports/log.ts';
import type { WhatIfService } from '../../ports/what-if.ts';
import { asAppError } from '../answer-error.ts';
import { callerOf } from '../auth.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import { EventStream } from '../event-stream.ts';
import { progressObject, simulateAnswer } from '../simulate-wire.ts';
import { untilLeft } from '../until-left.ts';
import { EndpointPath } from './endpoints.ts';

/** The trace and everything beside it. */
const BODY_BYTES_MAX = TRACE_BASE64_MAX + 64 * KIB;

export function simulateRoutes(app: FastifyInstance, whatIf: WhatIfService, log: Log): void {
  app.post<{ Params: { endpoint_id: string } }>(
    '/gpus/v2/endpoints/:endpoint_id/simulate',
    {
      bodyLimit: BODY_BYTES_MAX,
      schema: {
        operationId: 'simulateEndpoint',
        summary: 'Simulate an endpoint with other settings',
        description:
          'Runs the requests that were recorded, or those of a trace, through the present settings and the ' +
          'proposed ones. Nothing is changed. Asked with `Accept: text/event-stream`, it answers ' +
          'server-sent events: `progress` with `stage`, `done` and `of`, then `result` with the answer ' +
          'described here, or `error` with an Error. It ends when the client leaves.',
        tags: ['endpoints'],
        params: EndpointPath,
        body: Type.Ref('SimulateBody#'),
        response: {
          200: Type.Ref('SimulateAnswer#', { description: 'What is, what is proposed, what is advised.' }),
          ...ERROR_ANSWERS,
        },
      },
    },
    async (request, reply) =>
      wantsEvents(request)
        ? await asEvents(request, reply, whatIf, log)
        : await asAnswer(request, reply, whatIf),
  );
}

type SimulateRequest = FastifyRequest<{ Params: { endpoint_id: string } }>;

async function asAnswer(request: SimulateRequest, reply: FastifyReply, whatIf: WhatIfService) {
  const { endpoint_id: endpointId } = request.params;
  const options = { signal: untilLeft(reply), onProgress: () => undefined };
  return simulateAnswer(await whatIf.simulate(endpointId, request.body ?? {}, callerOf(request), options));
}

/** What is refused before anything was said has its own status; what fails later is an event. */
async function asEvents(request: SimulateRequest, reply: FastifyReply, whatIf: WhatIfService, log: Log) {
  const { endpoint_id: endpointId } = request.params;
  const events = new EventStream();
  const begun = Promise.withResolvers<void>();
  let hasBegun = false;
  const begin = (): void => {
    hasBegun = true;
    begun.resolve();
  };
  const options = {
    signal: untilLeft(reply),
    onProgress: (progress: Parameters<typeof progressObject>[0]) => {
      begin();
      events.sendIfRead('progress', progressObject(progress));
    },
  };
  void whatIf.simulate(endpointId, request.body ?? {}, callerOf(request), options).then(
    (answer) => {
      begin();
      events.send('result', simulateAnswer(answer));
      events.end();
    },
    (error: unknown) => {
      if (!hasBegun) {
        begun.reject(error);
        return;
      }
      const { status, body } = errorAnswer(asAppError(error, request));
      if (status >= 500) log.error('a simulation failed', { endpointId, requestId: request.id, error });
      events.send('error', body);
      events.end();
    },
  );
  await begun.promise;
  void reply.header('x-accel-buffering', 'no').type('text/event-stream; charset=utf-8');
  return await reply.send(events.body);
}

function wantsEvents(request: FastifyRequest): boolean {
  return /\btext\/event-stream\b/i.test(request.headers.accept ?? '');
}
