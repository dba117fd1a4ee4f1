import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { DeleteAnswer, ResourceCreateAnswer } from '../../model/answer-schema.ts';
import type { ResourceService } from '../../ports/resource-service.ts';
import { callerOf } from '../auth.ts';
import { NO_QUERY } from '../change-terms.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import { bodyOf } from '../json-body.ts';
import { PAGE_QUERY, pageAnswer, pageByAge, type PageQuery } from '../pages.ts';
import { deleteAnswer, registryAuthObject } from '../resource-wire.ts';

const AuthPath = Type.Object({
  registry_auth_id: Type.String({ minLength: 1, maxLength: 255, description: 'Id of the credential.' }),
});

export function registryAuthRoutes(app: FastifyInstance, resources: ResourceService): void {
  app.post(
    '/gpus/v2/registry-auths',
    {
      schema: {
        operationId: 'createRegistryAuth',
        summary: 'Save a registry credential',
        description: 'The password is stored encrypted, and no answer ever has it.',
        tags: ['resources'],
        querystring: NO_QUERY,
        body: Type.Ref('RegistryAuthBody#'),
        response: { 200: ResourceCreateAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request) => await resources.registryAuthCreate(bodyOf(request), callerOf(request)),
  );

  app.get<{ Querystring: PageQuery }>(
    '/gpus/v2/registry-auths',
    {
      schema: {
        operationId: 'listRegistryAuths',
        summary: 'List registry credentials',
        tags: ['resources'],
        querystring: Type.Object(PAGE_QUERY),
        response: { 200: pageAnswer(Type.Ref('RegistryAuth#')), ...ERROR_ANSWERS },
      },
    },
    async (request) =>
      pageByAge(
        resources.registryAuthList(callerOf(request)),
        request.query,
        ({ auth }) => auth,
        registryAuthObject,
      ),
  );

  app.delete<{ Params: { registry_auth_id: string } }>(
    '/gpus/v2/registry-auths/:registry_auth_id',
    {
      schema: {
        operationId: 'deleteRegistryAuth',
        summary: 'Delete a registry credential',
        description:
          'Refused with IMAGE_AUTH_IN_USE while a revision that serves or is to serve, or a prewarm task that ' +
          'is not over, needs it. Older revisions do not hold it; a rollback to one that needs it is refused.',
        tags: ['resources'],
        params: AuthPath,
        querystring: NO_QUERY,
        response: { 200: DeleteAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request) =>
      deleteAnswer(await resources.registryAuthDelete(request.params.registry_auth_id, callerOf(request))),
  );
}
