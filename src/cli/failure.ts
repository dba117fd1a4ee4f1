import { ClientError } from '../client/client-error.ts';
import { OPTION_OF_FIELD } from './endpoint-flags.ts';
import { EXIT, UsageError } from './io.ts';
import { printable } from './output.ts';

export interface Failure {
  readonly exitCode: number;
  /** What went wrong, why, and what to do. */
  readonly lines: readonly string[];
}

/** Tells an expected failure; anything else is a fault of this program and is thrown on. */
export function failureOf(error: unknown, commandName: string | null): Failure {
  if (error instanceof UsageError) {
    const command = commandName === null ? 'pilotlight' : `pilotlight ${commandName}`;
    return { exitCode: EXIT.usage, lines: [`error: ${error.message}`, `Try: ${command} --help`] };
  }
  if (!(error instanceof ClientError)) throw error;
  const message = `error: ${printable(error.message)}`;
  switch (error.reason) {
    case 'UNREACHABLE':
      return { exitCode: EXIT.unreachable, lines: [message, ...REACH_ADVICE] };
    case 'TIMEOUT':
      return {
        exitCode: EXIT.unreachable,
        lines: [message, 'It may have been done all the same: look before you try again.'],
      };
    case 'BAD_ANSWER':
      return {
        exitCode: EXIT.failed,
        lines: [message, 'Is this a Pilotlight server? Name another with --url or PILOTLIGHT_URL.'],
      };
    case 'BAD_INPUT':
      return { exitCode: EXIT.usage, lines: [message] };
    case 'UNAUTHORIZED':
    case 'INVALID_API_KEY':
      return { exitCode: EXIT.authentication, lines: [message, ...KEY_ADVICE] };
    default:
      return { exitCode: EXIT.failed, lines: refusalLines(error, message) };
  }
}

const REACH_ADVICE = [
  'Start a server with: pilotlight serve',
  'or name another with --url URL or PILOTLIGHT_URL.',
];

const KEY_ADVICE = [
  'Give the key with --api-key KEY or PILOTLIGHT_API_KEY.',
  'A server without PILOTLIGHT_API_KEY of its own made one at its first start and printed it then.',
];

function refusalLines(error: ClientError, message: string): string[] {
  const faults = faultLines(error);
  // The message of a refused body holds the same faults in one line.
  const first =
    error.reason === 'VALIDATOR_PARAM' && faults.length > 0
      ? `error: the server refused ${faults.length === 1 ? 'a field' : `${faults.length} fields`}:`
      : message;
  return [first, ...faults, reasonLine(error)];
}

function faultLines({ metadata }: ClientError): string[] {
  return Object.entries(metadata).map(([field, fault]) => {
    // A fault in a list names its place, such as envs[2].key; the option is the list's.
    const option = OPTION_OF_FIELD[field] ?? OPTION_OF_FIELD[field.replace(/\[.*$/, '')];
    return `  ${printable(field)}${option === undefined ? '' : ` (--${option})`}: ${printable(fault)}`;
  });
}

function reasonLine({ reason, status, retryAfterSeconds }: ClientError): string {
  const retry = retryAfterSeconds === null ? '' : `; try again in ${retryAfterSeconds} s`;
  return `(${printable(reason)}, status ${status}${retry})`;
}
