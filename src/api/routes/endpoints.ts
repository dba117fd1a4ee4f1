import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { CreateAnswer, EmptyAnswer } from '../../model/answer-schema.ts';
import type { EndpointService } from '../../ports/endpoint-service.ts';
import { callerOf } from '../auth.ts';
import {
  answerOf,
  IDEMPOTENCY_HEADER,
  IF_MATCH_HEADER,
  ifMatchOf,
  NO_QUERY,
  repeatKeyOf,
  termsOf,
} from '../change-terms.ts';
import { endpointObject } from '../endpoint-wire.ts';
import { bodyOf } from '../json-body.ts';
import { PAGE_QUERY, pageAnswer, type PageQuery } from '../pages.ts';
import { ROLLOUT_QUERY, rolloutChoicesOf } from '../rollout-terms.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import { answerPlan, changeAnswer, DRY_RUN_QUERY, type DryRunParams } from '../dry-run.ts';

export const EndpointPath = Type.Object({
  endpoint_id: Type.String({ minLength: 1, maxLength: 255, description: 'Id of the endpoint.' }),
});
interface EndpointParams {
  readonly endpoint_id: string;
}

const ListQuery = Type.Object({
  ...PAGE_QUERY,
  keyword: Type.Optional(
    Type.String({ maxLength: 255, description: 'Only endpoints whose id, name or app_name contains it.' }),
  ),
  member_ids: Type.Optional(
    Type.String({ maxLength: 8192, description: 'Only endpoints of these members; comma separated.' }),
  ),
});
interface ListParams extends PageQuery {
  readonly keyword?: string;
  readonly member_ids?: string;
}

export function endpointRoutes(app: FastifyInstance, service: EndpointService): void {
  app.post(
    '/gpus/v2/endpoints',
    {
      schema: {
        operationId: 'createEndpoint',
        summary: 'Create an endpoint',
        tags: ['endpoints'],
        querystring: NO_QUERY,
        headers: Type.Object(IDEMPOTENCY_HEADER),
        body: Type.Ref('EndpointCreateBody#'),
        response: { 200: CreateAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request, reply) =>
      answerOf(reply, await service.create(bodyOf(request), callerOf(request), repeatKeyOf(request))),
  );

  app.get<{ Querystring: ListParams }>(
    '/gpus/v2/endpoints',
    {
      schema: {
        operationId: 'listEndpoints',
        summary: 'List endpoints',
        tags: ['endpoints'],
        querystring: ListQuery,
        response: { 200: pageAnswer(Type.Ref('Endpoint#')), ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      const { limit, cursor, keyword, member_ids: memberIds } = request.query;
      const ownerIds = (memberIds ?? '').split(',').map((id) => id.trim());
      const page = service.list(
        {
          limit: limit ?? 0,
          cursor: cursor ?? '',
          keyword: keyword ?? '',
          ownerIds: ownerIds.filter((id) => id !== ''),
        },
        callerOf(request),
      );
      return { data: page.views.map(endpointObject), next_cursor: page.nextCursor, has_more: page.hasMore };
    },
  );

  app.get<{ Params: EndpointParams }>(
    '/gpus/v2/endpoints/:endpoint_id',
    {
      schema: {
        operationId: 'getEndpoint',
        summary: 'Get an endpoint',
        description: 'The header ETag has the `etag` of the answer.',
        tags: ['endpoints'],
        params: EndpointPath,
        response: { 200: Type.Ref('Endpoint#', { description: 'The endpoint.' }), ...ERROR_ANSWERS },
      },
    },
    async (request, reply) => {
      const endpoint = endpointObject(service.get(request.params.endpoint_id, callerOf(request)));
      void reply.header('etag', endpoint.etag);
      return endpoint;
    },
  );

  app.put<{ Params: EndpointParams; Querystring: DryRunParams }>(
    '/gpus/v2/endpoints/:endpoint_id',
    {
      schema: {
        operationId: 'updateEndpoint',
        summary: 'Update an endpoint',
        description:
          'Settings apply at once. Changes that need new workers start a rollout: the old workers serve ' +
          'until new ones have proven themselves, and no request is lost. The query says how the rollout that ' +
          'this update begins goes about its work; it has no effect when none begins.',
        tags: ['endpoints'],
        params: EndpointPath,
        querystring: Type.Object({ ...DRY_RUN_QUERY, ...ROLLOUT_QUERY }, { additionalProperties: false }),
        headers: Type.Object({ ...IF_MATCH_HEADER, ...IDEMPOTENCY_HEADER }),
        body: Type.Ref('EndpointUpdateBody#'),
        response: { 200: changeAnswer('What the update does.'), ...ERROR_ANSWERS },
      },
    },
    async (request, reply) => {
      const { endpoint_id: endpointId } = request.params;
      const [body, caller] = [bodyOf(request), callerOf(request)];
      const terms = { ...termsOf(request), rollout: rolloutChoicesOf(request) };
      if (request.query.dry_run === true) {
        return answerPlan(reply, service.updatePlan(endpointId, body, caller, terms));
      }
      return answerOf(reply, await service.update(endpointId, body, caller, terms));
    },
  );

  app.delete<{ Params: EndpointParams }>(
    '/gpus/v2/endpoints/:endpoint_id',
    {
      schema: {
        operationId: 'deleteEndpoint',
        summary: 'Delete an endpoint',
        description: 'Running requests finish, then its workers stop.',
        tags: ['endpoints'],
        params: EndpointPath,
        querystring: NO_QUERY,
        headers: Type.Object(IF_MATCH_HEADER),
        response: { 200: EmptyAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      await service.delete(request.params.endpoint_id, callerOf(request), ifMatchOf(request));
      return {};
    },
  );
}
