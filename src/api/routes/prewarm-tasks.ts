import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { PrewarmState } from '../../model/prewarm-state.ts';
import { PREWARM_STATUS } from '../../model/resource-schema.ts';
import type { ResourceService } from '../../ports/resource-service.ts';
import { callerOf } from '../auth.ts';
import { NO_QUERY } from '../change-terms.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import { bodyOf } from '../json-body.ts';
import { PAGE_QUERY, pageAnswer, pageByAge, type PageQuery } from '../pages.ts';
import { prewarmTaskObject } from '../resource-wire.ts';

const ListQuery = Type.Object({
  ...PAGE_QUERY,
  status: Type.Optional({ ...PREWARM_STATUS, description: 'Only tasks of this status.' }),
  region_id: Type.Optional(Type.String({ maxLength: 255, description: 'Only tasks of this region.' })),
  name: Type.Optional(Type.String({ maxLength: 255, description: 'Only tasks whose name contains it.' })),
});
interface ListParams extends PageQuery {
  readonly status?: PrewarmState;
  readonly region_id?: string;
  readonly name?: string;
}

const CreateAnswer = Type.Object(
  { id: Type.String(), task_id: Type.String({ description: 'The same.' }) },
  { description: 'Id of the task.' },
);

export function prewarmRoutes(app: FastifyInstance, resources: ResourceService): void {
  app.post(
    '/gpus/v2/prewarm-tasks',
    {
      schema: {
        operationId: 'createPrewarmTask',
        summary: 'Bring an image onto the machine before a worker needs it',
        description: 'Five run at a time, the others wait for their turn.',
        tags: ['resources'],
        querystring: NO_QUERY,
        body: Type.Ref('PrewarmTaskBody#'),
        response: { 200: CreateAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      const { id } = await resources.prewarmCreate(bodyOf(request), callerOf(request));
      return { id, task_id: id };
    },
  );

  app.get<{ Querystring: ListParams }>(
    '/gpus/v2/prewarm-tasks',
    {
      schema: {
        operationId: 'listPrewarmTasks',
        summary: 'List prewarm tasks',
        description: 'The last 500, oldest first.',
        tags: ['resources'],
        querystring: ListQuery,
        response: { 200: pageAnswer(Type.Ref('PrewarmTask#')), ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      const { status, region_id: regionId, name } = request.query;
      const keyword = (name ?? '').toLowerCase();
      const tasks = resources
        .prewarmList(callerOf(request))
        .filter(({ task }) => status === undefined || task.state === status)
        .filter(({ task }) => regionId === undefined || regionId === '' || task.regionId === regionId)
        .filter(({ task }) => task.name.toLowerCase().includes(keyword));
      return pageByAge(tasks, request.query, ({ task }) => task, prewarmTaskObject);
    },
  );
}
