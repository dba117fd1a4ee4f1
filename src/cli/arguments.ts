import { parseArgs } from 'node:util';
import { nearestName } from '../base/nearest-name.ts';
import type { Command, OptionSpec, OptionSpecs, OptionValue } from './define-command.ts';
import { UsageError } from './io.ts';

/** Understood by every command that talks to a server. */
export const GLOBAL_OPTIONS = {
  url: {
    kind: 'text',
    value: 'URL',
    description: 'server to talk to (PILOTLIGHT_URL; http://127.0.0.1:8080)',
  },
  'api-key': { kind: 'text', value: 'KEY', description: 'API key (PILOTLIGHT_API_KEY)' },
  json: { kind: 'flag', description: "print the server's answer as JSON" },
  help: { kind: 'flag', description: 'print this help' },
} as const satisfies OptionSpecs;

export interface ParsedArguments {
  readonly arguments: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, OptionValue>>;
}

/** Reads the words behind a command's name. Throws a `UsageError` that names the fault. */
export function parseArguments(command: Command, argv: readonly string[]): ParsedArguments {
  const specs: OptionSpecs = { ...command.options, ...GLOBAL_OPTIONS };
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { kind }]) => [
        name,
        { type: kind === 'flag' ? 'boolean' : 'string', ...(name === 'help' ? { short: 'h' } : {}) },
      ]),
    ),
    // Refused here and not there, for errors that say what to do.
    strict: false,
    tokens: true,
  });
  const positionals: string[] = [];
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = specs[token.name];
    if (spec === undefined) throw unknownOption(token.rawName, Object.keys(specs));
    const texts = given.get(token.name) ?? [];
    texts.push(checkedValue(token, spec));
    given.set(token.name, texts);
  }
  const options = Object.entries(specs).map(([name, spec]) => [
    name,
    optionValue(name, spec, given.get(name)),
  ]);
  const parsed = Object.fromEntries(options) as Record<string, OptionValue>;
  // Asking for help is right however little else is given.
  const named = parsed['help'] === true ? {} : namedArguments(command, positionals);
  return { arguments: named, options: parsed };
}

function namedArguments(command: Command, positionals: readonly string[]): Record<string, string> {
  const names = Object.keys(command.arguments);
  const missing = names.slice(positionals.length);
  if (missing.length > 0) {
    throw new UsageError(`${missing.map((name) => name.toUpperCase()).join(' and ')} missing`);
  }
  const extra = positionals[names.length];
  if (extra !== undefined) throw new UsageError(`unexpected argument "${extra}"`);
  return Object.fromEntries(names.map((name, index) => [name, positionals[index] ?? '']));
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function checkedValue({ rawName, value, inlineValue }: OptionToken, { kind }: OptionSpec): string {
  if (kind === 'flag') {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value, and was given "${value}"`);
    return '';
  }
  if (value === undefined) throw new UsageError(`${rawName} needs a value`);
  // Most likely the next option, whose own value was forgotten; -1 is left for the server to refuse.
  if (inlineValue !== true && value.startsWith('--')) {
    throw new UsageError(`${rawName} needs a value; to give it "${value}", write ${rawName}="${value}"`);
  }
  return value;
}

function optionValue(name: string, { kind }: OptionSpec, texts: readonly string[] = []): OptionValue {
  if (kind === 'flag') return texts.length > 0;
  if (kind === 'texts') return texts;
  if (kind === 'integers') return texts.map((text) => integerOf(name, text));
  if (texts.length > 1) throw new UsageError(`--${name} is given ${texts.length} times; it takes one value`);
  const [text] = texts;
  if (text === undefined) return undefined;
  return kind === 'integer' ? integerOf(name, text) : text;
}

function integerOf(name: string, text: string): number {
  if (!/^-?\d{1,15}$/.test(text))
    throw new UsageError(`--${name} takes a whole number, and was given "${text}"`);
  return Number(text);
}

function unknownOption(rawName: string, known: readonly string[]): UsageError {
  const near = nearestName(rawName.replace(/^-+/, ''), known);
  return new UsageError(`unknown option ${rawName}${near === undefined ? '' : `; did you mean --${near}?`}`);
}
