import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { KIB, MIB } from '../../base/units.ts';
import type { EndpointService } from '../../ports/endpoint-service.ts';
import { callerOf } from '../auth.ts';
import { workerObject } from '../endpoint-wire.ts';
import { DrainHolderObject } from '../../model/rollout-view-schema.ts';
import { holderObject } from '../rollout-wire.ts';
import { ERROR_ANSWERS, plainText } from '../declared-answers.ts';
import { EndpointPath } from './endpoints.ts';

const TAIL_BYTES_DEFAULT = 64 * KIB;

const WorkerPath = Type.Object({
  ...EndpointPath.properties,
  worker_id: Type.String({ minLength: 1, maxLength: 255, description: 'Id of the worker.' }),
});

const LogQuery = Type.Object({
  tail_bytes: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MIB,
      default: TAIL_BYTES_DEFAULT,
      description: 'How much of the end of the log is answered.',
    }),
  ),
});

/** These go beyond the vendor's contract, which names a worker's log but no way to it. */
export function workerRoutes(app: FastifyInstance, service: EndpointService): void {
  app.get<{ Params: { endpoint_id: string } }>(
    '/gpus/v2/endpoints/:endpoint_id/workers',
    {
      schema: {
        operationId: 'listWorkers',
        summary: "List an endpoint's workers, the last ended ones too, newest first",
        tags: ['workers'],
        params: EndpointPath,
        response: {
          200: Type.Object(
            {
              data: Type.Array(Type.Ref('Worker#')),
              drain_holders: Type.Array(DrainHolderObject, {
                description: 'Running requests, at most 100, that keep leaving workers from ending.',
              }),
            },
            { description: 'The workers.' },
          ),
          ...ERROR_ANSWERS,
        },
      },
    },
    async (request) => {
      const { endpoint_id: endpointId } = request.params;
      const caller = callerOf(request);
      return {
        data: service.workerList(endpointId, caller).map(workerObject),
        drain_holders: (await service.drainHolders(endpointId, caller)).map(holderObject),
      };
    },
  );

  app.get<{ Params: { endpoint_id: string; worker_id: string } }>(
    '/gpus/v2/endpoints/:endpoint_id/workers/:worker_id',
    {
      schema: {
        operationId: 'getWorker',
        summary: 'Show one worker, also after its end: how it ended, what it wrote and served last',
        tags: ['workers'],
        params: WorkerPath,
        response: { 200: Type.Ref('Worker#'), ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      const { endpoint_id: endpointId, worker_id: workerId } = request.params;
      return workerObject(service.worker(endpointId, workerId, callerOf(request)));
    },
  );

  app.get<{ Params: { endpoint_id: string; worker_id: string }; Querystring: { tail_bytes?: number } }>(
    '/gpus/v2/endpoints/:endpoint_id/workers/:worker_id/log',
    {
      schema: {
        operationId: 'getWorkerLog',
        summary: "Read the end of a worker's log",
        description:
          'What the worker wrote to its output, also after its end. X-Pilotlight-Dropped-Bytes says how much ' +
          'lies before the answered part or is no longer kept.',
        tags: ['workers'],
        params: WorkerPath,
        querystring: LogQuery,
        response: { 200: plainText('The end of the log.'), ...ERROR_ANSWERS },
      },
    },
    async (request, reply) => {
      const { endpoint_id: endpointId, worker_id: workerId } = request.params;
      const tailBytes = request.query.tail_bytes ?? TAIL_BYTES_DEFAULT;
      const log = await service.workerLog(endpointId, workerId, tailBytes, callerOf(request));
      return reply
        .type('text/plain; charset=utf-8')
        .header('x-content-type-options', 'nosniff')
        .header('x-pilotlight-dropped-bytes', String(log.droppedBytes))
        .send(log.text);
    },
  );
}
