import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;
const DOMAIN = 'runsync.example.test';

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

describe('the URLs of an endpoint', { timeout: TIME_OUT_MS }, () => {
  let server: ServerProcess;
  let id: string;
  let port: number;
  before(async () => {
    server = await ServerProcess.start({ flags: [`--domain=${DOMAIN}`] });
    port = Number(new URL(server.url).port);
    id = await server.create({
      app_name: 'my-echo',
      worker_config: { max_replicas: 1, max_concurrent_per_worker: 10 },
    });
  });
  after(async () => {
    await server.dispose();
  });

  /** To the server's own address, whatever name the Host header says. */
  async function get(host: string, path: string, key = API_KEY): Promise<Answer> {
    const sent = request({
      host: '127.0.0.1',
      port,
      path,
      headers: { host, authorization: `Bearer ${key}` },
    });
    sent.end();
    const [answer] = (await once(sent, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return {
      status: answer.statusCode,
      body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Answer['body'],
    };
  }

  function open(host: string, path: string, key = API_KEY): WebSocket {
    return new WebSocket(`ws://127.0.0.1:${port}${path}`, {
      headers: { host, authorization: `Bearer ${key}` },
    });
  }

  const forms = (): readonly (readonly [string, string, string])[] => [
    ['host', `${id}-my-echo.${DOMAIN}:${port}`, ''],
    ['host without a port, in capitals', `${id}-MY-ECHO.${DOMAIN.toUpperCase()}`, ''],
    ['path', `127.0.0.1:${port}`, `/e/${id}`],
    ['path under the domain itself', DOMAIN, `/e/${id}`],
  ];

  it('is the host form where there is a domain, and the path form for a name too long for a host', async () => {
    assert.equal((await server.get(id)).url, `http://${id}-my-echo.${DOMAIN}:${port}`);
    const long = await server.create({ app_name: 'a'.repeat(60) });
    assert.equal((await server.get(long)).url, `${server.url}/e/${long}`);
  });

  it('leads to the worker in both forms, the path and the query byte for byte', async () => {
    for (const [form, host, prefix] of forms()) {
      const path = '/a%2Fb//c/../d?q=%20x&e=';
      const { status, body } = await get(host, `${prefix}${path}`);
      assert.equal(status, 200, `${form}: ${JSON.stringify(body)}`);
      assert.equal(body['path'], path, form);
    }
  });

  it('leads a path that begins like the other form to the worker', async () => {
    const { body } = await get(`${id}-my-echo.${DOMAIN}`, '/e/other/path');
    assert.equal(body['path'], '/e/other/path');
    const { body: api } = await get(`${id}-my-echo.${DOMAIN}`, '/gpus/v2/endpoints');
    assert.equal(api['path'], '/gpus/v2/endpoints');
  });

  it('refuses a name that is not the endpoint’s, and a wrong key', async () => {
    for (const host of [`${id}-other.${DOMAIN}`, `nosuchpoint1-my-echo.${DOMAIN}`]) {
      const { status, body } = await get(host, '/');
      assert.equal(status, 404, host);
      assert.equal(body['reason'], 'SERVERLESS_ENDPOINT_NOT_FOUND', host);
    }
    const { status, body } = await get(`${id}-my-echo.${DOMAIN}`, '/', 'no-key-of-this-server');
    assert.equal(status, 401);
    assert.equal(body['reason'], 'UNAUTHORIZED');
  });

  it('opens WebSockets in both forms; text and bytes go both ways', async () => {
    for (const [form, host, prefix] of forms()) {
      const socket = open(host, `${prefix}/chat?room=1`);
      const messages: { readonly data: Buffer; readonly isBinary: boolean }[] = [];
      const three = new Promise<void>((resolve) => {
        socket.on('message', (data: Buffer, isBinary: boolean) => {
          messages.push({ data, isBinary });
          if (messages.length === 3) resolve();
        });
      });
      await once(socket, 'open');
      const bytes = Buffer.alloc(200_000, 7);
      socket.send('hé');
      socket.send(bytes);
      await three;
      const closed = once(socket, 'close') as Promise<[number, Buffer]>;
      socket.close(4001, 'enough');
      assert.equal((await closed)[0], 4001, form);
      const [hello, text, binary] = messages;
      assert.equal((JSON.parse(String(hello?.data)) as { revision: string }).revision, '1', form);
      assert.deepEqual(text, { data: Buffer.from('hé'), isBinary: false });
      assert.ok(binary?.isBinary === true && bytes.equals(binary.data), form);
    }
  });

  it('refuses a WebSocket without a good key or an endpoint by an HTTP answer', async () => {
    const refused: readonly (readonly [WebSocket, number])[] = [
      [open(`${id}-my-echo.${DOMAIN}`, '/', 'no-key-of-this-server'), 401],
      [open(`127.0.0.1:${port}`, '/e/nosuchpoint1/'), 404],
      [open(`127.0.0.1:${port}`, '/gpus/v2/endpoints'), 404],
    ];
    for (const [socket, expected] of refused) {
      const [sent, answer] = (await once(socket, 'unexpected-response')) as [
        { destroy(): void },
        { statusCode: number },
      ];
      sent.destroy();
      assert.equal(answer.statusCode, expected);
    }
  });

  it('wakes an endpoint at zero by a WebSocket', async () => {
    const asleep = await server.create({});
    const socket = open(`127.0.0.1:${port}`, `/e/${asleep}/`);
    const [hello] = (await once(socket, 'message')) as [Buffer];
    assert.match(String(hello), /"greeting":"hello"/);
    const closed = once(socket, 'close');
    socket.close();
    await closed;
  });
});
