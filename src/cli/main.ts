import { fileURLToPath } from 'node:url';
import { nearestName } from '../base/nearest-name.ts';
import { Client } from '../client/client.ts';
import { parseArguments } from './arguments.ts';
import { COMMANDS } from './commands/commands.ts';
import type { Command } from './define-command.ts';
import { failureOf } from './failure.ts';
import { commandHelp, overview } from './help.ts';
import { EXIT, UsageError } from './io.ts';
import type { Io } from './io.ts';
import { Output } from './output.ts';
import { SCRIPTS } from './scripts.ts';
import { splitWords } from './words.ts';
import type { Words } from './words.ts';

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** The whole command line; resolves with the exit code. `argv` is without node and script. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const output = new Output(io);
  const words = splitWords(argv);
  const name = nameOf(words);
  try {
    const script = SCRIPTS.find((candidate) => candidate.name === name);
    if (script !== undefined) return await script.run(words.rest, io);
    const command = COMMANDS.find((candidate) => candidate.name === name);
    if (command !== undefined) return await run(command, words, io, output);
    const implied = impliedBy(words);
    return implied === null
      ? await withoutCommand(words, io, output)
      : await run(implied.command, implied.words, io, output);
  } catch (error) {
    const failure = failureOf(error, adviceOf(words));
    for (const line of failure.lines) output.note(line);
    return failure.exitCode;
  }
}

/** `events ID` for `events list ID`: what stands in the verb's place is its first argument. */
function impliedBy({ noun, verb, rest }: Words): { command: Command; words: Words } | null {
  const command = COMMANDS.find(
    ({ name, impliedVerb }) => impliedVerb === true && name.startsWith(`${noun} `),
  );
  if (command === undefined || verb === null) return null;
  return { command, words: { noun, verb: null, rest: [verb, ...rest] } };
}

/** The words whose help is worth reading after a fault. */
function adviceOf(words: Words): string | null {
  const name = nameOf(words);
  if (COMMANDS.some((command) => command.name === name)) return name;
  return COMMANDS.some((command) => command.name.startsWith(`${words.noun} `)) ? words.noun : null;
}

function nameOf({ noun, verb }: Words): string {
  return [noun, verb].filter((word) => word !== null).join(' ');
}

async function run(command: Command, { rest }: Words, io: Io, output: Output): Promise<number> {
  const parsed = parseArguments(command, rest);
  if (parsed.options['help'] === true) {
    output.line(commandHelp(command));
    return EXIT.ok;
  }
  const client = new Client({
    url: serverUrl(parsed.options['url'], io),
    apiKey: apiKey(parsed.options['api-key'], io),
  });
  const options = { ...parsed.options, json: parsed.options['json'] === true };
  return await command.run({ client, io, output, options, arguments: parsed.arguments });
}

function serverUrl(option: unknown, { environment }: Io): string {
  const text = optionOrVariable(option, environment['PILOTLIGHT_URL']) ?? DEFAULT_URL;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (
    url === null ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.search !== '' ||
    url.username !== ''
  ) {
    throw new UsageError(`the server's URL is "${text}"; it must be like ${DEFAULT_URL}`);
  }
  return text;
}

function apiKey(option: unknown, { environment }: Io): string | undefined {
  const key = optionOrVariable(option, environment['PILOTLIGHT_API_KEY']);
  if (key !== undefined && !/^[!-~]+$/.test(key)) {
    throw new UsageError('the API key holds a character that cannot be sent; was it copied whole?');
  }
  return key;
}

function optionOrVariable(option: unknown, variable: string | undefined): string | undefined {
  if (typeof option === 'string') return option;
  return variable === '' ? undefined : variable;
}

/** Help, version, or an explanation why there is no such command. */
async function withoutCommand({ noun, verb, rest }: Words, io: Io, output: Output): Promise<number> {
  const known = [...COMMANDS, ...SCRIPTS];
  const nouns = [...new Set(known.map(({ name }) => name.split(' ')[0] ?? ''))];
  const helpAsked = rest.includes('--help') || rest.includes('-h') || noun === 'help';
  if (noun === null && (rest.includes('--version') || rest.includes('-V'))) {
    output.line(await version(io));
    return EXIT.ok;
  }
  if (noun === null || noun === 'help') {
    const text = overview([...SCRIPTS, ...COMMANDS], null);
    if (helpAsked) output.line(text);
    else output.note(text);
    return helpAsked ? EXIT.ok : EXIT.usage;
  }
  if (!nouns.includes(noun)) {
    throw new UsageError(`there is no command "${noun}"${suggestion(noun, nouns)}`);
  }
  const verbs = COMMANDS.filter(({ name }) => name.startsWith(`${noun} `)).map(
    ({ name }) => name.split(' ')[1] ?? '',
  );
  if (verb === null && helpAsked) {
    output.line(overview(COMMANDS, noun));
    return EXIT.ok;
  }
  if (verb === null) throw new UsageError(`say what to do with ${noun}: ${verbs.join(', ')}`);
  const near = suggestion(verb, verbs);
  throw new UsageError(
    `${noun} has no "${verb}"${near}${near === '' ? '; it' : ' It'} has ${verbs.join(', ')}`,
  );
}

function suggestion(given: string, known: readonly string[]): string {
  const near = nearestName(given, known);
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

async function version(io: Io): Promise<string> {
  // The same place from the sources and from the compiled package: two folders up.
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(await io.readFile(fileURLToPath(file))) as { version: string }).version;
}
