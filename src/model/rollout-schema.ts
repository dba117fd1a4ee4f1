import { Type, type Static } from 'typebox';
import { ROLLOUT_STATES, type RolloutState } from './rollout-state.ts';

export const ROLLOUT_PROPERTIES = {
  id: Type.String({ description: 'As the answer to the update gave it.' }),
  state: Type.Unsafe<RolloutState>({
    type: 'string',
    enum: [...ROLLOUT_STATES],
    description:
      '`waiting` for its first worker, `starting` it, `baking` (it proves itself), `rolling` (the others ' +
      'are replaced), `watching` (it serves alone and is still guarded); over: `done`, `failed` (the former ' +
      'revision is in force again), `aborted` (the same, on request), `superseded` (by a newer update, or ' +
      'taken back).',
  }),
  from_revision: Type.Integer({ description: 'The revision in force before.' }),
  to_revision: Type.Integer({ description: 'The revision it leads to.' }),
  mode: Type.Unsafe<string | null>({
    type: 'string',
    nullable: true,
    description:
      'How the first worker gets its place: `surge` (beside the old ones), `swap` (on the devices of an ' +
      'old one) or `cold` (no old one runs); null before it was decided.',
  }),
  message: Type.String({ description: 'What it does, or why it ended so; may be empty.' }),
  started_at: Type.Integer({ description: 'Unix time in seconds.' }),
  ended_at: Type.Unsafe<number | null>({
    type: 'integer',
    nullable: true,
    description: 'Unix time in seconds; null while it runs.',
  }),
};
const rollout = Type.Object(ROLLOUT_PROPERTIES);
export type RolloutObject = Static<typeof rollout>;

/** Written out where it is used, because in OpenAPI 3.0 a reference cannot be null. */
export const EndpointRollout = Type.Unsafe<RolloutObject | null>({
  ...rollout,
  nullable: true,
  description:
    'The running move to a new revision, or the last one; null when there was none. ' +
    "Beyond the vendor's contract.",
});
