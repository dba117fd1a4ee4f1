import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'instance';

/**
 * Names this server to the engine, made once and kept in its data folder. The folder's path would not do:
 * two servers in containers of their own both call it /data, and each would take the other's workers.
 */
export function serverInstance(dataDir: string): string {
  const path = join(dataDir, FILE);
  try {
    writeFileSync(path, randomBytes(8).toString('hex'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const instance = readFileSync(path, 'utf8').trim();
  if (/^[0-9a-f]{16}$/.test(instance)) return instance;
  throw new Error(`${path} does not hold the 16 hex digits that name this server to its containers`);
}
