import { GLOBAL_OPTIONS } from './arguments.ts';
import type { Command, OptionSpecs } from './define-command.ts';

const EXIT_CODES = `Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 server not reachable, 4 API key refused.`;

const VERSION_OPTION = { version: { kind: 'flag', description: 'print the version' } } as const;

type Named = Pick<Command, 'name' | 'summary' | 'arguments'>;

/** All commands, or those of one noun. */
export function overview(commands: readonly Named[], noun: string | null): string {
  const shown = noun === null ? commands : commands.filter(({ name }) => name.startsWith(`${noun} `));
  const title =
    noun === null
      ? 'pilotlight: serverless GPU endpoints on your own machines'
      : `pilotlight ${noun}: its commands`;
  return [
    title,
    '',
    noun === null
      ? 'Usage: pilotlight COMMAND [ARGUMENTS] [OPTIONS]'
      : `Usage: pilotlight ${noun} COMMAND [ARGUMENTS] [OPTIONS]`,
    '',
    'Commands:',
    ...columns(shown.map((command) => [usageName(command), command.summary])),
    '',
    'Options of every command but serve and demo:',
    ...optionRows(noun === null ? { ...GLOBAL_OPTIONS, ...VERSION_OPTION } : GLOBAL_OPTIONS),
    '',
    'pilotlight COMMAND --help tells more about one.',
    EXIT_CODES,
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const sections = [`pilotlight ${command.name}: ${command.summary}`];
  if (command.details !== undefined) sections.push('', command.details);
  sections.push('', `Usage: pilotlight ${usageName(command)} [OPTIONS]`);
  const names = Object.entries(command.arguments);
  if (names.length > 0) {
    sections.push('', 'Arguments:', ...columns(names.map(([name, text]) => [name.toUpperCase(), text])));
  }
  if (Object.keys(command.options).length > 0) sections.push('', 'Options:', ...optionRows(command.options));
  sections.push('', 'Options of every command:', ...optionRows(GLOBAL_OPTIONS));
  if (command.examples.length > 0) {
    sections.push('', 'Examples:', ...command.examples.map((example) => `  ${example}`));
  }
  return sections.join('\n');
}

function usageName({ name, arguments: names }: Named): string {
  return [name, ...Object.keys(names).map((argument) => argument.toUpperCase())].join(' ');
}

function optionRows(options: OptionSpecs): string[] {
  return columns(
    Object.entries(options).map(([name, { kind, value, description }]) => [
      kind === 'flag' ? `--${name}` : `--${name} ${value ?? 'VALUE'}`,
      kind === 'texts' || kind === 'integers' ? `${description} (repeatable)` : description,
    ]),
  );
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
