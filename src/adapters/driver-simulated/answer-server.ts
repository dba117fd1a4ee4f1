import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A real server on a free port of the loopback, standing in for one worker's. */
export async function listenOnLoopback(answer: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(answer);
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  return { server, port: (server.address() as AddressInfo).port };
}

/** As the kernel does when a process ends: what is open is cut off. */
export function endAbruptly(server: Server): void {
  server.close();
  server.closeAllConnections();
}
