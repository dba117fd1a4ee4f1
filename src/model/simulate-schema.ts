import { Type, type Static } from 'typebox';
import { EndpointUpdateBody, POLICY_TYPES } from './endpoint-schema.ts';

/** `POST /gpus/v2/endpoints/{id}/simulate`: what other settings would have made of the same requests. */

/** A base64 text of this length holds three quarters of it in bytes: a million requests, compressed. */
export const TRACE_BASE64_MAX = 4_194_304;
export const WINDOW_DEFAULT = '7d';
/** A year, as long as requests can be kept. */
export const WINDOW_MAX_MS = 366 * 86_400_000;

const goal = (share: string) =>
  Type.Optional(
    Type.Number({
      minimum: 0.001,
      maximum: 86_400,
      description: `Longest wait of ${share} of the requests, in seconds.`,
    }),
  );

export const SimulateBody = Type.Object(
  {
    worker_config: EndpointUpdateBody.properties.worker_config,
    policy: EndpointUpdateBody.properties.policy,
    product_id: EndpointUpdateBody.properties.product_id,
    window: Type.Optional(
      Type.String({
        maxLength: 10,
        pattern: '^[1-9][0-9]{0,5}[mhd]$',
        'x-allowed': 'a number followed by m, h or d, such as 90m, 24h or 7d',
        default: WINDOW_DEFAULT,
        description:
          'How far back recorded requests are taken, such as `90m`, `24h` or `7d`; at most 366d. Not together with `trace`.',
      }),
    ),
    advise: Type.Optional(
      Type.Object(
        {
          p50_wait_seconds: goal('half'),
          p95_wait_seconds: goal('95 %'),
          p99_wait_seconds: goal('99 %'),
        },
        {
          additionalProperties: false,
          description:
            'Searches min_replicas, idle_timeout, policy and max_concurrent_per_worker for the settings that hold these with the least worker time.',
        },
      ),
    ),
    trace: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: TRACE_BASE64_MAX,
        description:
          'Requests to take instead of the recorded ones: a CSV file in base64, plain or compressed with gzip, ' +
          'with the columns `arrival_s,service_s` or `arrival_s,prompt_tokens,output_tokens`, sorted by arrival.',
      }),
    ),
  },
  {
    $id: 'SimulateBody',
    additionalProperties: false,
    description:
      'Settings are merged as in an update. Without any of them the present ones are simulated alone.',
  },
);
export type SimulateBody = Static<typeof SimulateBody>;

const seconds = (text: string) => Type.Number({ description: `${text}, in seconds.` });
const count = (text: string) => Type.Integer({ description: text });

const Waits = Type.Object(
  { p50: Type.Number(), p95: Type.Number(), p99: Type.Number(), max: Type.Number() },
  { description: 'From the arrival of a request to its slot, in seconds. Refused requests do not count.' },
);

const FIGURES = {
  requests: count('Requests that came.'),
  served: count('Requests that were answered.'),
  timed_out: count('Requests whose request_timeout passed.'),
  refused: count('Requests that found the queue full or the endpoint paused.'),
  cold_starts: count('Requests that waited for a worker to start.'),
  worker_starts: count('Workers that were started.'),
  worker_hours: Type.Number({
    description: 'Time of all workers together, from start to end, in hours; within the simulated time.',
  }),
  wait_seconds: Waits,
  cost: Type.Unsafe<number | null>({
    type: 'number',
    nullable: true,
    description: 'Worker time at the price of the product; null when it has none.',
  }),
};

const SETTINGS = {
  product_id: Type.String(),
  worker_config: Type.Object({
    min_replicas: Type.Integer(),
    max_replicas: Type.Integer(),
    idle_timeout: Type.Integer(),
    max_concurrent_per_worker: Type.Integer(),
    gpu_num: Type.Integer(),
    request_timeout: Type.Integer(),
  }),
  policy: Type.Object({
    type: Type.Unsafe<(typeof POLICY_TYPES)[number]>({ type: 'string', enum: [...POLICY_TYPES] }),
    value: Type.Integer(),
  }),
};

export const SimulatedRunObject = Type.Object(
  {
    ...SETTINGS,
    ...FIGURES,
    timeline: Type.Array(
      Type.Object({
        from_seconds: seconds('Begin, counted from `began_at`'),
        to_seconds: seconds('End'),
        requests: count('Requests that came in it.'),
        p95_wait_seconds: Type.Number(),
        workers: Type.Number({ description: 'Mean number of workers.' }),
      }),
      { description: 'At most 60 equal pieces of the time.' },
    ),
  },
  { $id: 'SimulatedRun', description: 'What settings come to.' },
);
export type SimulatedRunObject = Static<typeof SimulatedRunObject>;

export const AdvisedSettingsObject = Type.Object(
  {
    ...SETTINGS,
    ...FIGURES,
    holds: Type.Boolean({ description: 'All goals hold.' }),
    miss_ratio: Type.Number({ description: 'The worst of wait ÷ goal; above 1 that goal is missed.' }),
  },
  { $id: 'AdvisedSettings', description: 'Settings that the search tried, and what they come to.' },
);
export type AdvisedSettingsObject = Static<typeof AdvisedSettingsObject>;

export const SimulateAnswer = Type.Object(
  {
    requests: Type.Object({
      source: Type.Unsafe<'recorded' | 'trace'>({ type: 'string', enum: ['recorded', 'trace'] }),
      count: Type.Integer(),
      began_at: Type.Number({
        description:
          'Begin of the simulated time: of the window, or when the endpoint was created; as `first_at`.',
      }),
      span_seconds: Type.Number({ description: 'How long the simulated time is.' }),
      first_at: Type.Number({
        description: 'Arrival of the first: unix time in seconds, of a trace its own seconds.',
      }),
      last_at: Type.Number({ description: 'Arrival of the last, as `first_at`.' }),
      assumed_runs: count('Requests whose run time was not seen, and was taken from others like them.'),
    }),
    recorded: Type.Unsafe<RecordedObject | null>({
      type: 'object',
      nullable: true,
      required: ['served', 'timed_out', 'refused', 'wait_seconds'],
      properties: {
        served: { type: 'integer' },
        timed_out: { type: 'integer' },
        refused: { type: 'integer' },
        wait_seconds: Waits,
      },
      description: 'What really happened to these requests; null for a trace.',
    }),
    start_seconds: Type.Object(
      {
        source: Type.Unsafe<'workers' | 'revision' | 'assumed'>({
          type: 'string',
          enum: ['workers', 'revision', 'assumed'],
          description:
            '`workers`: measured at the last workers; `revision`: one smoothed time; `assumed`: no worker ever started.',
        }),
        samples: Type.Integer(),
        median: Type.Number(),
        max: Type.Number(),
      },
      { description: 'Start times of workers that were used.' },
    ),
    changed: Type.Array(Type.String(), { description: 'Fields that the proposal changes.' }),
    now: Type.Ref('SimulatedRun#'),
    proposed: Type.Unsafe<SimulatedRunObject | null>({
      type: 'object',
      nullable: true,
      required: [...(SimulatedRunObject.required ?? [])],
      properties: SimulatedRunObject.properties,
      description: 'Null when the body proposes nothing.',
    }),
    advice: Type.Unsafe<AdviceObject | null>({
      type: 'object',
      nullable: true,
      required: ['holds', 'chosen', 'nearest', 'frontier', 'tried', 'sampled'],
      properties: {
        holds: { type: 'boolean' },
        chosen: {
          type: 'object',
          nullable: true,
          required: [...(AdvisedSettingsObject.required ?? [])],
          properties: AdvisedSettingsObject.properties,
          description: 'The cheapest that holds; null when none of those tried does.',
        },
        nearest: Type.Ref('AdvisedSettings#'),
        frontier: {
          type: 'array',
          items: Type.Ref('AdvisedSettings#'),
          description: 'Settings that no other one beats in both cost and waiting, the cheapest first.',
        },
        tried: { type: 'integer' },
        sampled: {
          type: 'boolean',
          description: 'The search ran on a part of the requests; what is answered was run on all.',
        },
      },
      description: 'Null when the body asks for none.',
    }),
    notes: Type.Array(Type.String(), { description: 'What limits the figures, in words.' }),
  },
  { $id: 'SimulateAnswer', description: 'What is, what is proposed, and what is advised.' },
);
export type SimulateAnswer = Static<typeof SimulateAnswer>;

interface RecordedObject {
  readonly served: number;
  readonly timed_out: number;
  readonly refused: number;
  readonly wait_seconds: Static<typeof Waits>;
}

interface AdviceObject {
  readonly holds: boolean;
  readonly chosen: AdvisedSettingsObject | null;
  readonly nearest: AdvisedSettingsObject;
  readonly frontier: readonly AdvisedSettingsObject[];
  readonly tried: number;
  readonly sampled: boolean;
}
