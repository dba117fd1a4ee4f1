import { generate, hash, tokenize } from './generator.ts';
import type { FinishReason, Generation } from './generator.ts';

export interface CompletionRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly text: string }[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly maxTokens: number;
}

export class RequestFault extends Error {
  override readonly name = 'RequestFault';
  readonly status: number;
  readonly parameter: string | null;

  constructor(message: string, parameter: string | null, status = 400) {
    super(message);
    this.status = status;
    this.parameter = parameter;
  }

  /** The error body OpenAI's clients read. */
  body(): object {
    return {
      error: { message: this.message, type: 'invalid_request_error', param: this.parameter, code: null },
    };
  }
}

type Json = Readonly<Record<string, unknown>>;

export function parseRequest(body: string, defaultModel: string): CompletionRequest {
  const json = parseObject(body);
  const messages = json['messages'];
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new RequestFault('messages must be an array with at least one message', 'messages');
  }
  const model = json['model'] ?? defaultModel;
  if (typeof model !== 'string') throw new RequestFault('model must be a string', 'model');
  const options = json['stream_options'];
  return {
    model,
    messages: messages.map((message, index) => parseMessage(message, `messages[${index}]`)),
    stream: json['stream'] === true,
    includeUsage: isObject(options) && options['include_usage'] === true,
    maxTokens: parseMaxTokens(json),
  };
}

function parseObject(body: string): Json {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    throw new RequestFault(`the body is not JSON: ${(error as Error).message}`, null);
  }
  if (!isObject(json)) throw new RequestFault('the body must be a JSON object', null);
  return json;
}

function parseMessage(message: unknown, path: string): { role: string; text: string } {
  if (!isObject(message) || typeof message['role'] !== 'string') {
    throw new RequestFault(`${path} must be an object with a role`, path);
  }
  const { role, content } = message as { role: string; content?: unknown };
  if (typeof content === 'string') return { role, text: content };
  if (content === null || content === undefined) return { role, text: '' };
  if (!Array.isArray(content)) {
    throw new RequestFault(`${path}.content must be a string or an array of parts`, `${path}.content`);
  }
  const texts = content.map((part: unknown) =>
    isObject(part) && part['type'] === 'text' && typeof part['text'] === 'string' ? part['text'] : '',
  );
  return { role, text: texts.join('\n') };
}

function parseMaxTokens(json: Json): number {
  const name = json['max_completion_tokens'] === undefined ? 'max_tokens' : 'max_completion_tokens';
  const value = json[name];
  if (value === undefined || value === null) return Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new RequestFault(`${name} must be an integer of at least 1`, name);
  }
  return value;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One answer, whole or in parts. */
export class Completion {
  readonly tokens: readonly string[];
  readonly #request: CompletionRequest;
  readonly #generation: Generation;
  readonly #head: { id: string; created: number; model: string };

  constructor(request: CompletionRequest, createdAtSeconds: number) {
    const prompt = request.messages.findLast((message) => message.role === 'user')?.text ?? '';
    this.#request = request;
    this.#generation = generate(prompt, request.maxTokens);
    this.tokens = this.#generation.tokens;
    const id = `chatcmpl-${hash(JSON.stringify(request.messages)).toString(16).padStart(8, '0')}`;
    this.#head = { id, created: createdAtSeconds, model: request.model };
  }

  whole(): object {
    const message = { role: 'assistant', content: this.tokens.join(''), refusal: null };
    return {
      ...this.#head,
      object: 'chat.completion',
      choices: [{ index: 0, message, logprobs: null, finish_reason: this.#generation.finishReason }],
      usage: this.#usage(),
    };
  }

  first(): object {
    return this.#chunk({ role: 'assistant', content: '' }, null);
  }

  part(token: string): object {
    return this.#chunk({ content: token }, null);
  }

  /** What ends a stream: the reason, and the usage where it was asked for. */
  *last(): Generator<object> {
    yield this.#chunk({}, this.#generation.finishReason);
    if (this.#request.includeUsage) {
      yield { ...this.#head, object: 'chat.completion.chunk', choices: [], usage: this.#usage() };
    }
  }

  #chunk(delta: object, finishReason: FinishReason | null): object {
    return {
      ...this.#head,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...(this.#request.includeUsage ? { usage: null } : {}),
    };
  }

  #usage(): object {
    const promptTokens = this.#request.messages.reduce(
      (sum, message) => sum + tokenize(message.text).length,
      0,
    );
    const completionTokens = this.tokens.length;
    return {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    };
  }
}
