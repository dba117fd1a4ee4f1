import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { DeleteAnswer, EmptyAnswer, ResourceCreateAnswer } from '../../model/answer-schema.ts';
import type { ResourceService } from '../../ports/resource-service.ts';
import { callerOf } from '../auth.ts';
import { NO_QUERY } from '../change-terms.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import { bodyOf } from '../json-body.ts';
import { PAGE_QUERY, pageAnswer, pageByAge, type PageQuery } from '../pages.ts';
import { deleteAnswer, volumeObject } from '../resource-wire.ts';

const VolumePath = Type.Object({
  volume_id: Type.String({ minLength: 1, maxLength: 255, description: 'Id of the volume.' }),
});
interface VolumeParams {
  readonly volume_id: string;
}

export function networkVolumeRoutes(app: FastifyInstance, resources: ResourceService): void {
  app.post(
    '/gpus/v2/network-volumes',
    {
      schema: {
        operationId: 'createNetworkVolume',
        summary: 'Make a network volume',
        description:
          'A folder that outlives workers; every worker gets it whose endpoint names it in `volumes`.',
        tags: ['resources'],
        querystring: NO_QUERY,
        body: Type.Ref('NetworkVolumeBody#'),
        response: { 200: ResourceCreateAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request) => await resources.volumeCreate(bodyOf(request), callerOf(request)),
  );

  app.get<{ Querystring: PageQuery }>(
    '/gpus/v2/network-volumes',
    {
      schema: {
        operationId: 'listNetworkVolumes',
        summary: 'List network volumes',
        tags: ['resources'],
        querystring: Type.Object(PAGE_QUERY),
        response: { 200: pageAnswer(Type.Ref('NetworkVolume#')), ...ERROR_ANSWERS },
      },
    },
    async (request) =>
      pageByAge(resources.volumeList(callerOf(request)), request.query, ({ volume }) => volume, volumeObject),
  );

  app.get<{ Params: VolumeParams }>(
    '/gpus/v2/network-volumes/:volume_id',
    {
      schema: {
        operationId: 'getNetworkVolume',
        summary: 'Get a network volume',
        tags: ['resources'],
        params: VolumePath,
        response: { 200: Type.Ref('NetworkVolume#', { description: 'The volume.' }), ...ERROR_ANSWERS },
      },
    },
    async (request) => volumeObject(resources.volume(request.params.volume_id, callerOf(request))),
  );

  app.put<{ Params: VolumeParams }>(
    '/gpus/v2/network-volumes/:volume_id',
    {
      schema: {
        operationId: 'updateNetworkVolume',
        summary: 'Rename or grow a network volume',
        description: 'An absent field keeps its value. Workers that run keep running.',
        tags: ['resources'],
        params: VolumePath,
        querystring: NO_QUERY,
        body: Type.Ref('NetworkVolumeChangeBody#'),
        response: { 200: EmptyAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      await resources.volumeUpdate(request.params.volume_id, bodyOf(request), callerOf(request));
      return {};
    },
  );

  app.delete<{ Params: VolumeParams }>(
    '/gpus/v2/network-volumes/:volume_id',
    {
      schema: {
        operationId: 'deleteNetworkVolume',
        summary: 'Delete a network volume and all its data',
        description:
          'Refused with NETWORK_STORAGE_IN_USE while a revision that serves or is to serve needs it. Older ' +
          'revisions do not hold it; a rollback to one that needs it is refused.',
        tags: ['resources'],
        params: VolumePath,
        querystring: NO_QUERY,
        response: { 200: DeleteAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request) =>
      deleteAnswer(await resources.volumeDelete(request.params.volume_id, callerOf(request))),
  );
}
