import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../base/errors.ts';
import { jsonMembers } from '../base/json-members.ts';
import { checkShape } from '../decide/update/check-shape.ts';
import { FaultList, faultsError } from '../model/faults.ts';
import { JobTerms } from '../model/job-schema.ts';
import type { JobOrder } from '../ports/job-service.ts';

interface Terms {
  readonly webhook?: string;
  readonly policy?: {
    readonly executionTimeout?: number;
    readonly ttl?: number;
    readonly lowPriority?: boolean;
  };
}

/** A job body as text. Its input is passed on as it was written, so it must not be parsed and lost. */
export function jobBodyText(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw new AppError('REQUEST', 'The body is not valid UTF-8; send JSON in UTF-8.', { cause: error });
  }
}

export function jobOrderOf(request: FastifyRequest): JobOrder {
  if (typeof request.body !== 'string' || request.body === '') {
    throw new AppError('REQUEST', 'The request has no body; send {"input": …}.');
  }
  const members = membersOf(request.body);
  const input = members.get('input');
  const faults = new FaultList();
  if (input === undefined) faults.add('input', 'is missing; allowed: any JSON value but null');
  // RunPod's Python worker takes such a job for a broken one, and would not answer it.
  else if (input === 'null') faults.add('input', 'is null; allowed: any other JSON value');
  const terms: Record<string, unknown> = Object.fromEntries(
    [...members]
      .filter(([name]) => name !== 'input')
      .map(([name, text]) => [name, JSON.parse(text) as unknown]),
  );
  checkShape(JobTerms, terms, faults);
  const { webhook: address } = terms;
  if (faults.empty && typeof address === 'string' && !URL.canParse(address)) {
    faults.add(
      'webhook',
      `is "${address.slice(0, 80)}", which is no address; allowed: an http or https address without a user`,
    );
  }
  if (input === undefined || !faults.empty) throw faultsError(faults.toFaults());
  const { webhook, policy } = terms as Terms;
  const { executionTimeout, ttl, lowPriority } = policy ?? {};
  return {
    input,
    webhook: webhook ?? null,
    policy: {
      ...(executionTimeout === undefined ? {} : { executionTimeoutMs: executionTimeout }),
      ...(ttl === undefined ? {} : { ttlMs: ttl }),
      ...(lowPriority === undefined ? {} : { lowPriority }),
    },
    once: onceOf(request, request.body),
  };
}

function membersOf(text: string): ReadonlyMap<string, string> {
  let members: ReadonlyMap<string, string> | null;
  try {
    members = jsonMembers(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('REQUEST', `The body is not valid JSON: ${reason}.`, { cause: error });
  }
  if (members === null) throw new AppError('REQUEST', 'The body is not a JSON object; send {"input": …}.');
  return members;
}

function onceOf(request: FastifyRequest, body: string): JobOrder['once'] {
  const key = (request.headers as { readonly 'idempotency-key'?: string })['idempotency-key'];
  if (key === undefined) return null;
  return { key, digest: createHash('sha256').update(body).digest('hex') };
}
