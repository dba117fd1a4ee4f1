import type { EndpointBody } from './endpoint-flags.ts';
import { UsageError } from './io.ts';
import type { Io } from './io.ts';

/** The body a `--file` holds, or an empty one without a file. */
export async function readBody(file: string | undefined, io: Io): Promise<EndpointBody> {
  if (file === undefined) return {};
  const text = file === '-' ? await io.readStdin() : await readNamed(file, io);
  const place = file === '-' ? 'the standard input' : file;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${place} is not JSON: ${(error as Error).message}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new UsageError(`${place} must hold a JSON object, such as {"name": "…"}`);
  }
  return body;
}

async function readNamed(file: string, io: Io): Promise<string> {
  try {
    return await io.readFile(file);
  } catch (error) {
    throw new UsageError(`cannot read --file ${file}: ${(error as Error).message}`);
  }
}
