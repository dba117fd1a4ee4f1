import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { BadRequestError } from 'openai';
import { ExampleProcess } from './example-process.ts';

const ENTRY = 'openai-chat/server.ts';
const QUESTION = [{ role: 'user' as const, content: 'How are you?' }];

async function clientOf(example: ExampleProcess): Promise<OpenAI> {
  return new OpenAI({ baseURL: `${await example.url()}/v1`, apiKey: 'unused', maxRetries: 0 });
}

test('a chat completion: text, reason and usage, the same for the same question', async () => {
  await using example = new ExampleProcess(ENTRY, { TOKENS_PER_SECOND: '0' });
  const client = await clientOf(example);

  const first = await client.chat.completions.create({ model: 'toy-1', messages: QUESTION });
  const second = await client.chat.completions.create({ model: 'toy-1', messages: QUESTION });

  const text = first.choices[0]?.message.content ?? '';
  assert.match(text, /^You said: How are you\?/);
  assert.equal(second.choices[0]?.message.content, text);
  assert.equal(first.choices[0]?.finish_reason, 'stop');
  assert.equal(first.usage?.prompt_tokens, 3);
  assert.equal(first.usage?.total_tokens, 3 + (first.usage?.completion_tokens ?? 0));
});

test('a streamed completion joins to the plain one and ends with the usage', async () => {
  await using example = new ExampleProcess(ENTRY, { TOKENS_PER_SECOND: '2000' });
  const client = await clientOf(example);
  const whole = await client.chat.completions.create({ model: 'toy-1', messages: QUESTION });

  const stream = await client.chat.completions.create({
    model: 'toy-1',
    messages: QUESTION,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  const reasons: string[] = [];
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    if (chunk.choices[0]?.finish_reason) reasons.push(chunk.choices[0].finish_reason);
    if (chunk.usage) usage = chunk.usage;
  }

  assert.equal(text, whole.choices[0]?.message.content);
  assert.deepEqual(reasons, ['stop']);
  assert.deepEqual(usage, whole.usage);
});

test('without include_usage no chunk has a usage', async () => {
  await using example = new ExampleProcess(ENTRY, { TOKENS_PER_SECOND: '0' });
  const client = await clientOf(example);
  const stream = await client.chat.completions.create({ model: 'toy-1', messages: QUESTION, stream: true });
  for await (const chunk of stream) assert.equal(chunk.usage, undefined);
});

test('max_tokens cuts the text and says so', async () => {
  await using example = new ExampleProcess(ENTRY, { TOKENS_PER_SECOND: '0' });
  const client = await clientOf(example);
  const answer = await client.chat.completions.create({
    model: 'toy-1',
    messages: QUESTION,
    max_completion_tokens: 2,
  });
  assert.equal(answer.choices[0]?.message.content, 'You said:');
  assert.equal(answer.choices[0]?.finish_reason, 'length');
  assert.equal(answer.usage?.completion_tokens, 2);
});

test('the model list names the model', async () => {
  await using example = new ExampleProcess(ENTRY, { MODEL: 'lamp-7b' });
  const client = await clientOf(example);
  assert.deepEqual(
    (await client.models.list()).data.map((model) => model.id),
    ['lamp-7b'],
  );
});

test('a bad request is refused in the form the package reads', async () => {
  await using example = new ExampleProcess(ENTRY);
  const client = await clientOf(example);
  await assert.rejects(
    client.chat.completions.create({ model: 'toy-1', messages: [] }),
    (error: unknown) =>
      error instanceof BadRequestError && error.param === 'messages' && /at least one/.test(error.message),
  );
  const url = await example.url();
  assert.equal((await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: '{' })).status, 400);
  assert.equal((await fetch(`${url}/v1/embeddings`, { method: 'POST', body: '{}' })).status, 404);
});

test('START_DELAY_MS holds back the port; SIGTERM finishes a running stream', async () => {
  const startedAtMs = performance.now();
  await using example = new ExampleProcess(ENTRY, { START_DELAY_MS: '200', TOKENS_PER_SECOND: '200' });
  const client = await clientOf(example);
  assert.ok(performance.now() - startedAtMs >= 200);

  const stream = await client.chat.completions.create({ model: 'toy-1', messages: QUESTION, stream: true });
  let finish: string | null | undefined;
  let signalled = false;
  for await (const chunk of stream) {
    if (!signalled) example.signal('SIGTERM');
    signalled = true;
    finish = chunk.choices[0]?.finish_reason ?? finish;
  }
  assert.equal(finish, 'stop');
  assert.deepEqual(await example.exited, { code: 0, signal: null });
});
