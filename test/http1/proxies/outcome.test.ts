import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { difference, type Outcome } from './outcome.ts';
import { RecordingUpstream } from './recording-upstream.ts';

const GET = { method: 'GET', target: '/', body: '' };
const POST = { method: 'POST', target: '/p', body: 'hello' };

function outcome(change: Partial<Outcome>): Outcome {
  return { received: [], broken: [], statuses: [], closed: false, ...change };
}

test('what a proxy refuses or reads differently and we pass on is a difference, what we refuse is none', () => {
  const ours = outcome({ received: [GET, POST], statuses: [200, 200] });
  assert.equal(difference(ours, outcome({ received: [GET, POST], statuses: [200, 200] })), null);
  assert.match(
    difference(ours, outcome({ received: [GET], statuses: [200, 400] })) ?? '',
    /did not \(200 400\)/,
  );
  const shorter = { ...POST, body: 'hell' };
  assert.match(
    difference(ours, outcome({ received: [GET, shorter] })) ?? '',
    /request 2 was read differently/,
  );
  assert.equal(difference(outcome({ statuses: [400] }), ours), null);
  // After a 404 of our own the second of theirs is the first of ours.
  assert.equal(difference(outcome({ received: [POST], statuses: [404, 200] }), ours), null);
  const stopped = outcome({ received: [GET], statuses: [200], closed: true });
  assert.equal(difference(ours, stopped), null, 'it said that this was the last one');
});

test('a byte too many behind a proxy is seen', async () => {
  const upstream = await RecordingUpstream.open();
  const socket = connect(upstream.port, '127.0.0.1');
  const plain = 'POST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello';
  const chunked =
    'POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\n\r\n';
  socket.write(`${plain}${chunked}${plain}X\0\r\n\r\n`);
  socket.resume();
  // It hangs up on what it cannot read.
  await once(socket, 'close');
  assert.deepEqual([upstream.received, upstream.broken], [[POST, POST, POST], ['X\0\r\n\r\n']]);
  const { received, broken } = upstream;
  assert.match(difference(outcome({ received, broken }), outcome({ received })) ?? '', /cannot be read/);
  await upstream.close();
});
