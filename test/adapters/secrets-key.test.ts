import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSecrets } from '../../src/adapters/secrets-key.ts';
import type { Secrets } from '../../src/ports/secrets.ts';
import { withDataFolder } from '../support/data-folder.ts';

const PLACE = 'registry credential a1';
const SECRET = 'pässword "$1" \u{1f511}';

function withKey(key: Uint8Array): Secrets {
  return openSecrets({ key, keyFile: '/nowhere/secret.key' });
}

test('what is sealed opens again, under the same key and place alone, and says nothing', () => {
  const key = randomBytes(32);
  const sealed = withKey(key).seal(SECRET, PLACE);
  assert.equal(withKey(key).open(sealed, PLACE), SECRET);
  assert.ok(!sealed.includes('word'));
  assert.ok(!Buffer.from(sealed.split('.')[3] ?? '', 'base64url').includes('word'));
  assert.notEqual(withKey(key).seal(SECRET, PLACE), sealed, 'the same text looks different each time');
  assert.throws(() => withKey(key).open(sealed, 'registry credential a2'), {
    code: 'SECRET_UNREADABLE',
    message: /registry credential a2 cannot be read: it was changed/,
  });
  assert.throws(() => withKey(randomBytes(32)).open(sealed, PLACE), {
    code: 'SECRET_UNREADABLE',
    message: /sealed with the key [0-9a-f]{8}, and PILOTLIGHT_SECRET_KEY holds the key [0-9a-f]{8}/,
  });
});

test('a sealed text that was changed in any of its parts is refused', () => {
  const secrets = withKey(randomBytes(32));
  const parts = secrets.seal(SECRET, PLACE).split('.');
  const flipped = (part: string): string => (part.startsWith('A') ? 'B' : 'A') + part.slice(1);
  for (const index of parts.keys()) {
    const changed = parts.map((part, at) => (at === index ? flipped(part) : part)).join('.');
    assert.throws(() => secrets.open(changed, PLACE), { code: 'SECRET_UNREADABLE' }, `part ${index}`);
  }
  for (const broken of ['', 'v1', parts.slice(0, 3).join('.'), `${parts.slice(0, 3).join('.')}.AA`]) {
    assert.throws(() => secrets.open(broken, PLACE), { code: 'SECRET_UNREADABLE' }, broken);
  }
});

test('the key file is made with the first secret, for its owner alone, and read by the next server', async () => {
  await withDataFolder(async (folder) => {
    const keyFile = join(folder, 'secret.key');
    const secrets = openSecrets({ key: null, keyFile });
    assert.throws(() => statSync(keyFile), { code: 'ENOENT' }, 'no key before there is a secret');
    const sealed = secrets.seal(SECRET, PLACE);
    assert.equal(statSync(keyFile).mode & 0o777, 0o600);
    assert.equal(openSecrets({ key: null, keyFile }).open(sealed, PLACE), SECRET);
    const key = Buffer.from(readFileSync(keyFile, 'utf8'), 'base64');
    assert.equal(withKey(key).open(sealed, PLACE), SECRET, 'the file holds what the variable takes');

    rmSync(keyFile);
    assert.throws(() => openSecrets({ key: null, keyFile }).open(sealed, PLACE), {
      code: 'SECRET_UNREADABLE',
      message: new RegExp(`the key file ${keyFile} is not there`),
    });
    assert.throws(() => statSync(keyFile), { code: 'ENOENT' }, 'a lost key is not replaced unseen');
  });
});

test('a key file that others can read, or that holds no key, is refused', async () => {
  await withDataFolder(async (folder) => {
    const keyFile = join(folder, 'secret.key');
    writeFileSync(keyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    for (const mode of [0o640, 0o604, 0o644, 0o620]) {
      chmodSync(keyFile, mode);
      assert.throws(() => openSecrets({ key: null, keyFile }), {
        code: 'CONFIG_INVALID',
        message: new RegExp(`secret.key has the mode 0${mode.toString(8)}.*chmod 600`),
      });
    }
    chmodSync(keyFile, 0o600);
    openSecrets({ key: null, keyFile });
    for (const text of ['', 'short', randomBytes(31).toString('base64')]) {
      writeFileSync(keyFile, text);
      assert.throws(() => openSecrets({ key: null, keyFile }), {
        code: 'CONFIG_INVALID',
        message: /holds no key of 32 bytes/,
      });
    }
  });
});
