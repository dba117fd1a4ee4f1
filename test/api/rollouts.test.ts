import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import { ROLLOUT_COMMANDS } from '../../src/model/rollout-order.ts';
import { ask, startApi, type Answer } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID, stubRolloutView, stubService } from '../support/stub-endpoint-service.ts';

const CALLER = { ownerId: 'owner-1', admin: true };
const ENDPOINT = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`;
const PATH = `${ENDPOINT}/rollout`;
const BODY = JSON.stringify({ name: 'x' });

const reasonOf = ({ json }: Answer) => (json as { reason: string }).reason;
const faultsOf = ({ json }: Answer) => (json as { metadata: Record<string, string> }).metadata;

test('a rollout is shown in full', async (context) => {
  const { url } = await startApi(context);
  const { status, json } = await ask(url + PATH);
  assert.equal(status, 200);
  const { id: _id, workers, drain_holders: holders, ...rest } = json as Record<string, unknown>;
  assert.deepEqual(rest, {
    state: 'baking',
    from_revision: 1,
    to_revision: 2,
    mode: 'swap',
    message: '',
    started_at: 1_700_000_000,
    ended_at: null,
    order: 'go',
    options: {
      max_surge: '1',
      first_step: '1',
      bake_seconds: 10,
      bake_requests: 20,
      watch_seconds: 60,
      drain_seconds: 1_800,
      guard: 'on',
      guard_slowdown: 1.5,
      guard_failures: 3,
    },
    waits_for: '20 answers, 3 came',
    looks_again_at: 1_700_000_009.5,
    guard: {
      new_revision: { answered: 0, ended: 0, failed: 0, unanswered: 0, deaths: 0, first_byte_ms: 101.3 },
      old_revision: { answered: 0, ended: 0, failed: 0, unanswered: 0, deaths: 0, first_byte_ms: null },
      failure_evidence: 1,
      slowness_evidence: 1,
      doubtful: false,
      verdict: null,
    },
  });
  assert.equal((workers as unknown[]).length, 1);
  const [holder] = holders as { request: { id: string; started_at: number }; closed_at: number }[];
  assert.deepEqual(
    [holder?.request.id, holder?.request.started_at, holder?.closed_at],
    ['request12345', 1_700_000_002, 1_700_000_099],
  );
});

test('a rollout that nobody guards has no figures', async (context) => {
  const service = stubService({
    rollout: async () => ({ ...stubRolloutView(), guard: null, medians: null }),
  });
  const { url } = await startApi(context, { service });
  assert.equal(((await ask(url + PATH)).json as { guard: unknown }).guard, null);
});

for (const command of ROLLOUT_COMMANDS) {
  test(`${command} is passed on and answers the rollout`, async (context) => {
    const { url, calls } = await startApi(context);
    const { status, json } = await ask(`${url}${PATH}/${command}`, 'POST');
    assert.equal(status, 200);
    assert.equal((json as { order: string }).order, command === 'resume' ? 'go' : command);
    assert.deepEqual(calls, [{ method: 'rolloutOrder', args: [STUB_ENDPOINT_ID, command, CALLER] }]);
    assert.equal(
      reasonOf(await ask(`${url}${PATH.replace(STUB_ENDPOINT_ID, 'nobody')}/${command}`, 'POST')),
      'SERVERLESS_ENDPOINT_NOT_FOUND',
    );
  });
}

test('a change that takes no query refuses one, and is not carried out', async (context) => {
  const { url, calls } = await startApi(context);
  const changes: [method: string, path: string, body?: string][] = [
    ['POST', '/gpus/v2/endpoints', BODY],
    ['DELETE', ENDPOINT],
    ...ROLLOUT_COMMANDS.map((command): [string, string] => ['POST', `${PATH}/${command}`]),
  ];
  for (const [method, path, body] of changes) {
    const answer = await ask(`${url}${path}?dry_run=true`, method, body);
    assert.deepEqual(
      [answer.status, reasonOf(answer), faultsOf(answer)],
      [400, 'VALIDATOR_PARAM', { dry_run: 'is an unknown field "dry_run"; there is none here' }],
    );
  }
  assert.deepEqual(calls, []);
});

test('refusals have their codes and statuses', async (context) => {
  for (const [code, status] of [
    ['ROLLOUT_NOT_FOUND', 404],
    ['ROLLOUT_OVER', 409],
    ['ROLLOUT_ABORTING', 409],
  ] as const) {
    const refuse = (): never => {
      throw new AppError(code, 'no');
    };
    const service = stubService({ rollout: refuse, rolloutOrder: async () => refuse() });
    const { url } = await startApi(context, { service });
    for (const answer of [await ask(url + PATH), await ask(`${url}${PATH}/pause`, 'POST')]) {
      assert.deepEqual([answer.status, reasonOf(answer)], [status, code]);
    }
  }
});

describe('the query of an update', () => {
  test('says how its rollout goes about its work', async (context) => {
    const { url, calls } = await startApi(context);
    const query =
      'max_surge=25%25&first_step=2&bake_seconds=5&bake_requests=7&watch_seconds=0&drain_seconds=90&guard=off&guard_slowdown=2.5&guard_failures=9';
    for (const [method, path] of [
      ['PUT', ENDPOINT],
      ['POST', `${ENDPOINT}/rollback`],
    ] as const) {
      assert.equal((await ask(`${url}${path}?${query}`, method, BODY)).status, 200);
    }
    const chosen = {
      maxSurge: { value: 25, unit: 'percent' },
      firstStep: { value: 2, unit: 'workers' },
      bakeMs: 5_000,
      bakeRequests: 7,
      watchMs: 0,
      drainDeadlineMs: 90_000,
      guard: { enabled: false, slowdown: 2.5, minFailures: 9 },
    };
    assert.deepEqual(
      calls.map(({ args }) => (args[3] as { rollout: unknown }).rollout),
      [chosen, chosen],
    );
  });

  test('left out chooses nothing', async (context) => {
    const { url, calls } = await startApi(context);
    await ask(url + ENDPOINT, 'PUT', BODY);
    const [call] = calls;
    assert.ok(call !== undefined);
    assert.deepEqual((call.args[3] as { rollout: unknown }).rollout, {});
  });

  for (const [query, name, allowed] of [
    ['max_surge=1001', 'max_surge', /from 0 to 1000, or a share from 0% to 100%/],
    ['max_surge=101%25', 'max_surge', /from 0 to 1000, or a share from 0% to 100%/],
    ['max_surge=-1', 'max_surge', /given|is "-1"/],
    ['max_surge=12345678901234567', 'max_surge', /allowed/],
    ['first_step=0', 'first_step', /from 1 to 1000, or a share from 1% to 100%/],
    ['first_step=0%25', 'first_step', /from 1 to 1000, or a share from 1% to 100%/],
    ['bake_seconds=3601', 'bake_seconds', /3600/],
    ['bake_seconds=x', 'bake_seconds', /integer/],
    ['bake_requests=100001', 'bake_requests', /100000/],
    ['watch_seconds=86401', 'watch_seconds', /86400/],
    ['drain_seconds=-1', 'drain_seconds', /0/],
    ['guard=maybe', 'guard', /on/],
    ['guard_slowdown=1', 'guard_slowdown', /from 1.1 to 100/],
    ['guard_slowdown=fast', 'guard_slowdown', /from 1.1 to 100/],
    ['guard_failures=0', 'guard_failures', /1/],
    ['max_serge=1', 'max_serge', /did you mean "max_surge"/],
  ] as const) {
    test(`${query} is refused before anything changes`, async (context) => {
      const { url, calls } = await startApi(context);
      const answer = await ask(`${url}${ENDPOINT}?${query}`, 'PUT', BODY);
      assert.deepEqual([answer.status, reasonOf(answer)], [400, 'VALIDATOR_PARAM']);
      assert.match(faultsOf(answer)[name] ?? '', allowed);
      assert.deepEqual(calls, []);
    });
  }

  test('tells the faults of several choices together', async (context) => {
    const { url } = await startApi(context);
    const answer = await ask(`${url}${ENDPOINT}?max_surge=x&first_step=y&guard_slowdown=z`, 'PUT', BODY);
    assert.deepEqual(Object.keys(faultsOf(answer)).sort(), ['first_step', 'guard_slowdown', 'max_surge']);
  });
});
