import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ServerProcess } from '../support/server-process.ts';

const AUTHS = '/gpus/v2/registry-auths';
const PASSWORD = 'hunter2-and-more';

test('a password is in no file of the server, and without its key the server says so and does not start', async () => {
  const first = await ServerProcess.start();
  const { dataDir } = first;
  const auth = { name: 'ci', registry: 'ghcr.io', username: 'robot', password: PASSWORD };
  await first.api('POST', AUTHS, auth);
  const listed = await first.api('GET', AUTHS);
  assert.equal(await first.terminate(), 0);
  const key = join(dataDir, 'secret.key');
  assert.equal(statSync(key).mode & 0o777, 0o600);
  for (const file of readdirSync(dataDir, { withFileTypes: true })) {
    if (!file.isFile()) continue;
    assert.ok(!readFileSync(join(dataDir, file.name)).includes(PASSWORD), file.name);
  }
  assert.ok(!first.output.includes(PASSWORD));

  const away = join(dataDir, 'elsewhere');
  renameSync(key, away);
  await assert.rejects(ServerProcess.start({ dataDir }), /ended \(1\).*key file .*secret\.key is not there/s);
  renameSync(away, key);
  chmodSync(key, 0o644);
  await assert.rejects(ServerProcess.start({ dataDir }), /ended \(1\).*has the mode 0644.*chmod 600/s);
  chmodSync(key, 0o600);
  const environment = { PILOTLIGHT_SECRET_KEY: randomBytes(32).toString('base64') };
  await assert.rejects(
    ServerProcess.start({ dataDir, environment }),
    /ended \(1\).*PILOTLIGHT_SECRET_KEY holds the key [0-9a-f]{8}/s,
  );
  const last = await ServerProcess.start({
    dataDir,
    environment: { PILOTLIGHT_SECRET_KEY: readFileSync(key, 'utf8').trim() },
  });
  assert.deepEqual(await last.api('GET', AUTHS), listed, 'the same key, given as a variable');
  await last.dispose();
});
