import assert from 'node:assert/strict';
import { ENDPOINT, gatewayWorld, KEY, readToEnd, testBoth } from '../support/gateway-world.ts';

/** The server is in this process: what was written has been read by it after some turns. */
async function turns(): Promise<void> {
  for (let left = 20; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}

const CASES: readonly { what: string; key: string; pieces: readonly string[] }[] = [
  {
    what: 'a chunk that breaks behind an early answer',
    key: 'nobody',
    pieces: ['ZZZ\r\n', '0\r\n\r\n'],
  },
  {
    what: 'chunk extensions beyond their bound',
    key: KEY,
    pieces: [`1;${'a'.repeat(4_000)}\r\nx\r\n`.repeat(6), '0\r\n\r\n'],
  },
  {
    what: 'trailers beyond their bound',
    key: KEY,
    pieces: [`0\r\nX-Long: ${'a'.repeat(20_000)}\r\n`, '\r\n'],
  },
];

for (const { what, key, pieces } of CASES) {
  testBoth(`after ${what} nothing of the connection is read as a request`, async (t, forwarder) => {
    // node:http bounds neither of them by what they hold; it reads on where they end.
    if (forwarder === 'general' && key === KEY) return;
    const world = await gatewayWorld(t, forwarder);
    const asked: string[] = [];
    await world.worker((request, response) => {
      asked.push(request.url ?? '');
      request.on('error', () => undefined);
      request.on('end', () => response.end('served'));
      request.resume();
    });
    const socket = await world.raw();
    // Each piece on its own, and at once.
    socket.setNoDelay(true);
    socket.write(
      `POST /e/${ENDPOINT}/first HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${key}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    await turns();
    for (const piece of pieces) {
      socket.write(piece);
      await turns();
    }
    socket.write(
      `GET /e/${ENDPOINT}/second HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\n\r\n`,
    );
    for (let left = 50; left > 0 && !asked.includes('/second'); left -= 1) await turns();
    // What is left of the connection is read away for a while.
    world.clock.advance(10_000);
    const answers = await readToEnd(socket);
    assert.doesNotMatch(answers, /HTTP\/1\.1 200/);
    assert.ok(!asked.includes('/second'), `asked for ${asked.join(' ')}`);
  });
}
