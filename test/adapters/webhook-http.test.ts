import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createWebhookSender } from '../../src/adapters/webhook-http.ts';
import { AppError } from '../../src/base/errors.ts';

async function receiver(context: TestContext, status = 200, headers: Record<string, string> = {}) {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(body);
      response.writeHead(status, headers).end('x'.repeat(1_000));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, bodies };
}

const never = new AbortController().signal;
const message = (url: string) => ({ url, headers: { 'content-type': 'application/json' }, body: '{"a":1}' });

test('what may be reached gets the body, and its status is told; a redirect is not followed', async (context) => {
  const { port, bodies } = await receiver(context, 302, { location: 'http://169.254.169.254/' });
  const sender = createWebhookSender({ allow: ['127.0.0.0/8'] });
  context.after(async () => await sender.close());
  assert.equal(await sender.send(message(`http://127.0.0.1:${port}/hook`), never), 302);
  assert.deepEqual(bodies, ['{"a":1}']);
});

test('what is no public address is refused, however it is written', async (context) => {
  const { port, bodies } = await receiver(context);
  const sender = createWebhookSender({ allow: [] });
  context.after(async () => await sender.close());
  const hosts = [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '10.1.2.3',
    '169.254.169.254',
    '0x7f.1',
    '2130706433',
  ];
  for (const host of hosts) {
    await assert.rejects(sender.send(message(`http://${host}:${port}/`), never), (error: unknown) => {
      assert.ok(error instanceof AppError && error.code === 'FORBIDDEN', `${host}: ${String(error)}`);
      assert.match(error.message, /PILOTLIGHT_WEBHOOK_ALLOW/);
      return true;
    });
  }
  assert.deepEqual(bodies, []);
});
