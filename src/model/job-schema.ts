import { Type, type Static } from 'typebox';

export const TIMEOUT_MS_MIN = 1_000;
/** A week, as with RunPod. */
const TIMEOUT_MS_MAX = 604_800_000;

function milliseconds(description: string) {
  return Type.Integer({ minimum: TIMEOUT_MS_MIN, maximum: TIMEOUT_MS_MAX, description });
}

/** What `run` and `runsync` take. */
export const JobRunBody = Type.Object(
  {
    input: Type.Unsafe<unknown>({
      description:
        'Any JSON value but null; the worker gets it as it was written. At most PILOTLIGHT_JOB_INPUT_MIB.',
    }),
    webhook: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2_048,
        pattern: '^https?://[^/?#@]+([/?#].*)?$',
        'x-allowed': 'an http or https address without a user',
        description: 'Told of the end of the job by a signed POST of its status.',
      }),
    ),
    policy: Type.Optional(
      Type.Object(
        {
          executionTimeout: Type.Optional(
            milliseconds(
              'Longest run of one attempt, in milliseconds. Absent: the request_timeout of the endpoint.',
            ),
          ),
          ttl: Type.Optional(
            milliseconds(
              'Longest wait for a worker, in milliseconds. Absent: a day. What runs is not ended by it.',
            ),
          ),
          lowPriority: Type.Optional(
            Type.Boolean({ description: 'Taken only while no other job waits. Absent: false.' }),
          ),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { $id: 'JobRun', additionalProperties: false },
);

/** The check of all members but the input, which is not parsed. */
export const JobTerms = Type.Object(
  {
    input: Type.Optional(JobRunBody.properties.input),
    webhook: JobRunBody.properties.webhook,
    policy: JobRunBody.properties.policy,
  },
  { additionalProperties: false },
);

const LostAttemptObject = Type.Object({
  attempt: Type.Integer({ description: '1, 2, 3 …' }),
  workerId: Type.String(),
  startedAt: Type.Integer({ description: 'Unix time in milliseconds.' }),
  endedAt: Type.Integer({ description: 'Unix time in milliseconds.' }),
  reason: Type.String(),
});

/** A job in a list; its status has the output besides. Names and units are those of RunPod's API. */
const JOB_FACTS = {
  id: Type.String(),
  status: Type.String({
    description:
      '`IN_QUEUE` (`PENDING` at `/v1`), `IN_PROGRESS`, `COMPLETED`, `FAILED`, `CANCELLED` or `TIMED_OUT`.',
  }),
  delayTime: Type.Optional(
    Type.Integer({ description: 'Milliseconds it waited; from the moment its last attempt began.' }),
  ),
  executionTime: Type.Optional(
    Type.Integer({ description: 'Milliseconds its last attempt ran; from the moment it ended.' }),
  ),
  workerId: Type.Optional(Type.String({ description: 'That has it, or had it last.' })),
  createdAt: Type.Optional(Type.Integer({ description: 'Unix time in milliseconds.' })),
  retries: Type.Optional(Type.Integer({ description: 'Times that its owner asked for it again.' })),
  error: Type.Optional(Type.String({ description: 'Why it has no output.' })),
  lostAttempts: Type.Optional(
    Type.Array(LostAttemptObject, { description: 'Attempts whose worker was lost.' }),
  ),
};

export const JobItem = Type.Object(JOB_FACTS, { $id: 'JobItem' });

export const JobStatusObject = Type.Object(
  {
    ...JOB_FACTS,
    output: Type.Optional(
      Type.Unsafe<unknown>({
        description: 'What the worker returned, as it was written; while it runs, its last progress.',
      }),
    ),
  },
  { $id: 'JobStatus' },
);
export type JobStatusObject = Static<typeof JobStatusObject>;

export const JobHealthObject = Type.Object(
  {
    jobs: Type.Object({
      completed: Type.Integer({ description: 'Whose result is kept.' }),
      failed: Type.Integer({ description: 'Likewise; timed out ones too.' }),
      inProgress: Type.Integer(),
      inQueue: Type.Integer(),
      retried: Type.Integer({ description: 'Asked for again since the server started.' }),
    }),
    workers: Type.Object({
      idle: Type.Integer(),
      initializing: Type.Integer(),
      ready: Type.Integer(),
      running: Type.Integer(),
      throttled: Type.Integer({ description: 'That wait for a device.' }),
      unhealthy: Type.Integer(),
    }),
  },
  { $id: 'JobHealth' },
);

export const DeliveryObject = Type.Object(
  {
    id: Type.String({ description: 'The webhook-id header of its messages.' }),
    url: Type.String(),
    state: Type.String({ description: '`due`, `delivered`, or `failed` after the last try.' }),
    tries: Type.Integer(),
    createdAt: Type.Integer({ description: 'Unix time in milliseconds.' }),
    dueAt: Type.Integer({ description: 'Of the next try, where there is one. Unix time in milliseconds.' }),
    message: Type.String({ description: 'What became of the last try.' }),
  },
  { $id: 'WebhookDelivery' },
);
export type DeliveryObject = Static<typeof DeliveryObject>;
