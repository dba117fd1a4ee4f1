/**
 * Splits a command line into words as a POSIX shell does, without a shell: blanks separate, quotes
 * and backslashes keep together. Operators (`|`, `;`, `>`), comments, globs and command substitution
 * have no meaning here; their characters are ordinary.
 *
 * `$NAME` and `${NAME}` outside single quotes become the variable's value when `variables` has it,
 * and stay as they are when it has not. A value is never split again, whatever blanks it holds.
 */
export type WordsResult = { readonly words: readonly string[] } | { readonly fault: string };

const BLANK = /[ \t\n]/;
const REFERENCE = /\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/y;

export function splitWords(text: string, variables: Readonly<Record<string, string>> = {}): WordsResult {
  const words: string[] = [];
  let word = '';
  /** A word exists once it has a character or a quote: '' is a word, an empty variable is none. */
  let started = false;
  let at = 0;

  const expand = (): string => {
    REFERENCE.lastIndex = at;
    const match = REFERENCE.exec(text);
    const name = match?.[1] ?? match?.[2];
    if (match === null || name === undefined || !Object.hasOwn(variables, name)) {
      at += 1;
      return '$';
    }
    at = REFERENCE.lastIndex;
    return variables[name] ?? '';
  };

  while (at < text.length) {
    const character = text.charAt(at);
    if (BLANK.test(character)) {
      if (started) words.push(word);
      word = '';
      started = false;
      at += 1;
    } else if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end === -1) return { fault: unclosed('single', at) };
      word += text.slice(at + 1, end);
      started = true;
      at = end + 1;
    } else if (character === '"') {
      const opened = at;
      started = true;
      at += 1;
      for (;;) {
        const inside = text.charAt(at);
        if (inside === '') return { fault: unclosed('double', opened) };
        if (inside === '"') break;
        if (inside === '$') word += expand();
        else if (inside === '\\' && /[$`"\\\n]/.test(text.charAt(at + 1))) {
          // A backslash before a line's end joins the lines.
          if (text.charAt(at + 1) !== '\n') word += text.charAt(at + 1);
          at += 2;
        } else {
          word += inside;
          at += 1;
        }
      }
      at += 1;
    } else if (character === '\\') {
      const next = text.charAt(at + 1);
      if (next === '') return { fault: `ends in a backslash with nothing after it (character ${at + 1})` };
      if (next !== '\n') {
        word += next;
        started = true;
      }
      at += 2;
    } else if (character === '$') {
      const value = expand();
      word += value;
      started ||= value !== '';
    } else {
      word += character;
      started = true;
      at += 1;
    }
  }
  if (started) words.push(word);
  return { words };
}

function unclosed(kind: 'single' | 'double', at: number): string {
  return `has a ${kind} quote that is opened at character ${at + 1} and never closed`;
}
