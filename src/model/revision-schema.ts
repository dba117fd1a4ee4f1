import { Type, type Static } from 'typebox';
import type { ChangeClass, FieldChanges } from './endpoint-fields.ts';
import { shownSettings, shownSpec } from './endpoint-schema.ts';
import { REVISION_OUTCOMES, type RevisionOutcome } from './endpoint.ts';

/** The history of an endpoint, as the API writes it. All of it goes beyond the vendor's contract. */

export const RollbackBody = Type.Object(
  {
    revision: Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000,
      description: 'The revision whose fields are to be in force again.',
    }),
    settings: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Also the settings it was made with; else the present ones stay.',
      }),
    ),
  },
  { $id: 'RollbackBody', additionalProperties: false },
);
export type RollbackBody = Static<typeof RollbackBody>;

const CHANGE_CLASS_NAMES: readonly ChangeClass[] = ['settings', 'revision'];

/** Field path → old value, new value and class. */
export const FIELD_CHANGES = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    required: ['old', 'new', 'class'],
    properties: {
      old: { description: 'The value before, as GET shows it.' },
      new: { description: 'The value after.' },
      class: {
        type: 'string',
        enum: [...CHANGE_CLASS_NAMES],
        description: '`settings` apply at once, `revision` asks for new workers.',
      },
    },
  },
} as const;

export function nullableNumber(description: string) {
  return Type.Unsafe<number | null>({ type: 'number', nullable: true, description });
}

export function nullableText(description: string) {
  return Type.Unsafe<string | null>({ type: 'string', nullable: true, description });
}

export function nullableInteger(description: string) {
  return Type.Unsafe<number | null>({ type: 'integer', nullable: true, description });
}

export const RevisionItem = Type.Object(
  {
    revision: Type.Integer({ description: 'Its number: 1, 2, 3 … within the endpoint.' }),
    created_at: Type.Integer({ description: 'Unix time in seconds.' }),
    created_by: nullableText('Owner of the key that asked for it; null where that was not yet noted.'),
    from_revision: nullableInteger('The revision that was changed to make it; null for the first.'),
    restores: nullableInteger('The revision whose fields it brings back; null when it is no rollback.'),
    changed: Type.Unsafe<FieldChanges | null>({
      ...FIELD_CHANGES,
      nullable: true,
      description:
        'What differs from `from_revision`, the settings with which each was made included; null for the ' +
        'first revision and where the other one is no longer kept.',
    }),
    outcome: Type.Unsafe<RevisionOutcome>({
      type: 'string',
      enum: [...REVISION_OUTCOMES],
      description:
        '`in_force`; `rolling_out`; `failed` (see `failure`); `replaced` (it was in force); `superseded` (a ' +
        'newer update came before it was proven); `unknown` (made by a version that noted less).',
    }),
    image_digest: Type.String({
      description:
        'The bytes its image stands for, which all its workers run whatever becomes of the tag: digest of ' +
        'the registry’s manifest, or of the image where it was never in a registry. Empty as long as it is ' +
        'not known, and where programs are run without an image.',
    }),
    failure: Type.String({ description: 'Why it failed; empty when it did not.' }),
    workers: Type.Integer({ description: 'Workers of it that have not ended.' }),
    start_seconds: nullableNumber(
      'Measured time from the start of a worker to ready, smoothed; null when never measured.',
    ),
  },
  { $id: 'RevisionItem' },
);
export type RevisionItem = Static<typeof RevisionItem>;

const RevisionSettings = Type.Object(shownSettings);

export const RevisionObject = Type.Object(
  {
    ...RevisionItem.properties,
    spec: Type.Object(shownSpec, { description: 'The fields that the revision is made of.' }),
    settings: Type.Unsafe<Static<typeof RevisionSettings> | null>({
      ...RevisionSettings,
      nullable: true,
      description: 'The settings it was made with; null where they were not yet kept.',
    }),
  },
  { $id: 'Revision' },
);
export type RevisionObject = Static<typeof RevisionObject>;
