import { ClientError } from './client-error.ts';
import type { LocalReason } from './client-error.ts';
import { parseExactJson } from './exact-json.ts';
import type { Error as ErrorBody } from './schema.ts';

/** A page of 1000 endpoints, each with all its environment values, fits with room to spare. */
const MAX_ANSWER_BYTES = 67_108_864;

/** The text of an answer, refused once it is larger than any this API gives. */
export async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      throw badAnswer(response, `is larger than ${MAX_ANSWER_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

export function parseJson(response: Response, text: string, exactNumbers = false): unknown {
  try {
    return exactNumbers ? parseExactJson(text) : JSON.parse(text);
  } catch (error) {
    throw badAnswer(response, 'is not JSON', error);
  }
}

/** What a status other than 200 says, or an event that tells an error after a 200. */
export function refusal(response: Response, text: string): ClientError {
  const body = parseJson(response, text);
  if (!isErrorBody(body)) return badAnswer(response, 'is not an error of this API');
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ClientError(body.message, {
    status: response.status === 200 && typeof body.code === 'number' ? body.code : response.status,
    reason: body.reason,
    metadata: body.metadata ?? {},
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : null,
  });
}

export function badAnswer(response: Response, what: string, cause?: unknown): ClientError {
  const reason: LocalReason = 'BAD_ANSWER';
  const message = `the answer of ${response.url} (status ${response.status}) ${what}`;
  return new ClientError(message, { status: response.status, reason, cause });
}

function isErrorBody(body: unknown): body is Omit<ErrorBody, 'metadata'> & Partial<ErrorBody> {
  if (typeof body !== 'object' || body === null) return false;
  const { reason, message } = body as Record<string, unknown>;
  return typeof reason === 'string' && typeof message === 'string';
}
