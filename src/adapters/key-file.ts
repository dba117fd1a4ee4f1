import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../base/errors.ts';

const KEY_BYTES = 32;

/**
 * The random key in this file; it is made, for this user alone, where there is none. Throws
 * CONFIG_INVALID where others may read it, or it holds no key.
 */
export function openKeyFile(path: string): Buffer {
  return readKeyFile(path) ?? makeKeyFile(path);
}

/** Null where there is none. */
export function readKeyFile(path: string): Buffer | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw badFile(path, `cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`, cause);
  }
  try {
    const mode = fstatSync(file).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw badFile(path, `has the mode 0${mode.toString(8)}, so others may read it; chmod 600 it`);
    }
    const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
    if (key.length !== KEY_BYTES) throw badFile(path, `holds no key of ${KEY_BYTES} bytes in base64`);
    return key;
  } finally {
    closeSync(file);
  }
}

/** On the disk before anything is made with it: what is sealed with a key that is lost is lost too. */
export function makeKeyFile(path: string): Buffer {
  const key = randomBytes(KEY_BYTES);
  try {
    // `wx`: one that another server makes in this moment is not written over.
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, `${key.toString('base64')}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
  } catch (cause) {
    throw badFile(path, `cannot be made (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`, cause);
  }
  return key;
}

function badFile(path: string, what: string, cause?: unknown): AppError {
  return new AppError('CONFIG_INVALID', `the key file ${path} ${what}`, { cause });
}
