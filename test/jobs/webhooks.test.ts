import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import { MINUTE_MS } from '../../src/base/units.ts';
import { AT, CALLER, ENDPOINT, asyncEndpoint, jobWorker, jobsWorld } from '../support/jobs-world.ts';
import { MemoryJobs } from '../support/memory-job-store.ts';

const URL_GIVEN = 'https://example.com/hook';

async function world(options: Parameters<typeof jobsWorld>[0] = {}) {
  const made = await jobsWorld(options);
  made.jobs.endpointPut(asyncEndpoint());
  made.jobs.workerPut(ENDPOINT, jobWorker('w1'));
  const completed = async (): Promise<string> => {
    const id = await made.run('1', { webhook: URL_GIVEN });
    await made.take('w1');
    await made.answer('w1', id, '{"n":1.50}');
    return id;
  };
  const delivery = async (id: string) => (await made.commands.deliveries(AT, id, CALLER))[0];
  /** Until a delivery looks so; its calls of the store are answered one by one. */
  const until = async (id: string, holds: (state: string, tries: number) => boolean): Promise<void> => {
    for (;;) {
      const shown = await delivery(id);
      if (shown !== undefined && holds(shown.state, shown.tries)) return;
    }
  };
  return { ...made, completed, delivery, until };
}

test('the end of a job is told once, signed as Standard Webhooks says', async () => {
  const { completed, webhookSent, sent, commands, until } = await world();
  const id = await completed();
  await webhookSent(1);
  const [message] = sent;
  assert.equal(message?.url, URL_GIVEN);
  assert.match(message?.body ?? '', /"status":"COMPLETED".*,"output":\{"n":1.50\}\}$/);
  const secret = Buffer.from(commands.webhookSecret(AT, CALLER).replace(/^whsec_/, ''), 'base64');
  const {
    'webhook-id': name,
    'webhook-timestamp': time,
    'webhook-signature': signature,
  } = message?.headers ?? {};
  assert.equal(name, `${id}.0`);
  const expected = createHmac('sha256', secret).update(`${name}.${time}.${message?.body}`).digest('base64');
  assert.equal(signature, `v1,${expected}`);
  message?.answer(204);
  await until(id, (state) => state === 'delivered');
  assert.equal(sent.length, 1);
});

test('one that fails is tried again later, and by hand', async () => {
  const { completed, webhookSent, sent, clock, commands, until, delivery } = await world();
  const id = await completed();
  await webhookSent(1);
  sent[0]?.answer(500);
  await until(id, (_state, tries) => tries === 1);
  assert.equal((await delivery(id))?.message, 'answered with 500');
  clock.advance(MINUTE_MS);
  await webhookSent(2);
  sent[1]?.answer(new AppError('FORBIDDEN', 'it leads to 10.0.0.1'));
  await until(id, (_state, tries) => tries === 2);
  assert.equal((await delivery(id))?.message, 'it leads to 10.0.0.1');
  await commands.replay(AT, id, CALLER);
  await webhookSent(3);
  sent[2]?.answer(200);
  await until(id, (state) => state === 'delivered');
});

test('a job that was asked for again is not told of as one that ended', async () => {
  const { run, take, jobs, webhookSent, sent, clock, commands, until, delivery } = await world();
  const id = await run('1', { webhook: URL_GIVEN });
  await take('w1');
  await jobs.answer(ENDPOINT, 'w1' as never, id, { kind: 'error', error: 'broken' });
  await webhookSent(1);
  sent[0]?.answer(500);
  await until(id, (_state, tries) => tries === 1);
  await commands.retry(AT, id, CALLER);
  clock.advance(MINUTE_MS);
  await until(id, (state) => state === 'failed');
  assert.match((await delivery(id))?.message ?? '', /asked for again/);
  await take('w1');
  await jobs.answer(ENDPOINT, 'w1' as never, `${id}-r1`, { kind: 'output', output: '2' });
  await webhookSent(2);
  assert.equal(sent[1]?.headers['webhook-id'], `${id}.1`);
  assert.match(sent[1]?.body ?? '', /"COMPLETED"/);
  assert.equal(sent.length, 2);
});

test('one that was not told before a crash is told by the next server', async () => {
  const memory = new MemoryJobs();
  const before = await world({ memory });
  const id = await before.completed();
  await before.webhookSent(1);
  before.connection.lose();
  const after = await world({ memory });
  after.jobs.start(() => true);
  await after.webhookSent(1);
  assert.equal(after.sent[0]?.headers['webhook-id'], `${id}.0`);
});

test('jobs without one, and those that have not ended, have nothing to tell', async () => {
  const { run, sent, commands } = await world();
  const id = await run('1');
  await assert.rejects(
    commands.replay(AT, id, CALLER),
    (error: unknown) => error instanceof AppError && error.code === 'JOB_STATE',
  );
  assert.equal(sent.length, 0);
});
