import { Type, type Static } from 'typebox';
import { ROLLOUT_ORDERS, type RolloutOrder } from './rollout-order.ts';
import { ROLLOUT_PROPERTIES } from './rollout-schema.ts';

/** A rollout in full, as the API writes it. It goes beyond the vendor's contract. */

function nullable<Value>(type: string, description: string) {
  return Type.Unsafe<Value | null>({ type, nullable: true, description });
}

const amount = (description: string) =>
  Type.String({ description: `${description}: a number, or a share such as 25%.` });

const RolloutOptionsObject = Type.Object(
  {
    max_surge: amount('Workers above the wanted number'),
    first_step: amount('Workers that prove the new revision'),
    bake_seconds: Type.Number({ description: 'Time in service that proves them.' }),
    bake_requests: Type.Integer({ description: 'Or answers, if they come sooner.' }),
    watch_seconds: Type.Number({ description: 'How long it is guarded after the last old worker left.' }),
    drain_seconds: Type.Number({
      description: 'After which running requests of a leaving worker are closed; 0: never.',
    }),
    guard: Type.Unsafe<'on' | 'off'>({
      type: 'string',
      enum: ['on', 'off'],
      description: 'Whether it is guarded.',
    }),
    guard_slowdown: Type.Number({ description: 'Times the first byte may take that it took before.' }),
    guard_failures: Type.Integer({
      description: 'Failed requests without which it is not taken back for failures.',
    }),
  },
  { description: 'How it goes about its work: what the update said, else the defaults of the server.' },
);

const Figures = Type.Object(
  {
    answered: Type.Integer({ description: 'Answers that began.' }),
    ended: Type.Integer({ description: 'Requests whose outcome is known.' }),
    failed: Type.Integer({ description: 'Those of them that failed: 5xx, cut off, or never answered.' }),
    unanswered: Type.Integer({
      description: 'Requests that wait for a first byte for much longer than is usual.',
    }),
    deaths: Type.Integer({ description: 'Workers that had been ready and ended by themselves.' }),
    first_byte_ms: nullable<number>('number', 'Median of the last ones; null when none was timed.'),
  },
  { description: 'What one revision did.' },
);

const guard = Type.Object({
  new_revision: Figures,
  old_revision: Figures,
  failure_evidence: Type.Number({
    description: 'That it fails more often; 333 is the verdict, and below 3 there is no doubt.',
  }),
  slowness_evidence: Type.Number({ description: 'That it is slower, likewise.' }),
  doubtful: Type.Boolean({ description: 'Something speaks against it, not enough for a verdict.' }),
  verdict: nullable<string>('string', 'Why it was taken back; null while nothing is decided against it.'),
});

export const DrainHolderObject = Type.Object({
  request: Type.Ref('RequestTimeline#'),
  closed_at: nullable<number>('number', 'When it is closed with DRAIN_DEADLINE, unix time; null: never.'),
});

export const RolloutDetails = Type.Object(
  {
    ...ROLLOUT_PROPERTIES,
    order: Type.Unsafe<RolloutOrder>({
      type: 'string',
      enum: [...ROLLOUT_ORDERS],
      description: 'What was asked of it: `go` on, `pause`, `promote` without proof, `abort`.',
    }),
    options: RolloutOptionsObject,
    waits_for: Type.String({
      description: 'What it waits for now, with the numbers; empty when it is over.',
    }),
    looks_again_at: nullable<number>(
      'number',
      'Unix time in seconds, with fractions; null when only an event moves it.',
    ),
    guard: Type.Unsafe<Static<typeof guard> | null>({
      ...guard,
      nullable: true,
      description:
        'What the guard sees, or saw at the end. Null before a worker of the new revision was asked for, and ' +
        'of a rollout that ended before the server was started.',
    }),
    workers: Type.Array(Type.Ref('EndpointWorker#'), {
      description: 'All that are not over, with their revisions.',
    }),
    drain_holders: Type.Array(DrainHolderObject, {
      description: 'Running requests, at most 100, that keep leaving workers from ending.',
    }),
  },
  { $id: 'RolloutDetails' },
);
