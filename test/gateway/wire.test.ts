import assert from 'node:assert/strict';
import { ENDPOINT, KEY, gatewayWorld, readUntil, testBoth } from '../support/gateway-world.ts';
import { wireWorker } from '../support/wire-worker.ts';

const AUTH = `Authorization: Bearer ${KEY}`;
const HIDDEN = `GET /e/${ENDPOINT}/hidden HTTP/1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`;

const post = (...lines: string[]): string =>
  `POST /e/${ENDPOINT}/there HTTP/1.1\r\nHost: h\r\n${AUTH}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
const get = (...lines: string[]): string => post(...lines).replace('POST', 'GET');
const CHUNKED = 'Transfer-Encoding: chunked';

/** Requests that are passed on: what is odd of them, their bytes, and the body that the worker must see. */
const PASSED: readonly (readonly [what: string, bytes: string, body: string])[] = [
  ['nothing', get(), ''],
  ['a length of nothing', post('Content-Length: 0'), ''],
  ['a length', post('Content-Length: 3') + 'abc', 'abc'],
  ['zeros before a length', post('Content-Length: 003') + 'abc', 'abc'],
  ['spaces and tabs around values', post('Content-Length:\t 3 \t', 'X-A: \t b\t') + 'abc', 'abc'],
  ['names in other cases', post('cOnTeNt-LeNgTh: 3', 'HOSt-x: y') + 'abc', 'abc'],
  ['chunks', post(CHUNKED) + '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 'abcde'],
  ['no chunk', post(CHUNKED) + '0\r\n\r\n', ''],
  ['an encoding in capitals', post('TRANSFER-ENCODING: CHUNKED') + '3\r\nabc\r\n0\r\n\r\n', 'abc'],
  ['extensions of chunks', post(CHUNKED) + '3;a="b c"\r\nabc\r\n0;d\r\n\r\n', 'abc'],
  ['zeros before a chunk size', post(CHUNKED) + '0000000003\r\nabc\r\n000\r\n\r\n', 'abc'],
  ['trailers', post(CHUNKED) + '3\r\nabc\r\n0\r\nX-T: 1\r\nHost: x\r\nAuthorization: y\r\n\r\n', 'abc'],
  ['a body that is a request', post(`Content-Length: ${HIDDEN.length}`) + HIDDEN, HIDDEN],
  [
    'a chunk that is a request',
    post(CHUNKED) + `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`,
    HIDDEN,
  ],
  ['a body that looks like chunks', post('Content-Length: 5') + '0\r\n\r\n', '0\r\n\r\n'],
  [
    'Connection that names the length',
    post('Connection: content-length', 'Content-Length: 3') + 'abc',
    'abc',
  ],
  ['Connection that names the encoding', post('Connection: transfer-encoding', CHUNKED) + '0\r\n\r\n', ''],
  ['Connection that names Host', get('Connection: host, x-a', 'X-A: b'), ''],
  [
    'an offer of HTTP/2',
    get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMA'),
    '',
  ],
  [
    'TE and Keep-Alive',
    get('TE: trailers, chunked', 'Keep-Alive: timeout=1', 'Proxy-Connection: keep-alive'),
    '',
  ],
  [
    'names that look like framing',
    get('Content_Length: 5', 'Transfer_Encoding: chunked', 'X-Content-Length: 4'),
    '',
  ],
  ['bytes beyond ASCII', get('X-A: gr\xfc\xdfe \xff'), ''],
  ['an absolute target', get().replace('/e/', 'http://elsewhere.test/e/'), ''],
  ['dots and escapes in the target', get().replace('/there', '/../%2e%2e//x?a=%0d%0a&b=/there'), ''],
];

for (const [what, bytes, body] of PASSED) {
  testBoth(
    `one request in, one request out, on a new and on a used connection: ${what}`,
    async (t, forwarder) => {
      const world = await gatewayWorld(t, forwarder);
      const worker = await wireWorker(t);
      world.putWorker(worker.port);
      const socket = await world.raw();
      for (let round = 1; round <= 3; round += 1) {
        for (const one of [bytes, get().replace('/there', '/between')]) {
          socket.write(Buffer.from(one, 'latin1'));
          await readUntil(socket, /\r\n\r\nok$/);
        }
      }
      await world.listener.seen('ended', 6);
      const requests = worker.connections.flat();
      assert.equal(requests.length, 6, `${requests.length} requests came`);
      for (const [index, request] of requests.entries()) {
        if (request instanceof Error) throw request;
        const { head, text, trailers } = request;
        assert.equal(request.body, index % 2 === 0 ? body : '');
        assert.doesNotMatch(head.target, index % 2 === 0 ? /between|hidden/ : /there|hidden/);
        const names = head.fields.filter((_, place) => place % 2 === 0).map((name) => name.toLowerCase());
        // Whatever the client's framing said, ours is said once and is the only one.
        const framing = names.filter((name) => name === 'content-length' || name === 'transfer-encoding');
        assert.ok(framing.length <= 1, text);
        assert.equal(names.filter((name) => name === 'host').length, 1);
        assert.match(text, new RegExp(`\r\nHost: 127\\.0\\.0\\.1:${worker.port}\r\n`, 'i'));
        for (const gone of [
          'authorization',
          'te',
          'upgrade',
          'http2-settings',
          'proxy-connection',
          'expect',
        ]) {
          assert.ok(!names.includes(gone), `${gone} came through: ${text}`);
        }
        for (let place = 0; place < trailers.length; place += 2) assert.equal(trailers[place], 'X-T');
      }
      // Nothing was in doubt, so the connection served on. One of node:http that has trailers is closed.
      if (forwarder === 'strict') assert.equal(worker.connections.length, 1);
    },
  );
}

testBoth('a request is framed anew, byte for byte', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  const worker = await wireWorker(t);
  world.putWorker(worker.port);
  const socket = await world.raw();
  socket.write(
    `POST /e/${ENDPOINT}/a?b HTTP/1.1\r\nhost: Example:1\r\n${AUTH}\r\nx-a:  1 \r\nX-Request-Id: id-1\r\nContent-Length: 0003\r\nConnection: keep-alive\r\n\r\nabc`,
  );
  await readUntil(socket, /ok$/);
  const request = worker.connections[0]?.[0];
  assert.ok(request !== undefined && !(request instanceof Error));
  // Undici adds a Connection of its own, and writes some names in lower case.
  const framing = `Content-Length: 3\r\n${forwarder !== 'general' ? '' : 'Connection: keep-alive\r\n'}`;
  const lines = [
    'POST /a?b HTTP/1.1',
    `Host: 127.0.0.1:${worker.port}`,
    'x-a: 1',
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Host: Example:1',
    'X-Request-Id: id-1',
  ];
  const sorted = (text: string): string[] => text.toLowerCase().split('\r\n').sort();
  assert.deepEqual(sorted(request.text), sorted(`${lines.join('\r\n')}\r\n${framing}\r\n`));
});
