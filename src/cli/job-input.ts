import { parseExactJson } from '../client/exact-json.ts';
import { UsageError, type Io } from './io.ts';

/** The input of a job: from the option, a file (`-` for the standard input), or what is piped in. */
export async function readJobInput(
  {
    input,
    'input-file': file,
  }: { readonly input: string | undefined; readonly 'input-file': string | undefined },
  io: Io,
): Promise<unknown> {
  if (input !== undefined && file !== undefined) {
    throw new UsageError('give --input or --input-file, not both');
  }
  if (input !== undefined) return parsed(input, '--input', ` (a text needs its quotes: --input '"hello"')`);
  if (file === undefined && io.stdinIsTty) {
    throw new UsageError('say what the input is: by --input, by --input-file, or on the standard input');
  }
  if (file === undefined || file === '-') return parsed(await io.readStdin(), 'the standard input', '');
  return parsed(await readNamed(file, io), file, '');
}

/** Numbers are sent as they were written: a seed keeps its last digits. */
function parsed(text: string, place: string, advice: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    throw new UsageError(`${place} is not JSON: ${(error as Error).message}${advice}`);
  }
}

async function readNamed(file: string, io: Io): Promise<string> {
  try {
    return await io.readFile(file);
  } catch (error) {
    throw new UsageError(`cannot read --input-file ${file}: ${(error as Error).message}`);
  }
}
