import { Type, type Static } from 'typebox';
import type { TimelineOutcome, WaitReason } from './request-timeline.ts';

function time(description: string) {
  return Type.Unsafe<number | null>({
    type: 'number',
    nullable: true,
    description: `${description}; unix time in seconds, with fractions. Null: not yet, or never.`,
  });
}

function nullableText<Text extends string>(description: string) {
  return Type.Unsafe<Text | null>({
    type: 'string',
    nullable: true,
    description,
  });
}

/** A request's way, as the API writes it. It goes beyond the vendor's contract. */
export const RequestObject = Type.Object(
  {
    id: Type.String({ description: 'Its X-Request-Id.' }),
    method: Type.String(),
    path: Type.String({ description: 'At the worker, without its query, at most 200 characters.' }),
    arrived_at: Type.Number({ description: 'Unix time in seconds, with fractions.' }),
    wait_reason: nullableText<WaitReason>(
      'Why it had to wait: `noWorker` was ready, `behindOthers` that waited, `slotsInUse`, or `notSent` because ' +
        'its worker could not be reached. Null: it never did.',
    ),
    started_at: time('When a worker got it'),
    worker_id: nullableText<string>('The worker that has it, or had it last.'),
    revision: Type.Unsafe<number | null>({ type: 'integer', nullable: true, description: 'Of that worker.' }),
    first_byte_at: time('When its answer began'),
    ended_at: time('When its worker was through with it'),
    status: Type.Unsafe<number | null>({ type: 'integer', nullable: true, description: 'Of its answer.' }),
    outcome: nullableText<TimelineOutcome>(
      '`complete`, `broke` (by its worker), `clientGone`, `timeout`, `cut` (DRAIN_DEADLINE) or `refused` while ' +
        'it waited. Null: it goes on.',
    ),
  },
  { $id: 'RequestTimeline' },
);
export type RequestObject = Static<typeof RequestObject>;

const { id, method, path, started_at, ended_at, status, outcome } = RequestObject.properties;
/** A request as it is kept with a worker that is over. */
export const WorkerRequest = Type.Object(
  { id, method, path, started_at, ended_at, status, outcome },
  { $id: 'WorkerRequest' },
);
export type WorkerRequest = Static<typeof WorkerRequest>;

export const RequestsAnswer = Type.Object(
  {
    data: Type.Array(Type.Ref('RequestTimeline#')),
    wait_for: Type.String({ description: 'What those wait for that wait now; empty when none does.' }),
  },
  { description: 'Those that go on, oldest first, then the last ones that ended, newest first.' },
);
