import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSettings, withParameter } from './environment.ts';

const GIVEN = {
  RUNPOD_WEBHOOK_GET_JOB: 'http://a:1/v2/ep/job-take/$ID?gpu=x',
  RUNPOD_WEBHOOK_POST_OUTPUT: 'http://a:1/v2/ep/job-done/$RUNPOD_POD_ID/$ID?gpu=x',
  RUNPOD_WEBHOOK_POST_STREAM: 'http://a:1/v2/ep/job-stream/$RUNPOD_POD_ID/$ID?gpu=x',
  RUNPOD_WEBHOOK_PING: 'http://a:1/v2/ep/ping/$RUNPOD_POD_ID',
  RUNPOD_PING_INTERVAL: '4000',
  RUNPOD_AI_API_KEY: 'key',
  RUNPOD_POD_ID: 'w/1',
};

describe('the variables of a worker', () => {
  test('become addresses, with ids as parts of a path', () => {
    const settings = readSettings(GIVEN);
    assert.equal(settings.takeUrl, 'http://a:1/v2/ep/job-take/w%2F1?gpu=x');
    assert.equal(settings.takeBatchUrl, 'http://a:1/v2/ep/job-take-batch/w%2F1?gpu=x');
    assert.equal(settings.stopUrl, 'http://a:1/v2/ep/job-stop/w%2F1?gpu=x');
    assert.equal(settings.pingUrl, 'http://a:1/v2/ep/ping/w%2F1');
    assert.equal(settings.outputUrl('j?1'), 'http://a:1/v2/ep/job-done/w%2F1/j%3F1?gpu=x');
    assert.equal(settings.streamUrl('j'), 'http://a:1/v2/ep/job-stream/w%2F1/j?gpu=x');
    assert.equal(settings.pingIntervalMs, 4_000);
    assert.equal(settings.apiKey, 'key');
  });

  test('are few at the least', () => {
    const { RUNPOD_WEBHOOK_GET_JOB, RUNPOD_WEBHOOK_POST_OUTPUT } = GIVEN;
    const settings = readSettings({ RUNPOD_WEBHOOK_GET_JOB, RUNPOD_WEBHOOK_POST_OUTPUT });
    assert.equal(settings.pingUrl, null);
    assert.equal(settings.apiKey, null);
    assert.equal(settings.pingIntervalMs, 10_000);
    assert.equal(settings.outputLimitBytes, 4_194_304);
    assert.equal(settings.streamUrl('j'), settings.outputUrl('j'));
  });

  const WRONG: readonly (readonly [
    what: string,
    change: Record<string, string | undefined>,
    says: RegExp,
  ])[] = [
    [
      'no take',
      { RUNPOD_WEBHOOK_GET_JOB: undefined },
      /^RUNPOD_WEBHOOK_GET_JOB is not set: .*async endpoint/,
    ],
    ['no output', { RUNPOD_WEBHOOK_POST_OUTPUT: '' }, /^RUNPOD_WEBHOOK_POST_OUTPUT is not set/],
    ['no address', { RUNPOD_WEBHOOK_GET_JOB: 'a/job-take/b' }, /is no address with http/],
    ['another path', { RUNPOD_WEBHOOK_GET_JOB: 'http://a/take?x' }, /without "\/job-take\/"/],
    ['a wrong interval', { RUNPOD_PING_INTERVAL: '1e3' }, /^RUNPOD_PING_INTERVAL is "1e3"/],
    ['a limit of nothing', { PILOTLIGHT_OUTPUT_LIMIT_BYTES: '0' }, /^PILOTLIGHT_OUTPUT_LIMIT_BYTES is "0"/],
  ];
  for (const [what, change, says] of WRONG) {
    test(`${what} is refused`, () => {
      assert.throws(() => readSettings({ ...GIVEN, ...change }), { code: 'CONFIG_INVALID', message: says });
    });
  }

  test('a parameter joins a query or begins one', () => {
    assert.equal(withParameter('http://a/b?c=1', 'd', 'e,f'), 'http://a/b?c=1&d=e%2Cf');
    assert.equal(withParameter('http://a/b', 'd', 'e'), 'http://a/b?d=e');
  });
});
