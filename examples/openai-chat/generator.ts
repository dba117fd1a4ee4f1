/** Where the text stops: at its natural end, or because `maxTokens` was reached. */
export type FinishReason = 'stop' | 'length';

export interface Generation {
  /** Joined without separators they are the answer. */
  readonly tokens: readonly string[];
  readonly finishReason: FinishReason;
}

const WORDS =
  'the model a small lamp waits in dark until request comes then it wakes and answers with light ' +
  'every token is counted sent once never lost while another worker takes its place';
const VOCABULARY = WORDS.split(' ');
const NATURAL_LENGTH = 24;

/** A toy: repeats the question, then goes on with words drawn from it. The same prompt, the same text. */
export function generate(prompt: string, maxTokens: number): Generation {
  const all = [...tokenize(`You said: ${prompt.trim()}`), '.'];
  let state = hash(prompt);
  for (let count = 0; count < NATURAL_LENGTH; count += 1) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    all.push(` ${VOCABULARY[(state >>> 8) % VOCABULARY.length]}`);
  }
  all.push('.');
  const tokens = all.slice(0, maxTokens);
  return { tokens, finishReason: tokens.length < all.length ? 'length' : 'stop' };
}

/** Splits before every run of white space; a stand-in for a real tokenizer, used for `usage` as well. */
export function tokenize(text: string): string[] {
  return text.split(/(?=\s)(?<!\s)/).filter((token) => token !== '');
}

/** FNV-1a, 32 bits. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 0;
}
