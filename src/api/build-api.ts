import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.ts';
import type { EndpointService } from '../ports/endpoint-service.ts';
import type { JobService } from '../ports/job-service.ts';
import type { ResourceService } from '../ports/resource-service.ts';
import type { WhatIfService } from '../ports/what-if.ts';
import type { Log } from '../ports/log.ts';
import { answerError } from './answer-error.ts';
import { authenticate, type KeyLookup } from './auth.ts';
import { compileCheck } from './check-request.ts';
import { describeRoutes } from './describe.ts';
import { acceptJsonOnly } from './json-body.ts';
import { refuseUnknown } from './not-found.ts';
import { readRestOfBody } from './rest-of-body.ts';
import type { EventReaders } from './event-readers.ts';
import { catalogRoutes } from './routes/catalog.ts';
import { endpointRoutes } from './routes/endpoints.ts';
import { eventRoutes } from './routes/events.ts';
import { jobRoutes, type JobRouteLimits } from './routes/jobs.ts';
import { requestRoutes } from './routes/requests.ts';
import { networkVolumeRoutes } from './routes/network-volumes.ts';
import { prewarmRoutes } from './routes/prewarm-tasks.ts';
import { registryAuthRoutes } from './routes/registry-auths.ts';
import { rolloutRoutes } from './routes/rollouts.ts';
import { revisionRoutes } from './routes/revisions.ts';
import { serverRoutes, type ServerFacts } from './routes/server.ts';
import { simulateRoutes } from './routes/simulate.ts';
import { workerRoutes } from './routes/workers.ts';

export interface ApiParts extends ServerFacts {
  readonly service: EndpointService;
  readonly resources: ResourceService;
  readonly whatIf: WhatIfService;
  readonly jobs: JobService;
  readonly jobLimits: JobRouteLimits;
  readonly apiKeys: KeyLookup;
  readonly log: Log;
  readonly clock: Clock;
  readonly eventReaders: EventReaders;
}

/**
 * The control API. It never listens by itself: after `await api.ready()`, give it requests of a
 * shared server by `api.routing(request, response)`.
 */
export function buildApi(parts: ApiParts): FastifyInstance {
  const answer = answerError(parts.log);
  const app = fastify({
    logger: false,
    // Longer than any legal id, so that a too long one is refused by its schema and not as unknown.
    routerOptions: { maxParamLength: 2048 },
    frameworkErrors: (error, request, reply) => answer(error, request, reply),
  });
  app.setErrorHandler(answer);
  app.setValidatorCompiler(compileCheck);
  app.decorateRequest('caller', null);
  acceptJsonOnly(app);
  readRestOfBody(app, parts.clock);
  refuseUnknown(app);
  describeRoutes(app, parts.version);

  app.addHook('onResponse', async (request, reply) => {
    parts.log.debug('control API request', {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
    });
  });

  void app.register(async (open) => {
    serverRoutes(open, parts);
  });
  void app.register(async (guarded) => {
    guarded.addHook('onRequest', authenticate(parts.apiKeys, 'INVALID_API_KEY'));
    // Answers hold environment values in clear.
    guarded.addHook('onRequest', keepNoCopy);
    endpointRoutes(guarded, parts.service);
    revisionRoutes(guarded, parts.service);
    rolloutRoutes(guarded, parts.service);
    eventRoutes(guarded, parts.service, parts.eventReaders);
    requestRoutes(guarded, parts.service);
    workerRoutes(guarded, parts.service);
    simulateRoutes(guarded, parts.whatIf, parts.log);
    registryAuthRoutes(guarded, parts.resources);
    networkVolumeRoutes(guarded, parts.resources);
    prewarmRoutes(guarded, parts.resources);
    catalogRoutes(guarded, parts.service);
  });
  void app.register(async (guarded) => {
    guarded.addHook('onRequest', authenticate(parts.apiKeys, 'UNAUTHORIZED'));
    guarded.addHook('onRequest', keepNoCopy);
    jobRoutes(guarded, parts.jobs, parts.jobLimits);
  });
  return app;
}

async function keepNoCopy(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  void reply.header('cache-control', 'no-store');
}
