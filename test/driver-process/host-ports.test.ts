import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  HostPorts,
  hostPortRange,
  parseEphemeralRange,
} from '../../src/adapters/driver-process/host-ports.ts';
import { accepts } from '../support/port-probe.ts';

test('ports are taken outside of the ephemeral range, below it where there is room', () => {
  assert.deepEqual(hostPortRange({ first: 32_768, last: 60_999 }), { first: 20_000, last: 32_767 });
  assert.deepEqual(hostPortRange({ first: 15_000, last: 60_999 }), { first: 61_000, last: 65_535 });
  const port = fc.integer({ min: 1, max: 65_535 });
  fc.assert(
    fc.property(port, port, (one, other) => {
      const range = hostPortRange({ first: Math.min(one, other), last: Math.max(one, other) });
      assert.ok(range.first >= 20_000 && range.last <= 65_535 && range.first < range.last);
    }),
  );
});

test('a range that leaves no room is not obeyed', () => {
  assert.deepEqual(hostPortRange({ first: 1_024, last: 65_535 }), { first: 20_000, last: 32_767 });
});

test('the kernel tells its range as two numbers', () => {
  assert.deepEqual(parseEphemeralRange('32768\t60999\n'), { first: 32_768, last: 60_999 });
  assert.equal(parseEphemeralRange('none'), null);
});

test('a port is given to one worker at a time, also when all begin at the same place', async () => {
  const ports = new HostPorts({ first: 20_000, last: 32_767 });
  const taken = await Promise.all(Array.from({ length: 50 }, () => ports.take(0.3)));
  assert.equal(new Set(taken).size, 50);
  const [one = 0, ...others] = taken;
  ports.release(one);
  assert.ok(!others.includes(await ports.take(0.3)));
});

test('a port somebody listens on, or an earlier worker keeps, is not given', async () => {
  const port = await new HostPorts({ first: 20_000, last: 32_767 }).take(Math.random());
  const alone = new HostPorts({ first: port, last: port });
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  await assert.rejects(alone.take(0), /no free port/);
  server.close();
  await once(server, 'close');
  alone.keep(port);
  await assert.rejects(alone.take(0.9), /no free port/);
  alone.release(port);
  assert.equal(await alone.take(0), port);
});

test('a port that is held ready is kept from others, and is free the moment it is given', async () => {
  const port = await new HostPorts({ first: 20_000, last: 32_767 }).take(Math.random());
  const alone = new HostPorts({ first: port, last: port });
  alone.holdNext(0);
  while (!(await accepts(port)));
  assert.equal(await alone.take(0.5), port);
  const worker = createServer().listen(port, '127.0.0.1');
  await once(worker, 'listening');
  worker.close();
  await once(worker, 'close');
  await assert.rejects(alone.take(0), /no free port/, 'it is the worker’s until it is released');
});
