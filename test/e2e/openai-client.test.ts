import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;
const MODEL = 'toy-2';

describe('the openai package through an endpoint', { timeout: TIME_OUT_MS }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await ServerProcess.start();
  });
  after(async () => {
    await server.dispose();
  });

  /** A client of a new endpoint, which has no worker; `tokensPerSecond` 0 is as fast as it goes. */
  async function openClient(tokensPerSecond: number): Promise<{ client: OpenAI; id: string }> {
    const id = await server.create({
      image: 'host:examples/openai-chat',
      envs: [
        { key: 'MODEL', value: MODEL },
        { key: 'START_DELAY_MS', value: '200' },
        { key: 'TOKENS_PER_SECOND', value: String(tokensPerSecond) },
      ],
    });
    const { url, workers } = await server.get(id);
    assert.deepEqual(workers, [], 'it is at zero');
    // A retry of the client's would hide a failure.
    return { client: new OpenAI({ baseURL: `${url}/v1`, apiKey: API_KEY, maxRetries: 0 }), id };
  }

  it('streams a chat completion from zero workers, the same text as without streaming', async () => {
    const { client } = await openClient(0);
    const question = {
      model: MODEL,
      messages: [{ role: 'user' as const, content: 'Is it über-fast? 快' }],
    };
    const stream = await client.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let parts = 0;
    let finishReason: string | null = null;
    let usage: OpenAI.CompletionUsage | null = null;
    for await (const chunk of stream) {
      assert.equal(chunk.model, MODEL);
      parts += 1;
      text += chunk.choices[0]?.delta.content ?? '';
      finishReason = chunk.choices[0]?.finish_reason ?? finishReason;
      usage = chunk.usage ?? usage;
    }
    assert.match(text, /^You said: Is it über-fast\? 快/);
    assert.equal(finishReason, 'stop');
    assert.ok(parts > 10, `${parts} parts`);

    const whole = await client.chat.completions.create(question);
    assert.equal(whole.choices[0]?.message.content, text);
    assert.equal(whole.choices[0]?.finish_reason, 'stop');
    assert.deepEqual(whole.usage, usage);
    assert.deepEqual(
      (await client.models.list()).data.map(({ id }) => id),
      [MODEL],
    );
  });

  it('gives the slot back when a stream is aborted, the only one there is', async () => {
    const { client, id } = await openClient(2);
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: 'talk for a long time' }],
      stream: true,
    });
    let parts = 0;
    for await (const _chunk of stream) {
      parts += 1;
      if (parts === 3) stream.controller.abort();
    }
    assert.equal(parts, 3);
    // max_replicas and max_concurrent_per_worker are 1: this is served when the aborted one has let go.
    const next = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: 'short' }],
      max_tokens: 1,
    });
    assert.equal(next.choices[0]?.finish_reason, 'length');
    assert.equal((await server.get(id)).workers.length, 1);
  });

  it('gets errors of the worker and of the server as its own error classes', async () => {
    const { client } = await openClient(0);
    await assert.rejects(
      client.chat.completions.create({ model: MODEL, messages: [] }),
      (error: unknown) => error instanceof OpenAI.BadRequestError && error.param === 'messages',
    );
    const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: 'no-key-of-this-server', maxRetries: 0 });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
    const nowhere = new OpenAI({
      baseURL: `${server.url}/e/nosuchpoint1/v1`,
      apiKey: API_KEY,
      maxRetries: 0,
    });
    await assert.rejects(nowhere.models.list(), OpenAI.NotFoundError);
  });
});
