import { Type, type Static } from 'typebox';
import type { FieldChanges } from './endpoint-fields.ts';
import { FIELD_CHANGES, nullableInteger, nullableNumber, nullableText } from './revision-schema.ts';
import { warnings } from './resource-schema.ts';
import { FORECAST_ACTIONS } from './update-forecast.ts';

/** What a dry run answers. All of it goes beyond the vendor's contract. */

const PLAN_EFFECTS = ['none', 'settings', 'rollout', 'asleep', 'failure', 'unknown'] as const;
export type PlanEffect = (typeof PLAN_EFFECTS)[number];

function text<Value extends string>(values: readonly Value[], description: string) {
  return Type.Unsafe<Value>({ type: 'string', enum: [...values], description });
}

export const PlanStep = Type.Object(
  {
    at_seconds: nullableNumber('From the update on; null where a time before it was never measured.'),
    action: text(
      FORECAST_ACTIONS,
      'A worker starts, drains or is stopped; the rollout has proven the new revision, is finished with the ' +
        'old one, fails, or puts a swap off.',
    ),
    worker: nullableText('Id of the worker that leaves; null for one that does not exist yet.'),
    revision: Type.Integer({ description: 'Of the worker, or the one the rollout leads to.' }),
    mode: nullableText(
      'How a started worker gets its place: `surge` (beside the old ones), `swap` (on the devices of one ' +
        'that leaves), `cold` (no old one runs); null for other actions.',
    ),
    devices: Type.Array(Type.String(), { description: 'GPUs it gets, or gives back.' }),
    replaces: Type.Array(Type.String(), { description: 'Workers whose GPUs it takes over.' }),
    why: Type.String(),
  },
  { $id: 'PlanStep' },
);
export type PlanStep = Static<typeof PlanStep>;

const impact = Type.Object(
  {
    workers_to_replace: Type.Integer(),
    expected_seconds: nullableNumber(
      'Until no old worker is left and all their successors are ready; start, proof, drain and the replacement of one after the other included. ' +
        'Null: not known, see `not_measured` and `effect`.',
    ),
    at_least_seconds: Type.Number({ description: 'The same, with what was never measured taken as 0.' }),
    not_measured: Type.Array(Type.String(), {
      description: 'Times that matter for it and were never measured: `pull`, `start`, `drain`, `stop`.',
    }),
    measured: Type.Object(
      {
        pull_seconds: nullableNumber('To bring the image onto the machine.'),
        start_seconds: nullableNumber('From the start of a worker to ready.'),
        drain_seconds: nullableNumber('Of a worker that runs requests, to the end of the last one.'),
        stop_seconds: nullableNumber('From the wish to stop a worker to its end.'),
      },
      { description: "What was reckoned with: this endpoint's own times; null when never measured." },
    ),
    guarded_seconds: Type.Number({
      description: 'How long the new revision is still guarded when no old worker is left.',
    }),
    requests_per_second: Type.Number({ description: 'The rate of late, which is taken to go on.' }),
    requests_waiting: nullableInteger('Requests expected to find no worker ready for them; null: not known.'),
    longest_wait_seconds: nullableNumber('The longest of these waits.'),
    extra_worker_seconds: nullableNumber(
      'Time of workers beyond the number there is now, summed up over them.',
    ),
    price_change_per_hour: Type.Unsafe<{ at_min: number; at_max: number } | null>({
      type: 'object',
      nullable: true,
      required: ['at_min', 'at_max'],
      properties: {
        at_min: { type: 'number', description: 'With min_replicas workers.' },
        at_max: { type: 'number', description: 'With max_replicas workers.' },
      },
      description: 'Null where the product has no price.',
    }),
  },
  { description: 'What it costs.' },
);

export const UpdatePlan = Type.Object(
  {
    dry_run: Type.Boolean({ description: 'Always true: nothing was changed and nothing was started.' }),
    effect: text(
      PLAN_EFFECTS,
      '`none`: nothing would change. `settings`: in force at once. `rollout`: new workers replace the old ' +
        'ones. `asleep`: no worker runs, the next one to start has the new revision. `failure`: it would be ' +
        'given up, see `message`. `unknown`: it would wait for something that cannot be foretold, see `message`.',
    ),
    message: Type.String({ description: 'The plan in words.' }),
    revision: Type.Integer({ description: 'The revision the endpoint would have, or move to.' }),
    changed: Type.Unsafe<FieldChanges>({
      ...FIELD_CHANGES,
      description: 'Field to its old and new value and its class; empty when nothing would change.',
    }),
    etag: Type.String({
      description: 'The present tag: sent as If-Match it makes exactly this change, or none.',
    }),
    steps: Type.Array(Type.Ref('PlanStep#'), { description: 'In order; at most 100.' }),
    steps_left_out: Type.Integer({ description: 'Further steps of the same kind.' }),
    impact,
    warnings,
  },
  { $id: 'UpdatePlan' },
);
export type UpdatePlan = Omit<Static<typeof UpdatePlan>, 'steps' | 'warnings'> & {
  readonly steps: readonly PlanStep[];
  readonly warnings?: readonly string[];
};
