import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { EndpointService } from '../../src/ports/endpoint-service.ts';
import { ask, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID, stubPreview, stubService } from '../support/stub-endpoint-service.ts';

const PATH = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`;
const BODY = '{"image":"host:/new"}';

const STEP = { mode: null, worker: null, devices: [], replaces: [] };
const PLAN = {
  dry_run: true,
  effect: 'rollout',
  message: '1 worker would be replaced; the first new one comes as a swap start: no device is free.',
  revision: 2,
  changed: { image: { old: 'host:/srv', new: 'host:/new', class: 'revision' } },
  etag: '"1-5"',
  steps: [
    {
      ...STEP,
      at_seconds: 0,
      action: 'drain',
      worker: 'worker123456',
      revision: 1,
      devices: ['GPU-0'],
      why: 'no device is free',
    },
    {
      ...STEP,
      at_seconds: 0,
      action: 'start',
      revision: 2,
      mode: 'swap',
      devices: ['GPU-0'],
      replaces: ['worker123456'],
      why: 'no device is free',
    },
    { ...STEP, at_seconds: 21.5, action: 'prove', revision: 2, why: 'proven by 10.0 s in service' },
    { ...STEP, at_seconds: 21.5, action: 'finish', revision: 2, why: 'no old worker is left' },
  ],
  steps_left_out: 0,
  impact: {
    workers_to_replace: 1,
    expected_seconds: 21.5,
    at_least_seconds: 21.5,
    not_measured: [],
    measured: { pull_seconds: 0, start_seconds: 8, drain_seconds: 2.5, stop_seconds: 1 },
    guarded_seconds: 60,
    requests_per_second: 2,
    requests_waiting: 23,
    longest_wait_seconds: 11.5,
    extra_worker_seconds: 0,
    price_change_per_hour: { at_min: 0, at_max: 1.25 },
  },
};

interface Shown {
  readonly effect: string;
  readonly message: string;
  readonly steps: readonly { readonly at_seconds: number | null }[];
  readonly steps_left_out: number;
  readonly impact: {
    readonly expected_seconds: number | null;
    readonly not_measured: readonly string[];
    readonly price_change_per_hour: unknown;
  };
}

test('a dry run of a PUT answers the plan, and asks for no change', async (context) => {
  const { url, calls } = await startApi(context);
  const headers = { 'if-match': '"1-5"', 'idempotency-key': 'k' };
  const answer = await ask(`${url}${PATH}?dry_run=true`, 'PUT', BODY, headers);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.deepEqual(answer.json, PLAN);
  assert.deepEqual(
    calls.map(({ method }) => method),
    ['updatePlan'],
  );
  assert.deepEqual((calls[0]?.args[3] as { ifMatch: unknown } | undefined)?.ifMatch, ['"1-5"']);
});

test('a dry run of a rollback answers its plan', async (context) => {
  const { url, calls } = await startApi(context);
  const answer = await ask(`${url}${PATH}/rollback?dry_run=true`, 'POST', '{"revision":1}');
  assert.deepEqual(answer.json, { ...PLAN, revision: 4 });
  assert.deepEqual(
    calls.map(({ method }) => method),
    ['rollbackPlan'],
  );
});

test('false and absent make the change; anything else is refused', async (context) => {
  const { url, calls } = await startApi(context);
  assert.equal((await ask(`${url}${PATH}?dry_run=false`, 'PUT', BODY)).status, 200);
  assert.equal((await ask(`${url}${PATH}/rollback`, 'POST', '{"revision":1}')).status, 200);
  assert.deepEqual(
    calls.map(({ method }) => method),
    ['update', 'rollback'],
  );
  for (const value of ['1', 'yes', 'TRUE', '', 'true&dry_run=true']) {
    for (const [method, path] of [
      ['PUT', PATH],
      ['POST', `${PATH}/rollback`],
    ] as const) {
      const answer = await ask(`${url}${path}?dry_run=${value}`, method, BODY);
      assert.equal(answer.status, 400, value);
      assert.deepEqual(Object.keys((answer.json as { metadata: object }).metadata), ['dry_run']);
    }
  }
  assert.equal(calls.length, 2);
});

test('what the change would be refused for, its dry run is refused for', async (context) => {
  const refuse: EndpointService['updatePlan'] = () => {
    throw new AppError('VALIDATOR_PARAM', '1 field is not valid', { metadata: { nmae: 'is unknown' } });
  };
  const { url } = await startApi(context, { service: stubService({ updatePlan: refuse }) });
  const answer = await ask(`${url}${PATH}?dry_run=true`, 'PUT', BODY);
  assert.equal(answer.status, 400);
  assert.deepEqual((answer.json as { metadata: object }).metadata, { nmae: 'is unknown' });
});

test('each kind of effect is told, and what is not known is null', async (context) => {
  const shown = async (preview: ReturnType<typeof stubPreview>): Promise<Shown> => {
    const { url } = await startApi(context, { service: stubService({ updatePlan: () => preview }) });
    return (await ask(`${url}${PATH}?dry_run=true`, 'PUT', BODY)).json as Shown;
  };
  const none = await shown(stubPreview({ changed: {}, revision: 1 }, { outcome: 'settled' }));
  assert.deepEqual([none.effect, none.steps], ['none', []]);
  assert.match(none.message, /Nothing would change/);

  const changed = { name: { old: 'a', new: 'b', class: 'settings' } } as const;
  const settings = await shown(
    stubPreview({ changed, priceChange: null }, { outcome: 'settled', steps: [] }),
  );
  assert.deepEqual([settings.effect, settings.impact.price_change_per_hour], ['settings', null]);
  assert.match(settings.message, /no worker restarts/);

  const back = await shown(stubPreview({}, { outcome: 'settled' }));
  assert.match(back.message, /would be taken back/);
  assert.match((await shown(stubPreview({}, { outcome: 'asleep' }))).message, /No worker runs/);
  const failure = await shown(stubPreview({}, { outcome: 'failed', message: 'not ready within 5.0 s' }));
  assert.deepEqual(
    [failure.effect, failure.message],
    ['failure', 'The rollout would be given up: not ready within 5.0 s.'],
  );
  assert.equal((await shown(stubPreview({}, { outcome: 'stuck' }))).effect, 'unknown');

  const unknown = await shown(
    stubPreview({}, { durationMs: null, unknown: ['startMs', 'stopMs'], waiting: null, extraWorkerMs: null }),
  );
  assert.deepEqual(unknown.impact.not_measured, ['start', 'stop']);
  assert.equal(unknown.impact.expected_seconds, null);
  assert.match(unknown.message, /never measured here: start, stop/);
  assert.ok(unknown.steps.every((step) => step.at_seconds === null));

  const [step] = stubPreview().forecast.steps;
  assert.ok(step !== undefined);
  const many = await shown(
    stubPreview({}, { steps: Array.from({ length: 130 }, () => step), stepsLeftOut: 4 }),
  );
  assert.deepEqual([many.steps.length, many.steps_left_out], [100, 34]);
});
