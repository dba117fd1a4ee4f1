import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../base/errors.ts';

const SHOWN_PATH_MAX = 200;

/** Tells a path that does not exist (404) from one that takes other methods (405, with Allow). Before any route. */
export function refuseUnknown(app: FastifyInstance): void {
  const methodsByRoute = new Map<string, Set<string>>();
  app.addHook('onRoute', (route) => {
    const methods = methodsByRoute.get(route.url) ?? new Set();
    for (const method of [route.method].flat()) methods.add(method);
    methodsByRoute.set(route.url, methods);
  });
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?')[0] ?? '';
    const shown = path.slice(0, SHOWN_PATH_MAX);
    const allowed = new Set<string>();
    for (const [route, methods] of methodsByRoute) {
      if (isPathOf(route, path)) for (const method of methods) allowed.add(method);
    }
    if (allowed.size === 0) {
      throw new AppError(
        'API_NOT_FOUND',
        `There is nothing at ${shown}; /openapi.json describes what there is.`,
      );
    }
    const allow = [...allowed].toSorted().join(', ');
    void reply.header('allow', allow);
    throw new AppError('METHOD_NOT_ALLOWED', `${shown} does not take ${request.method}; it takes ${allow}.`);
  });
}

function isPathOf(route: string, path: string): boolean {
  const wanted = route.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]))
  );
}
