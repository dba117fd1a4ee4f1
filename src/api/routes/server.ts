import type { FastifyInstance } from 'fastify';
import { AppError } from '../../base/errors.ts';
import { HealthAnswer } from '../../model/answer-schema.ts';
import { ERROR_ANSWERS, plainText } from '../declared-answers.ts';

export interface ServerFacts {
  readonly isServing: () => boolean;
  readonly readMetrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly version: string;
}

/** Routes about the server itself. They need no key: probes and scrapers have none. */
export function serverRoutes(app: FastifyInstance, facts: ServerFacts): void {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the server serves',
        tags: ['server'],
        security: [],
        response: { 200: HealthAnswer, ...ERROR_ANSWERS },
      },
    },
    async () => {
      if (!facts.isServing())
        throw new AppError('SHUTTING_DOWN', 'The server is shutting down or not yet up.');
      return { status: 'serving', version: facts.version };
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus',
        tags: ['server'],
        security: [],
        response: { 200: plainText('Metrics in the Prometheus text format.') },
      },
    },
    async (_request, reply) => {
      const { contentType, text } = await facts.readMetrics();
      return reply.type(contentType).send(text);
    },
  );

  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(app.swagger()),
  );
}
