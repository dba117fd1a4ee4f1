import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { EndpointService } from '../../ports/endpoint-service.ts';
import { callerOf } from '../auth.ts';
import { answerOf, IDEMPOTENCY_HEADER, IF_MATCH_HEADER, termsOf } from '../change-terms.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import { answerPlan, changeAnswer, DRY_RUN_QUERY, type DryRunParams } from '../dry-run.ts';
import { bodyOf } from '../json-body.ts';
import { PAGE_QUERY, pageAnswer, pageOfNewest, type PageQuery } from '../pages.ts';
import { revisionItem, revisionObject } from '../revision-wire.ts';
import { ROLLOUT_QUERY, rolloutChoicesOf } from '../rollout-terms.ts';
import { EndpointPath } from './endpoints.ts';

const RevisionPath = Type.Object({
  ...EndpointPath.properties,
  revision: Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'Number of the revision.' }),
});

/** All of them go beyond the vendor's contract. */
export function revisionRoutes(app: FastifyInstance, service: EndpointService): void {
  app.get<{ Params: { endpoint_id: string }; Querystring: PageQuery }>(
    '/gpus/v2/endpoints/:endpoint_id/revisions',
    {
      schema: {
        operationId: 'listRevisions',
        summary: "List an endpoint's revisions, newest first",
        description:
          'The last 50, and older ones that are in force or still run. Settings are in force without a ' +
          'revision of their own; those that one was made with are kept with it.',
        tags: ['revisions'],
        params: EndpointPath,
        querystring: Type.Object(PAGE_QUERY),
        response: { 200: pageAnswer(Type.Ref('RevisionItem#')), ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      const views = service.revisionList(request.params.endpoint_id, callerOf(request));
      return pageOfNewest(views.map(revisionItem), request.query, (item) => item.revision);
    },
  );

  app.get<{ Params: { endpoint_id: string; revision: number } }>(
    '/gpus/v2/endpoints/:endpoint_id/revisions/:revision',
    {
      schema: {
        operationId: 'getRevision',
        summary: 'Get a revision, with its fields and the settings it was made with',
        tags: ['revisions'],
        params: RevisionPath,
        response: { 200: Type.Ref('Revision#', { description: 'The revision.' }), ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      const { endpoint_id: endpointId, revision } = request.params;
      return revisionObject(service.revision(endpointId, revision, callerOf(request)));
    },
  );

  app.post<{ Params: { endpoint_id: string }; Querystring: DryRunParams }>(
    '/gpus/v2/endpoints/:endpoint_id/rollback',
    {
      schema: {
        operationId: 'rollbackEndpoint',
        summary: 'Bring a former revision back',
        description:
          'Makes a new revision of its fields and rolls it out like any update. The settings stay, unless ' +
          '`settings` is true. A revision that failed can be brought back too; it has to prove itself again.',
        tags: ['revisions'],
        params: EndpointPath,
        querystring: Type.Object({ ...DRY_RUN_QUERY, ...ROLLOUT_QUERY }, { additionalProperties: false }),
        headers: Type.Object({ ...IF_MATCH_HEADER, ...IDEMPOTENCY_HEADER }),
        body: Type.Ref('RollbackBody#'),
        response: { 200: changeAnswer('What the rollback does.'), ...ERROR_ANSWERS },
      },
    },
    async (request, reply) => {
      const { endpoint_id: endpointId } = request.params;
      const [body, caller] = [bodyOf(request), callerOf(request)];
      const terms = { ...termsOf(request), rollout: rolloutChoicesOf(request) };
      if (request.query.dry_run === true) {
        return answerPlan(reply, service.rollbackPlan(endpointId, body, caller, terms));
      }
      return answerOf(reply, await service.rollback(endpointId, body, caller, terms));
    },
  );
}
