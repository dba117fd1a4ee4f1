import { AppError } from '../../base/errors.ts';
import type { ParsedRequest } from '../../http1/request-head.ts';

type RoutedBy = Pick<ParsedRequest, 'target' | 'host'>;

export interface Routed {
  readonly endpointId: string;
  /** Named by the host form, where it must be the endpoint's. */
  readonly appName: string | null;
  /** The request target at the worker. */
  readonly path: string;
}

const PATH_PREFIX = '/e/';
const ABSOLUTE = /^https?:\/\/([^/?#]*)/i;
const LABEL = /^([a-z0-9]+)-([a-z0-9-]+)$/i;

/**
 * Where a request wants to go, or null when that is not an endpoint: the path form `/e/{id}/…`, or
 * the host form `{id}-{app_name}.{domain}`. What follows is passed on byte for byte: neither decoded
 * nor normalised, so that a worker sees exactly what its client wrote.
 */
export function routeOf(head: RoutedBy, domain: string | null): Routed | null {
  let { target, host = '' } = head;
  const absolute = target.startsWith('/') ? null : ABSOLUTE.exec(target);
  if (absolute !== null) {
    // A request to a proxy: its target's authority takes the place of Host (RFC 9112 §3.2.2).
    host = absolute[1] ?? '';
    target = asPath(target.slice(absolute[0].length));
  }
  if (domain !== null) {
    const named = routeByHost(host, domain);
    if (named !== null) return target.startsWith('/') ? { ...named, path: target } : null;
  }
  if (!target.startsWith(PATH_PREFIX)) return null;
  let end = PATH_PREFIX.length;
  while (end < target.length && !endsSegment(target.charCodeAt(end))) end += 1;
  return {
    endpointId: target.slice(PATH_PREFIX.length, end),
    appName: null,
    path: asPath(target.slice(end)),
  };
}

/** A slash, a question mark or a number sign. */
function endsSegment(code: number): boolean {
  return code === 0x2f || code === 0x3f || code === 0x23;
}

/** `routed`: what `routeOf` found; a request that leads nowhere is refused. */
export function checkRoute(routed: Routed | null): Routed {
  if (routed !== null) return routed;
  throw new AppError(
    'API_NOT_FOUND',
    'This address leads to no endpoint; endpoints are at /e/{endpoint_id}/.',
  );
}

function asPath(rest: string): string {
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function routeByHost(host: string, domain: string): { endpointId: string; appName: string } | null {
  const name = host.replace(/:[0-9]*$/, '').toLowerCase();
  const suffix = `.${domain.toLowerCase()}`;
  if (!name.endsWith(suffix)) return null;
  const label = LABEL.exec(name.slice(0, -suffix.length));
  if (label === null) return null;
  return { endpointId: label[1] as string, appName: label[2] as string };
}
