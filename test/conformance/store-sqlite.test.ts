import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/adapters/store-sql/sqlite-store.ts';
import { storeConformance, type StorePlace } from './store.ts';
import { storeResourcesConformance } from './store-resources.ts';

async function newPlace(): Promise<StorePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-'));
  return {
    open: async () => await openSqliteStore({ path: join(folder, 'store.sqlite') }),
    remove: async () => await rm(folder, { recursive: true, force: true }),
  };
}

storeConformance('sqlite', newPlace);
storeResourcesConformance('sqlite', newPlace);
