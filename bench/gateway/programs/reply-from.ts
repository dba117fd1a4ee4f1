/** A gateway of Fastify and @fastify/reply-from over undici: key check and the least loaded program. */
import replyFrom from '@fastify/reply-from';
import { fastify } from 'fastify';
import { poolsOf } from './least-running.ts';

const authorization = `Bearer ${process.env['API_KEY'] ?? ''}`;
const pools = poolsOf(process.env);
const server = fastify({ bodyLimit: 2 ** 30, keepAliveTimeout: 600_000 });
server.removeAllContentTypeParsers();
server.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
await server.register(replyFrom, { undici: { connections: 1_024, pipelining: 1 } });
server.all('/*', (request, reply) => {
  const pool = pools[request.url.split('/')[1] ?? ''];
  if (request.headers.authorization !== authorization || pool === undefined) return reply.code(401).send();
  const { url, done } = pool.take();
  reply.raw.once('close', done);
  return reply.from(`${url}${request.url}`);
});
await server.listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 16_384 });
process.on('SIGTERM', () => process.exit(0));
