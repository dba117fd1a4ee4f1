import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;
const CERTIFICATES = resolve(import.meta.dirname, '../fixtures/certificates');

const trusted = await Promise.all(
  ['first', 'second'].map(async (name) => await readFile(join(CERTIFICATES, `${name}.cert.pem`), 'utf8')),
);
setDefaultCACertificates([...getCACertificates('default'), ...trusted]);

for (const flags of [['--forwarder=strict'], ['--forwarder=general'], ['--gateways=2']]) {
  describe(`TLS with ${flags.join(' ')}`, { timeout: TIME_OUT_MS }, () => {
    let server: ServerProcess;
    let folder: string;
    let id: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'pilotlight-tls-'));
      await use('first');
      const files = [`--tls-cert=${folder}/cert.pem`, `--tls-key=${folder}/key.pem`];
      server = await ServerProcess.start({ flags: [...flags, ...files] });
      id = await server.create({ worker_config: { max_replicas: 1, max_concurrent_per_worker: 10 } });
    });
    after(async () => {
      await server.dispose();
      await rm(folder, { recursive: true });
    });

    async function use(name: string): Promise<void> {
      for (const part of ['cert', 'key']) {
        await copyFile(join(CERTIFICATES, `${name}.${part}.pem`), join(folder, `${part}.pem`));
      }
    }

    /** The name in the certificate that a new connection is shown. */
    async function shownName(): Promise<string> {
      const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1' });
      await once(socket, 'secureConnect');
      const name = socket.getPeerCertificate().subject.CN;
      socket.destroy();
      return String(name);
    }

    async function written(text: string, since: number): Promise<void> {
      const signal = AbortSignal.timeout(TIME_OUT_MS);
      while (!server.output.slice(since).includes(text)) {
        signal.throwIfAborted();
        await new Promise((resume) => setTimeout(resume, 20));
      }
    }

    it('carries the API and requests, and tells the worker that it does', async () => {
      assert.match(server.url, /^https:/);
      const endpoint = await server.get(id);
      assert.match(endpoint.url, /^https:/);
      const answer = await server.request('POST', `/e/${id}/echo`, { text: 'x'.repeat(100_000) });
      assert.equal(answer.status, 200);
      const echo = (await answer.json()) as { headers: Record<string, string>; body_bytes: number };
      assert.equal(echo.headers['x-forwarded-proto'], 'https');
      assert.equal(echo.body_bytes, 100_011);
    });

    it('carries WebSocket', async () => {
      const socket = new WebSocket(`${server.url.replace('https', 'wss')}/e/${id}/ws`, {
        headers: { authorization: `Bearer ${API_KEY}` },
      });
      await once(socket, 'message');
      socket.send('over TLS');
      const [message] = (await once(socket, 'message')) as [Buffer];
      socket.close();
      await once(socket, 'close');
      assert.match(message.toString(), /over TLS/);
    });

    it('answers nothing to plain HTTP, and goes on', async () => {
      const plain = get({ host: '127.0.0.1', port: Number(new URL(server.url).port), path: '/healthz' });
      await assert.rejects(once(plain, 'response'));
      assert.equal((await server.request('GET', '/healthz')).status, 200);
    });

    it('reads a new certificate at SIGHUP, and keeps the old one where the new one is broken', async () => {
      assert.equal(await shownName(), 'first');
      const held: TLSSocket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1' });
      await once(held, 'secureConnect');
      await use('second');
      let since = server.output.length;
      process.kill(server.pid, 'SIGHUP');
      await written('the certificate was read again', since);
      // Threads are told, and each has it when it turns to its next connection.
      while ((await shownName()) !== 'second') assert.equal(server.exitCode, null);
      held.write(`GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
      assert.match(String(await once(held, 'data')), /^HTTP\/1\.1 200 /);
      held.destroy();
      await copyFile(join(CERTIFICATES, 'first.key.pem'), join(folder, 'key.pem'));
      since = server.output.length;
      process.kill(server.pid, 'SIGHUP');
      await written('the one before is kept', since);
      assert.equal(await shownName(), 'second');
    });
  });
}

it('a certificate without its key is refused at the start', { timeout: TIME_OUT_MS }, async () => {
  const start = async (...flags: string[]): Promise<ServerProcess> => await ServerProcess.start({ flags });
  const cert = join(CERTIFICATES, 'first.cert.pem');
  await assert.rejects(start(`--tls-cert=${cert}`), /PILOTLIGHT_TLS_CERT and PILOTLIGHT_TLS_KEY go together/);
  const other = join(CERTIFICATES, 'second.key.pem');
  await assert.rejects(start(`--tls-cert=${cert}`, `--tls-key=${other}`), /the key .*second\.key\.pem/);
  const missing = `--tls-cert=${join(CERTIFICATES, 'none.pem')}`;
  await assert.rejects(start(missing, `--tls-key=${other}`), /PILOTLIGHT_TLS_CERT: ENOENT/);
});
