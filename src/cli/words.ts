import { GLOBAL_OPTIONS } from './arguments.ts';
import type { OptionSpec } from './define-command.ts';
import { SCRIPTS } from './scripts.ts';

export interface Words {
  readonly noun: string | null;
  readonly verb: string | null;
  /** Everything else, in order; options may stand before the noun. */
  readonly rest: readonly string[];
}

/** Finds the command's own words among the options around them. */
export function splitWords(argv: readonly string[]): Words {
  const words: string[] = [];
  const rest: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? '';
    const complete = words.length === 2 || SCRIPTS.some(({ name }) => name === words[0]);
    if (complete || argument === '--') return wordsOf(words, [...rest, ...argv.slice(index)]);
    if (!argument.startsWith('-')) {
      words.push(argument);
      continue;
    }
    rest.push(argument);
    if (takesValue(argument) && index + 1 < argv.length) {
      index += 1;
      rest.push(argv[index] ?? '');
    }
  }
  return wordsOf(words, rest);
}

function wordsOf([noun, verb]: readonly string[], rest: readonly string[]): Words {
  return { noun: noun ?? null, verb: verb ?? null, rest };
}

/** Before the command is known, only the options of all commands can be. */
function takesValue(argument: string): boolean {
  const options: Readonly<Record<string, OptionSpec>> = GLOBAL_OPTIONS;
  const spec = argument.startsWith('--') ? options[argument.slice(2)] : undefined;
  return spec !== undefined && spec.kind !== 'flag';
}
