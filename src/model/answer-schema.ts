import { Type, type Static } from 'typebox';
import { EndpointWorker } from './endpoint-schema.ts';
import type { WorkerRequest } from './request-schema.ts';
import { warnings } from './resource-schema.ts';

/** What the control API answers beside the endpoint itself. */

export const ErrorAnswer = Type.Object(
  {
    code: Type.Integer({ description: 'The HTTP status.' }),
    reason: Type.String({ description: 'Stable name of what went wrong, for programs.' }),
    message: Type.String({ description: 'What went wrong and what to do, for people.' }),
    metadata: Type.Unsafe<Record<string, string>>({
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'More facts; for VALIDATOR_PARAM: field path to what was given and what is allowed.',
    }),
  },
  { $id: 'Error' },
);

export const CreateAnswer = Type.Object(
  { id: Type.String(), warnings },
  { description: 'Id of the new endpoint.' },
);

export const ResourceCreateAnswer = Type.Object({ id: Type.String() }, { description: 'Its id.' });

export const UpdateAnswer = Type.Object(
  {
    revision: Type.Integer({ description: 'The revision the endpoint has, or moves to, after this update.' }),
    changed: Type.Unsafe<Record<string, 'settings' | 'revision'>>({
      type: 'object',
      additionalProperties: { type: 'string', enum: ['settings', 'revision'] },
      description:
        'Changed field to its class: `settings` are in force now, `revision` replaces the workers. ' +
        'Empty when nothing changed.',
    }),
    rollout: Type.Unsafe<{ id: string; state: string } | null>({
      type: 'object',
      nullable: true,
      required: ['id', 'state'],
      properties: { id: { type: 'string' }, state: { type: 'string' } },
      description: 'The move to the new revision; null when this update needs none.',
    }),
    etag: Type.String({ description: "The endpoint's tag after this update." }),
    warnings,
  },
  {
    $id: 'UpdateAnswer',
    description: "The vendor's contract answers an empty object; these fields are added to it.",
  },
);

export const EmptyAnswer = Type.Object({}, { description: 'Done.' });

export const DeleteAnswer = Type.Object({ warnings }, { description: 'Deleted.' });

const time = (text: string) => Type.Optional(Type.Integer({ description: `${text}, unix time in seconds.` }));

function nullable<Kind extends 'integer' | 'string' | 'boolean'>(type: Kind, description: string) {
  type Value = Kind extends 'integer' ? number : Kind extends 'string' ? string : boolean;
  return Type.Unsafe<Value | null>({ type, nullable: true, description });
}

export const WorkerObject = Type.Object(
  {
    ...EndpointWorker.properties,
    devices: Type.Array(Type.String(), { description: 'Ids of the GPUs it holds.' }),
    created_at: Type.Integer({ description: 'Unix time in seconds.' }),
    started_at: time('When its start was asked for'),
    ready_at: time('When it could first take requests'),
    ended_at: time('When it ended'),
    exit: Type.Optional(
      Type.Object(
        {
          code: nullable(
            'integer',
            'What its first process returned; null when a signal ended it, or nobody saw it.',
          ),
          signal: nullable('string', 'Name of the signal that ended it.'),
          out_of_memory: nullable(
            'boolean',
            'The kernel ended it, or a process of it, for want of memory; null where nobody can tell.',
          ),
          peak_memory_mib: nullable(
            'integer',
            'Most memory it held at one time; null where it was not measured.',
          ),
        },
        { description: 'How it ended; absent before, and where it never ran.' },
      ),
    ),
    last_output: Type.Optional(
      Type.String({ description: 'The end of what it wrote, at most 4 KiB; only of an ended worker.' }),
    ),
    last_requests: Type.Optional(
      Type.Array(Type.Ref('WorkerRequest#'), {
        description: 'The last it had, newest first, at most 10; only of an ended worker.',
      }),
    ),
  },
  { $id: 'Worker' },
);
export type WorkerObject = Omit<Static<typeof WorkerObject>, 'last_requests'> & {
  readonly last_requests?: readonly WorkerRequest[];
};

export const HealthAnswer = Type.Object(
  { status: Type.String(), version: Type.String() },
  { description: 'It serves.' },
);
