import { Type, type Static } from 'typebox';
import { EVENT_KINDS, type EventFacts, type EventKind } from './endpoint-event.ts';

/** One event of an endpoint, as the API writes it. It goes beyond the vendor's contract. */
export const EventObject = Type.Object(
  {
    id: Type.Integer({ description: 'Ascending for one endpoint, also over restarts of the server.' }),
    at: Type.Number({ description: 'Unix time in seconds, with fractions.' }),
    kind: Type.Unsafe<EventKind>({
      type: 'string',
      enum: [...EVENT_KINDS],
      description:
        '`scale`, `rollout`, `guard`, `eviction` (a device goes to another endpoint), `backoff` (a worker broke), ' +
        '`worker` (its state changed), `order` (something was asked of it).',
    }),
    code: Type.String({ description: 'Stable name of the reason, for programs.' }),
    message: Type.String({ description: 'The same for people, with its numbers.' }),
    revision: Type.Unsafe<number | null>({
      type: 'integer',
      nullable: true,
      description: 'Where it is about one.',
    }),
    worker_id: Type.Unsafe<string | null>({
      type: 'string',
      nullable: true,
      description: 'Where it is about one.',
    }),
    facts: Type.Unsafe<EventFacts>({
      type: 'object',
      additionalProperties: {},
      description: 'The numbers it rests on, by name.',
    }),
  },
  { $id: 'EndpointEvent' },
);
export type EventObject = Static<typeof EventObject>;
