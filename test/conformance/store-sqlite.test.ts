import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/adapters/store-sql/sqlite-store.ts';
import { storeConformance } from './store.ts';

storeConformance('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-'));
  return {
    open: async () => await openSqliteStore({ path: join(folder, 'store.sqlite') }),
    remove: async () => await rm(folder, { recursive: true, force: true }),
  };
});
