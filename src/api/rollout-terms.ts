import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { SECOND_MS } from '../base/units.ts';
import { FaultList, faultsError } from '../model/faults.ts';
import { workerAmountOf, type RolloutChoices, type WorkerAmount } from '../model/rollout-options.ts';

const WORKERS_MAX = 1_000;
const SLOWDOWN_MIN = 1.1;
const SLOWDOWN_MAX = 100;
const AMOUNT_LENGTH_MAX = 16;

function seconds(maximum: number, description: string) {
  return Type.Optional(Type.Integer({ minimum: 0, maximum, description }));
}

/** Query of an update: how the rollout that it begins goes about its work. */
export const ROLLOUT_QUERY = {
  max_surge: Type.Optional(
    Type.String({
      maxLength: AMOUNT_LENGTH_MAX,
      description:
        'Workers above the wanted number during the rollout: a number from 0 to 1000, or a share such as `25%`. ' +
        '0 replaces each in its place.',
    }),
  ),
  first_step: Type.Optional(
    Type.String({
      maxLength: AMOUNT_LENGTH_MAX,
      description: 'Workers that prove the new revision: a number from 1, or a share of all such as `25%`.',
    }),
  ),
  bake_seconds: seconds(3_600, 'Time in service that proves them; 0: at once.'),
  bake_requests: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 100_000,
      description: 'Or answers, if they come sooner; 0: at once.',
    }),
  ),
  watch_seconds: seconds(86_400, 'How long it is still guarded when no old worker is left.'),
  drain_seconds: seconds(
    86_400,
    'Running requests of a worker that leaves are closed with DRAIN_DEADLINE after this time; 0: never.',
  ),
  guard: Type.Optional(
    Type.Unsafe<'on' | 'off'>({
      type: 'string',
      enum: ['on', 'off'],
      description: '`off`: failures, slowness and deaths do not take the new revision back.',
    }),
  ),
  guard_slowdown: Type.Optional(
    Type.String({
      maxLength: AMOUNT_LENGTH_MAX,
      description: `Times the first byte may take that it took before, from ${SLOWDOWN_MIN} to ${SLOWDOWN_MAX}.`,
    }),
  ),
  guard_failures: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000,
      description: 'Failed requests without which the new revision is not taken back for failures.',
    }),
  ),
};

export interface RolloutQuery {
  readonly max_surge?: string;
  readonly first_step?: string;
  readonly bake_seconds?: number;
  readonly bake_requests?: number;
  readonly watch_seconds?: number;
  readonly drain_seconds?: number;
  readonly guard?: 'on' | 'off';
  readonly guard_slowdown?: string;
  readonly guard_failures?: number;
}

/** Throws VALIDATOR_PARAM with all faults. */
export function rolloutChoicesOf(request: FastifyRequest): RolloutChoices {
  const query = request.query as RolloutQuery;
  const faults = new FaultList();
  const amount = (name: 'max_surge' | 'first_step', min: number): WorkerAmount | undefined => {
    const text = query[name];
    if (text === undefined) return undefined;
    const value = workerAmountOf(text, min, WORKERS_MAX);
    if (value === null) {
      faults.add(
        name,
        `is ${JSON.stringify(text)}; allowed: a number of workers from ${min} to ${WORKERS_MAX}, or a share from ${min}% to 100%`,
      );
    }
    return value ?? undefined;
  };
  const slowdown = slowdownOf(query.guard_slowdown, faults);
  const maxSurge = amount('max_surge', 0);
  const firstStep = amount('first_step', 1);
  if (!faults.empty) throw faultsError(faults.toFaults());
  const guard = {
    ...(query.guard === undefined ? {} : { enabled: query.guard === 'on' }),
    ...(slowdown === undefined ? {} : { slowdown }),
    ...(query.guard_failures === undefined ? {} : { minFailures: query.guard_failures }),
  };
  return {
    ...(maxSurge === undefined ? {} : { maxSurge }),
    ...(firstStep === undefined ? {} : { firstStep }),
    ...(query.bake_seconds === undefined ? {} : { bakeMs: query.bake_seconds * SECOND_MS }),
    ...(query.bake_requests === undefined ? {} : { bakeRequests: query.bake_requests }),
    ...(query.watch_seconds === undefined ? {} : { watchMs: query.watch_seconds * SECOND_MS }),
    ...(query.drain_seconds === undefined ? {} : { drainDeadlineMs: query.drain_seconds * SECOND_MS }),
    ...(Object.keys(guard).length === 0 ? {} : { guard }),
  };
}

function slowdownOf(text: string | undefined, faults: FaultList): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,3}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= SLOWDOWN_MIN && value <= SLOWDOWN_MAX) return value;
  faults.add(
    'guard_slowdown',
    `is ${JSON.stringify(text)}; allowed: a number from ${SLOWDOWN_MIN} to ${SLOWDOWN_MAX}, such as 1.5`,
  );
  return undefined;
}
