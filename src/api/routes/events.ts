import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { faultsError } from '../../model/faults.ts';
import type { EndpointService } from '../../ports/endpoint-service.ts';
import { callerOf } from '../auth.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import type { EventReaders } from '../event-readers.ts';
import { eventObject } from '../request-wire.ts';
import { EndpointPath } from './endpoints.ts';

const LIMIT_DEFAULT = 100;

const EventsQuery = Type.Object({
  after: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 999_999_999_999_999,
      description: 'Only events behind the one with this id.',
    }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 500,
      default: LIMIT_DEFAULT,
      description: 'Most events of one page.',
    }),
  ),
});
interface EventsParams {
  readonly after?: number;
  readonly limit?: number;
}

const EventsAnswer = Type.Object(
  {
    data: Type.Array(Type.Ref('EndpointEvent#')),
    last_id: Type.Unsafe<number | null>({
      type: 'integer',
      nullable: true,
      description: 'Of the last event of the page, for `after` of the next one; null when there is none.',
    }),
    has_more: Type.Boolean({ description: 'Later events than these are kept.' }),
  },
  { description: 'Events, oldest first.' },
);

/** It goes beyond the vendor's contract. */
export function eventRoutes(app: FastifyInstance, service: EndpointService, readers: EventReaders): void {
  app.get<{ Params: { endpoint_id: string }; Querystring: EventsParams }>(
    '/gpus/v2/endpoints/:endpoint_id/events',
    {
      schema: {
        operationId: 'listEvents',
        summary: 'Tell what was decided about an endpoint, and why',
        description:
          'The last 500 since the server was started, page by page. With `Accept: text/event-stream` they come ' +
          'as server-sent events, each as it happens, named by its kind; `Last-Event-ID`, or `after`, takes up ' +
          'behind an event, and an event `missed` comes first when some in between are no longer kept.',
        tags: ['why'],
        params: EndpointPath,
        querystring: EventsQuery,
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({
              maxLength: 32,
              description: 'Id of the last event that was seen; goes before `after`.',
            }),
          ),
        }),
        response: { 200: EventsAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request, reply) => {
      const { endpoint_id: endpointId } = request.params;
      const caller = callerOf(request);
      const after = lastEventId(request) ?? request.query.after ?? null;
      // A stream has no end that a HEAD could be answered at.
      if (request.method !== 'HEAD' && wantsStream(request)) {
        readers.open(reply, (reader) => service.eventsFollow(endpointId, after, caller, reader));
        return reply;
      }
      const events = service.eventList(endpointId, after, caller);
      const limit = request.query.limit ?? LIMIT_DEFAULT;
      const page = events.slice(0, limit).map(eventObject);
      return { data: page, last_id: page.at(-1)?.id ?? null, has_more: events.length > limit };
    },
  );
}

function wantsStream(request: FastifyRequest): boolean {
  const types = (request.headers.accept ?? '').split(',');
  return types.some((type) => type.split(';')[0]?.trim().toLowerCase() === 'text/event-stream');
}

function lastEventId(request: FastifyRequest): number | null {
  const text = request.headers['last-event-id'];
  if (typeof text !== 'string' || text === '') return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw faultsError({
    'last-event-id': `is ${JSON.stringify(text)}; allowed: the id of an event of this endpoint`,
  });
}
