/** A gateway of http-proxy-3: key check, the least loaded program, keep-alive on both sides. */
import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'http-proxy-3';
import { poolsOf } from './least-running.ts';

const authorization = `Bearer ${process.env['API_KEY'] ?? ''}`;
const pools = poolsOf(process.env);
const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 1_024 });
const proxy = createProxyServer({ agent, xfwd: true });
proxy.on('error', (_error, _request, response) => void response.destroy());

const server = createServer({ requestTimeout: 0, keepAliveTimeout: 600_000 }, (request, response) => {
  const pool = pools[request.url?.split('/')[1] ?? ''];
  if (request.headers.authorization !== authorization || pool === undefined) {
    response.writeHead(401).end();
    return;
  }
  const { url, done } = pool.take();
  response.once('close', done);
  proxy.web(request, response, { target: url });
});
server.on('upgrade', (request, socket, head) => {
  const pool = pools[request.url?.split('/')[1] ?? ''];
  if (request.headers.authorization !== authorization || pool === undefined) {
    socket.destroy();
    return;
  }
  const { url, done } = pool.take();
  socket.once('close', done);
  proxy.ws(request, socket, head, { target: url });
});
server.listen(Number(process.env['PORT']), '127.0.0.1', 16_384);
process.on('SIGTERM', () => process.exit(0));
