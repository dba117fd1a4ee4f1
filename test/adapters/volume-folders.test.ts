import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openVolumeFolders } from '../../src/adapters/volume-folders.ts';
import type { VolumeId } from '../../src/base/ids.ts';
import { withDataFolder } from '../support/data-folder.ts';

const ID = 'volume123456' as VolumeId;

test('a volume is a folder that any user may write to, in one that only ours may enter', async () => {
  await withDataFolder(async (folder) => {
    const place = join(folder, 'volumes');
    const folders = openVolumeFolders(place);
    await folders.create(ID);
    await folders.create(ID);
    assert.equal(folders.folderOf(ID), join(place, ID));
    assert.equal(statSync(folders.folderOf(ID)).mode & 0o777, 0o777);
    assert.equal(statSync(place).mode & 0o777, 0o700);
    assert.ok((await folders.capacityGb()) >= 1);
  });
});

test('a deletion is put out of the way first, can be taken back, and then leaves nothing', async () => {
  await withDataFolder(async (folder) => {
    const folders = openVolumeFolders(join(folder, 'volumes'));
    await folders.create(ID);
    const file = join(folders.folderOf(ID), 'weights');
    writeFileSync(file, 'data');
    mkdirSync(join(folders.folderOf(ID), 'a', 'b'), { recursive: true });
    await folders.retire(ID);
    assert.deepEqual(await folders.list(), [{ volumeId: ID, retired: true }]);
    assert.equal(existsSync(file), false);
    await folders.restore(ID);
    assert.equal(readFileSync(file, 'utf8'), 'data');
    assert.deepEqual(await folders.list(), [{ volumeId: ID, retired: false }]);
    await folders.retire(ID);
    await folders.retire(ID);
    await folders.remove(ID);
    await folders.remove(ID);
    assert.deepEqual(readdirSync(join(folder, 'volumes')), []);
  });
});

test('what is no volume is not listed, and a place that cannot be is named', async () => {
  await withDataFolder(async (folder) => {
    const place = join(folder, 'volumes');
    const folders = openVolumeFolders(place);
    await folders.create(ID);
    mkdirSync(join(place, 'lost+found'));
    writeFileSync(join(place, 'notes'), '');
    assert.deepEqual(await folders.list(), [{ volumeId: ID, retired: false }]);
    const broken = openVolumeFolders(join(place, 'notes'));
    await assert.rejects(broken.create(ID), { code: 'STORE_FAILED', message: /notes.* cannot be made/ });
    await assert.rejects(broken.list(), { code: 'STORE_FAILED' });
  });
});
