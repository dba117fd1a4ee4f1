import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { RequestsAnswer } from '../../model/request-schema.ts';
import type { EndpointService } from '../../ports/endpoint-service.ts';
import { callerOf } from '../auth.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import { requestObject } from '../request-wire.ts';
import { EndpointPath } from './endpoints.ts';

const LIMIT_DEFAULT = 100;

const RequestsQuery = Type.Object({
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: LIMIT_DEFAULT,
      description: 'Most requests of the answer.',
    }),
  ),
});

/** It goes beyond the vendor's contract. */
export function requestRoutes(app: FastifyInstance, service: EndpointService): void {
  app.get<{ Params: { endpoint_id: string }; Querystring: { limit?: number } }>(
    '/gpus/v2/endpoints/:endpoint_id/requests',
    {
      schema: {
        operationId: 'listRequests',
        summary: "Show an endpoint's requests: those that go on, and the last 100 that ended",
        description:
          'When each came, why it waited, which worker got it, when its answer began and how it ended. Kept in ' +
          'memory; no header, body or query is.',
        tags: ['why'],
        params: EndpointPath,
        querystring: RequestsQuery,
        response: { 200: RequestsAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      const { endpoint_id: endpointId } = request.params;
      const list = await service.requestList(
        endpointId,
        request.query.limit ?? LIMIT_DEFAULT,
        callerOf(request),
      );
      return { data: list.requests.map(requestObject), wait_for: list.waitFor };
    },
  );
}
