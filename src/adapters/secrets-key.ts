import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { AppError } from '../base/errors.ts';
import type { Secrets } from '../ports/secrets.ts';
import { makeKeyFile, readKeyFile } from './key-file.ts';

const CIPHER = 'aes-256-gcm';
/** Of AES-GCM: random ones may not repeat under a key, which 96 bits see to for billions of secrets. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1';

export interface SecretsOptions {
  /** 32 bytes, given by the operator; null: they are in `keyFile`, which is made with the first secret. */
  readonly key: Uint8Array | null;
  readonly keyFile: string;
}

/**
 * AES-256-GCM with a key that is never in the database. What is sealed is `v1.<key's id>.<nonce>.<text
 * and tag>`, so that another key is told from a damaged secret. Throws CONFIG_INVALID where the key
 * file is readable by others, or holds no key.
 */
export function openSecrets(options: SecretsOptions): Secrets {
  let key = options.key === null ? readKeyFile(options.keyFile) : Buffer.from(options.key);
  const place = options.key === null ? `the key file ${options.keyFile}` : 'PILOTLIGHT_SECRET_KEY';
  return {
    seal(text, under) {
      key ??= makeKeyFile(options.keyFile);
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(under));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return [VERSION, idOf(key), nonce.toString('base64url'), sealed.toString('base64url')].join('.');
    },
    open(stored, under) {
      const [version, keyId, nonce, sealed] = stored.split('.');
      if (version !== VERSION || sealed === undefined)
        throw unreadable(under, 'it is not in a form known here');
      if (key === null) throw unreadable(under, `${place} is not there`);
      if (keyId !== idOf(key)) {
        throw unreadable(
          under,
          `it was sealed with the key ${keyId}, and ${place} holds the key ${idOf(key)}`,
        );
      }
      const bytes = Buffer.from(sealed, 'base64url');
      const end = bytes.length - TAG_BYTES;
      try {
        const decipher = createDecipheriv(CIPHER, key, Buffer.from(nonce ?? '', 'base64url'))
          .setAAD(Buffer.from(under))
          .setAuthTag(bytes.subarray(end));
        return Buffer.concat([decipher.update(bytes.subarray(0, end)), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw unreadable(under, 'it was changed after it was stored', cause);
      }
    },
  };
}

/** Names a key without telling anything of it. */
function idOf(key: Buffer): string {
  return createHash('sha256').update('pilotlight key').update(key).digest('hex').slice(0, 8);
}

function unreadable(place: string, why: string, cause?: unknown): AppError {
  return new AppError(
    'SECRET_UNREADABLE',
    `The secret of ${place} cannot be read: ${why}. Bring back the key it was sealed with, as the file or as ` +
      'PILOTLIGHT_SECRET_KEY; docs/registries-and-volumes.md says what to do when that is lost.',
    { cause },
  );
}
