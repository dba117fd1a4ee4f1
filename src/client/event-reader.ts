import { badAnswer } from './answer.ts';

/** One event with its result fits many times. */
const MAX_EVENT_CHARACTERS = 16_777_216;

export interface ServerEvent {
  readonly name: string;
  /** Its data, which in this API is JSON. */
  readonly data: string;
}

/** The server-sent events of an answer, as they come. `onBytes` is told of every sign of life. */
export async function* readEvents(response: Response, onBytes: () => void): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of response.body ?? []) {
    onBytes();
    pending += decoder.decode(chunk, { stream: true });
    const parts = pending.split('\n\n');
    pending = parts.pop() ?? '';
    for (const part of parts) yield eventOf(part);
    if (pending.length > MAX_EVENT_CHARACTERS) {
      throw badAnswer(response, `has an event of more than ${MAX_EVENT_CHARACTERS} characters`);
    }
  }
}

function eventOf(text: string): ServerEvent {
  const event = { name: 'message', data: '' };
  for (const line of text.split('\n')) {
    const [, field, value = ''] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'event') event.name = value;
    else if (field === 'data') event.data += value;
  }
  return event;
}
