import type { IncomingMessage } from 'node:http';
import { AppError } from '../../base/errors.ts';
import { jsonMembers } from '../../base/json-members.ts';
import { MIB } from '../../base/units.ts';
import type { JobResult } from '../../ports/job-workers.ts';

/** What a worker POSTs for a job; outputs as JSON text. */
export type WorkerNews =
  | { readonly kind: 'progress'; readonly output: string }
  | { readonly kind: 'end'; readonly result: JobResult; readonly refresh: boolean };

/** Read and dropped of a body over its limit, so that its sender gets the answer and not a broken connection. */
const DISCARD_BYTES = 64 * MIB;

/** The whole body; where it is larger than `limitBytes` how large it is. Rejects when its sender leaves. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<string | number> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= limitBytes) chunks.push(chunk);
    else if (bytes > limitBytes + DISCARD_BYTES) break;
  }
  return bytes > limitBytes ? bytes : Buffer.concat(chunks).toString('utf8');
}

/** What `POST …/job-done` tells: progress, or the job's end. */
export function newsOf(body: string): WorkerNews {
  const members = objectOf(body);
  const output = members.get('output') ?? null;
  if (members.get('status') === '"IN_PROGRESS"') return { kind: 'progress', output: output ?? 'null' };
  const error = errorWords(members.get('error'));
  const refresh = members.get('stopPod') === 'true';
  if (error !== null) return { kind: 'end', result: { kind: 'error', error }, refresh };
  // A handler that returned nothing but a wish for a new worker has an output of nothing.
  if (output !== null || refresh || members.size === 0) {
    return { kind: 'end', result: { kind: 'output', output: output ?? 'null' }, refresh };
  }
  throw malformed(`has ${[...members.keys()].slice(0, 5).join(', ')} and neither "output" nor "error"`);
}

/** What `POST …/job-stream` brings: one part of the output. An error ends its stream by a call of its own. */
export function partOf(body: string): string {
  const members = objectOf(body);
  const output = members.get('output');
  if (output !== undefined) return output;
  const error = errorWords(members.get('error'));
  if (error !== null) return JSON.stringify({ error });
  throw malformed('has no "output"');
}

function objectOf(body: string): ReadonlyMap<string, string> {
  let members: ReadonlyMap<string, string> | null;
  try {
    members = jsonMembers(body);
  } catch (cause) {
    throw malformed(`is no JSON: ${(cause as Error).message}`, cause);
  }
  if (members === null) throw malformed('is no JSON object');
  return members;
}

/** In words, as it is shown: what is no text stays JSON. Null for those that say they have none. */
function errorWords(error: string | undefined): string | null {
  if (error === undefined || error === 'null' || error === 'false' || error === '""') return null;
  return error.startsWith('"') ? (JSON.parse(error) as string) : error;
}

function malformed(what: string, cause?: unknown): AppError {
  const message = `The body of a worker's answer ${what}; allowed: {"output": …}, {"error": "…"}, or {"status": "IN_PROGRESS", "output": …}.`;
  return new AppError('REQUEST', message, { cause });
}
