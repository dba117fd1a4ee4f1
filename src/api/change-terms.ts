import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { parseTagCondition, type TagCondition } from '../model/etag.ts';
import { faultsError } from '../model/faults.ts';
import type { ChangeTerms, Repeatable, RepeatKey } from '../ports/endpoint-service.ts';

export const IF_MATCH_HEADER = {
  'if-match': Type.Optional(
    Type.String({
      maxLength: 1024,
      description:
        '`*`, or `etag`s of the endpoint apart by commas: the change is made only while it has one of them, ' +
        'and is else refused with PRECONDITION_FAILED.',
    }),
  ),
};

export const IDEMPOTENCY_HEADER = {
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[!-~]+$',
      'x-allowed': 'visible ASCII characters',
      description:
        'Chosen by the client for this one change. A request that comes again with it within 24 hours gets ' +
        'the same answer, with the header Idempotency-Replayed, and changes nothing.',
    }),
  ),
};

/** Of a change that takes no query: one that asks for, say, `dry_run` is not to be carried out instead. */
export const NO_QUERY = Type.Object({}, { additionalProperties: false });

interface TermHeaders {
  readonly 'if-match'?: string;
  readonly 'idempotency-key'?: string;
}

export function termsOf(request: FastifyRequest): ChangeTerms {
  return { ifMatch: ifMatchOf(request), once: repeatKeyOf(request) };
}

export function ifMatchOf(request: FastifyRequest): TagCondition | null {
  const header = (request.headers as TermHeaders)['if-match'];
  if (header === undefined) return null;
  const condition = parseTagCondition(header);
  if (condition === null) {
    throw faultsError({
      'if-match': `is ${JSON.stringify(header.slice(0, 80))}; allowed: "*", or tags in double quotes apart by commas, as the endpoint's etag has them`,
    });
  }
  return condition;
}

export function repeatKeyOf(request: FastifyRequest): RepeatKey | null {
  const key = (request.headers as TermHeaders)['idempotency-key'];
  if (key === undefined) return null;
  const facts = [request.method, request.url, request.bodyDigest];
  return { key, fingerprint: createHash('sha256').update(JSON.stringify(facts)).digest('hex') };
}

/** The answer's body; that it was given before is told in a header. */
export function answerOf<Answer extends Repeatable>(
  reply: FastifyReply,
  { replayed, ...answer }: Answer,
): Omit<Answer, 'replayed'> {
  if (replayed === true) void reply.header('idempotency-replayed', 'true');
  return answer;
}
