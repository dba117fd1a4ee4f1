import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { AppError } from '../../base/errors.ts';
import { secureOptions } from '../../gateway/certificate.ts';
import { createGateway, type Gateway, type GatewayOptions } from '../../gateway/gateway.ts';
import { DEFAULT_LIMITS } from '../../gateway/limits.ts';
import { serverOptions, tune } from '../../gateway/server-tuning.ts';
import type { ApiKey } from '../../ports/store.ts';
import type { Config } from '../config.ts';
import { OwnFront, type Front } from './front.ts';
import { GatewayThreads } from './gateway-threads.ts';

/** The gateway: in this thread, or in several of their own. */
export function openFront(
  config: Config,
  options: GatewayOptions,
  apiKeys: ReadonlyMap<string, ApiKey>,
): { readonly front: Front; readonly gateway: Gateway | null } {
  const { threads, forwarder } = config.gateway;
  if (threads === 1) {
    const gateway = createGateway(options);
    return { front: new OwnFront(gateway, forwarder), gateway };
  }
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const front = new GatewayThreads({
    ...options,
    limits,
    threads,
    certificate: options.certificate ?? null,
    apiKeys: [...apiKeys.values()],
    logLevel: config.logLevel,
  });
  return { front, gateway: null };
}

/** The server of the API; it speaks TLS itself only where it reads the clients' connections itself. */
export function openHttp({ gateway }: Config, { certificate = null, limits }: GatewayOptions): HttpServer {
  const options = serverOptions({ ...DEFAULT_LIMITS, ...limits });
  return certificate === null || gateway.forwarder === 'strict'
    ? createServer(options)
    : createHttpsServer({
        ...options,
        ...secureOptions(certificate),
        handshakeTimeout: options.headersTimeout,
      });
}

/** The server of the API alone: gateway threads have read what comes to it, and framed it anew. */
export function tuneInside(http: HttpServer, { limits }: GatewayOptions): void {
  tune(http, {
    limits: { ...DEFAULT_LIMITS, ...limits },
    matches: () => false,
    failLatest: () => false,
    closeLater: (socket) => socket.destroy(),
  });
}

/** Resolves with the port. Throws CONFIG_INVALID where it cannot be had. */
export async function listen(front: Front, config: Config): Promise<number> {
  const { host, port } = config.listen;
  try {
    return await front.listen(host, port);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError(
      'CONFIG_INVALID',
      `cannot listen on ${host}:${port}: ${why}; choose another --listen`,
      { cause },
    );
  }
}
