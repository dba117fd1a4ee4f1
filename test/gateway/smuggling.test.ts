import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { ENDPOINT, KEY, gatewayWorld, readToEnd, readUntil, testBoth } from '../support/gateway-world.ts';

const AUTH = `Authorization: Bearer ${KEY}`;
const TARGET = `/e/${ENDPOINT}/first`;
/** A whole request that must never be served when it is hidden behind a refused one. */
const HIDDEN = `GET /e/${ENDPOINT}/hidden HTTP/1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`;

const head = (...lines: string[]): string =>
  `POST ${TARGET} HTTP/1.1\r\nHost: h\r\n${AUTH}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

/** Requests that must be refused: what makes them so, and their bytes. */
const REFUSED: [string, string][] = [
  ['both lengths', head('Content-Length: 5', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
  ['both lengths, the other order', head('Transfer-Encoding: chunked', 'Content-Length: 5') + '0\r\n\r\n'],
  ['two different lengths', head('Content-Length: 5', 'Content-Length: 6') + 'abcdef'],
  ['two equal lengths', head('Content-Length: 5', 'Content-Length: 5') + 'abcde'],
  ['a list of lengths', head('Content-Length: 5, 5') + 'abcde'],
  ['a signed length', head('Content-Length: +5') + 'abcde'],
  ['a negative length', head('Content-Length: -5') + 'abcde'],
  ['a hexadecimal length', head('Content-Length: 0x5') + 'abcde'],
  ['a length with a fraction', head('Content-Length: 5.0') + 'abcde'],
  ['a length in words', head('Content-Length: five') + 'abcde'],
  ['an empty length', head('Content-Length: ')],
  ['a length beyond 64 bits', head('Content-Length: 99999999999999999999') + 'abcde'],
  ['a space inside the length', head('Content-Length: 1 0') + 'abcde'],
  ['a space before the colon', head('Content-Length : 5') + 'abcde'],
  ['a tab before the colon', head('Transfer-Encoding\t: chunked') + '0\r\n\r\n'],
  ['gzip and chunked', head('Transfer-Encoding: gzip, chunked') + '0\r\n\r\n'],
  ['chunked and gzip', head('Transfer-Encoding: chunked, gzip') + '0\r\n\r\n'],
  ['chunked twice in one header', head('Transfer-Encoding: chunked, chunked') + '0\r\n\r\n'],
  ['chunked in two headers', head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
  ['chunked and identity', head('Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + '0\r\n\r\n'],
  ['identity', head('Transfer-Encoding: identity')],
  ['an unknown encoding', head('Transfer-Encoding: xchunked') + '0\r\n\r\n'],
  ['a quoted encoding', head('Transfer-Encoding: "chunked"') + '0\r\n\r\n'],
  ['an encoding with a parameter', head('Transfer-Encoding: chunked;q=1') + '0\r\n\r\n'],
  ['an encoding with a vertical tab', head('Transfer-Encoding: \x0bchunked') + '0\r\n\r\n'],
  [
    'an encoding in HTTP/1.0',
    `POST ${TARGET} HTTP/1.0\r\nHost: h\r\n${AUTH}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['a folded header', head('X-Folded: a', ' b')],
  ['a folded encoding', head('Transfer-Encoding:', ' chunked') + '0\r\n\r\n'],
  ['a header that starts with a space', `POST ${TARGET} HTTP/1.1\r\n Host: h\r\n${AUTH}\r\n\r\n`],
  ['two hosts', head('Host: other')],
  ['two equal hosts', head('Host: h')],
  ['no host', `GET ${TARGET} HTTP/1.1\r\n${AUTH}\r\n\r\n`],
  ['a host with a path', `GET ${TARGET} HTTP/1.1\r\nHost: h/other\r\n${AUTH}\r\n\r\n`],
  ['a host with a user', `GET ${TARGET} HTTP/1.1\r\nHost: a@h\r\n${AUTH}\r\n\r\n`],
  ['a list of hosts', `GET ${TARGET} HTTP/1.1\r\nHost: h, other\r\n${AUTH}\r\n\r\n`],
  ['bare line feeds', `GET ${TARGET} HTTP/1.1\nHost: h\n${AUTH}\n\n`],
  ['one bare line feed', `GET ${TARGET} HTTP/1.1\r\nHost: h\n${AUTH}\r\n\r\n`],
  ['a bare carriage return', `GET ${TARGET} HTTP/1.1\r\nHost: h\r\n${AUTH}\r\nX-A: b\rX-C: d\r\n\r\n`],
  ['a NUL in a value', head('X-Nul: a\0b')],
  ['a NUL in a name', head('X-N\0ul: a')],
  ['a header without a colon', head('X-Nothing')],
  ['an empty header name', head(': value')],
  ['a space inside a header name', head('X Name: value')],
  ['a bad chunk size', head('Transfer-Encoding: chunked') + 'zz\r\nabc\r\n0\r\n\r\n'],
  ['a signed chunk size', head('Transfer-Encoding: chunked') + '+3\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size with 0x', head('Transfer-Encoding: chunked') + '0x3\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size with a space before it', head('Transfer-Encoding: chunked') + ' 3\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size with a space after it', head('Transfer-Encoding: chunked') + '3 \r\nabc\r\n0\r\n\r\n'],
  ['a chunk longer than its size', head('Transfer-Encoding: chunked') + '2\r\nabc\r\n0\r\n\r\n'],
  ['a chunk line that ends with a line feed', head('Transfer-Encoding: chunked') + '3\nabc\r\n0\r\n\r\n'],
  ['a chunk extension with a line feed', head('Transfer-Encoding: chunked') + '3;a\nb\r\nabc\r\n0\r\n\r\n'],
  ['a huge chunk size', head('Transfer-Encoding: chunked') + 'ffffffffffffffffff\r\nabc\r\n0\r\n\r\n'],
  ['a chunk without its line end', head('Transfer-Encoding: chunked') + '3\r\nabc0\r\n\r\n'],
  ['a space in the target', `GET ${TARGET} x HTTP/1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`],
  ['a control character in the target', `GET ${TARGET}\x01 HTTP/1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`],
  ['an unknown version', `GET ${TARGET} HTTP/1.9\r\nHost: h\r\n${AUTH}\r\n\r\n`],
  ['HTTP/2 in the line', `GET ${TARGET} HTTP/2.0\r\nHost: h\r\n${AUTH}\r\n\r\n`],
  ['a made-up method', `G@T ${TARGET} HTTP/1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`],
  ['an empty encoding', head('Transfer-Encoding: ') + '0\r\n\r\n'],
  ['an encoding that ends with a comma', head('Transfer-Encoding: chunked,') + '0\r\n\r\n'],
  ['an encoding that begins with a comma', head('Transfer-Encoding: , chunked') + '0\r\n\r\n'],
  ['an encoding behind a form feed', head('Transfer-Encoding: \x0cchunked') + '0\r\n\r\n'],
  ['an encoding with a NUL', head('Transfer-Encoding: chunked\0') + '0\r\n\r\n'],
  ['a length that ends with a comma', head('Content-Length: 5,') + 'abcde'],
  ['a length in scientific notation', head('Content-Length: 5e0') + 'abcde'],
  ['a length with an underscore', head('Content-Length: 1_0') + 'abcde'],
  ['a length behind a form feed', head('Content-Length: \x0c5') + 'abcde'],
  ['no chunk size', head('Transfer-Encoding: chunked') + '\r\nabc\r\n0\r\n\r\n'],
  ['an extension without a size', head('Transfer-Encoding: chunked') + ';a\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size that ends with CR', head('Transfer-Encoding: chunked') + '3\rabc\r\n0\r\n\r\n'],
  ['a chunk that ends with LF', head('Transfer-Encoding: chunked') + '3\r\nabc\n0\r\n\r\n'],
  ['a trailer that ends with LF', head('Transfer-Encoding: chunked') + '0\r\nX: y\n\r\n'],
  ['a folded trailer', head('Transfer-Encoding: chunked') + '0\r\nX: y\r\n z\r\n\r\n'],
  ['a trailer with a space before its colon', head('Transfer-Encoding: chunked') + '0\r\nX : y\r\n\r\n'],
  ['a trailer without a colon', head('Transfer-Encoding: chunked') + '0\r\nxyz\r\n\r\n'],
  ['a length among the trailers', head('Transfer-Encoding: chunked') + '0\r\nContent-Length: 9\r\n\r\n'],
  ['a DEL in a name', head('X-N\x7ful: a')],
  ['a name beyond ASCII', head('X-\xe9: a')],
  ['a bracket in a name', head('X(Y): a')],
  ['no version', `GET ${TARGET}\r\nHost: h\r\n${AUTH}\r\n\r\n`],
  ['a version in lower case', `GET ${TARGET} http/1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`],
  ['a tab before the version', `GET ${TARGET}\tHTTP/1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`],
  ['a version of three parts', `GET ${TARGET} HTTP/1.1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`],
  ['a method in lower case', `get ${TARGET} HTTP/1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`],
];

for (const [what, bytes] of REFUSED) {
  testBoth(`refused, and no worker hears of it: ${what}`, async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder, { endpoint: { slotsPerWorker: 4 } });
    const seen: string[] = [];
    const worker = await world.worker((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      request.resume();
      response.end('served');
    });
    // Also bytes that never become a request at the worker would show here.
    const workerSockets: Socket[] = [];
    worker.server.on('connection', (one) => workerSockets.push(one));
    const bytesRead = (): number => workerSockets.reduce((sum, one) => sum + one.bytesRead, 0);
    // Without a connection to the worker, then with an idle one; on a client's connection that is new,
    // then on one that has served a request.
    for (const served of [0, 1]) {
      const socket = await world.raw();
      if (served > 0) {
        socket.write(`GET /e/${ENDPOINT}/before HTTP/1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`);
        await readUntil(socket, /served/);
        await world.listener.seen('ended');
      }
      const before = bytesRead();
      const text = readToEnd(socket);
      socket.write(Buffer.from(bytes + HIDDEN, 'latin1'));
      const answer = await text;
      assert.match(answer, /^HTTP\/1\.1 400 /, answer);
      assert.equal(answer.match(/HTTP\/1\.1 \d{3}/g)?.length, 1, `one answer only: ${answer}`);
      assert.match(answer, /connection: close/i);
      assert.match(answer, /"reason":"REQUEST_MALFORMED"/);
      assert.equal(bytesRead(), before);
      assert.equal(world.gateway.load(ENDPOINT).running, 0);
    }
    assert.deepEqual(seen, ['GET /before']);
  });
}

const ACCEPTED: [string, string, string][] = [
  ['chunked in capitals', head('Transfer-Encoding: Chunked') + '3\r\nabc\r\n0\r\n\r\n', 'abc'],
  ['spaces around a length', head('Content-Length:   3  ') + 'abc', 'abc'],
  ['a chunk extension', head('Transfer-Encoding: chunked') + '3;name=value\r\nabc\r\n0\r\n\r\n', 'abc'],
  ['leading zeros of a chunk', head('Transfer-Encoding: chunked') + '0003\r\nabc\r\n0\r\n\r\n', 'abc'],
  ['a body that looks like a request', head(`Content-Length: ${HIDDEN.length}`) + HIDDEN, HIDDEN],
];

for (const [what, bytes, body] of ACCEPTED) {
  testBoth(`passed on once, and what follows is a request of its own: ${what}`, async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const seen: [string, string][] = [];
    const both = new Promise<void>((resolve) => {
      void world.worker((request, response) => {
        let text = '';
        request.on('data', (chunk) => (text += String(chunk)));
        request.on('end', () => {
          seen.push([request.url ?? '', text]);
          response.end();
          if (seen.length === 2) resolve();
        });
      });
    });
    const socket = await world.raw();
    socket.resume();
    socket.write(bytes);
    socket.write(`GET /e/${ENDPOINT}/second HTTP/1.1\r\nHost: h\r\n${AUTH}\r\n\r\n`);
    await both;
    assert.deepEqual(seen, [
      ['/first', body],
      ['/second', ''],
    ]);
  });
}

testBoth('a chunk that breaks later cuts the worker off and is answered 400', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  let aborted = (): void => undefined;
  const cut = new Promise<void>((resolve) => (aborted = resolve));
  let got = (): void => undefined;
  const begun = new Promise<void>((resolve) => (got = resolve));
  await world.worker((request) => {
    request.once('data', got);
    request.on('error', () => undefined);
    request.once('close', aborted);
  });
  const socket = await world.raw();
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(head('Transfer-Encoding: chunked') + '3\r\nabc\r\n');
  await begun;
  socket.write(`zz\r\n${HIDDEN}`);
  await Promise.all([closed, cut]);
  assert.match(text, /^HTTP\/1\.1 400 /);
  await world.listener.seen('ended');
  assert.equal(world.listener.outcomes()[0]?.end, 'clientGone');
});
