import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { SERVER_CGROUP, WorkerCgroups } from '../../src/adapters/driver-process/worker-cgroups.ts';
import { makeDataFolder, type DataFolder } from '../support/process-world.ts';

let folder: DataFolder;

beforeEach(async () => {
  folder = await makeDataFolder();
});

afterEach(async () => {
  await folder.remove();
});

async function write(path: string, text = ''): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** A folder as the kernel would show it; it does not fill a group that is made, so that is done here. */
async function group(path: string, events: string, peak: string, version: 1 | 2): Promise<void> {
  const [eventsName, peakName] =
    version === 1 ? ['memory.oom_control', 'memory.max_usage_in_bytes'] : ['memory.events', 'memory.peak'];
  await write(join(path, eventsName), events);
  await write(join(path, peakName), peak);
}

const TRIAL = `pilotlight-i-trial-${process.pid}`;
const V1 = '5:cpu:/\n4:memory:/server\n0::/\n';
const NOT_KILLED = 'oom_kill_disable 0\nunder_oom 0\noom_kill 0\n';
const KILLED = 'low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n';

test('version 1: groups are made below the server’s own', async () => {
  const own = join(folder.path, 'memory', 'server');
  await group(join(own, TRIAL), NOT_KILLED, '0\n', 1);
  const cgroups = WorkerCgroups.open('i', folder.path, V1);
  assert.equal(cgroups?.folder('w'), join(own, 'pilotlight-i-w'));
  await group(cgroups.folder('w'), KILLED, '104857600\n', 1);
  assert.deepEqual(cgroups.facts('w'), { outOfMemory: true, peakBytes: 104_857_600 });
  await cgroups.add('other', 4_711);
  assert.equal(await readFile(join(cgroups.folder('other'), 'cgroup.procs'), 'utf8'), '4711');
  assert.deepEqual(cgroups.pids('other'), [4_711]);
  assert.equal(cgroups.pids('unknown'), null);
  assert.equal(cgroups.facts('unknown'), null);
});

test('version 1 in a container: the path is the host’s, the folder its own', async () => {
  await group(join(folder.path, 'memory', TRIAL), NOT_KILLED, '0', 1);
  const cgroups = WorkerCgroups.open('i', folder.path, '4:memory:/docker/0123\n');
  assert.equal(cgroups?.folder('w'), join(folder.path, 'memory', 'pilotlight-i-w'));
});

test('version 2: below the own group, or beside it where the unit put the server into a subgroup', async () => {
  await write(join(folder.path, 'cgroup.controllers'), 'memory pids');
  const unit = join(folder.path, 'system.slice', 'pilotlight.service');
  await group(join(unit, TRIAL), KILLED, 'max\n', 2);
  const beside = WorkerCgroups.open(
    'i',
    folder.path,
    `0::/system.slice/pilotlight.service/${SERVER_CGROUP}\n`,
  );
  assert.equal(beside?.folder('w'), join(unit, 'pilotlight-i-w'));
  assert.equal(await readFile(join(unit, 'cgroup.subtree_control'), 'utf8'), '+memory');
  await group(join(unit, TRIAL), NOT_KILLED, '1', 2);
  const below = WorkerCgroups.open('i', folder.path, '0::/system.slice/pilotlight.service\n');
  assert.equal(below?.folder('w'), join(unit, 'pilotlight-i-w'));
  await group(below.folder('w'), KILLED, '', 2);
  assert.deepEqual(below.facts('w'), { outOfMemory: true, peakBytes: null }, 'older kernels tell no peak');
});

test('where groups tell nothing of memory, or none can be made, there are none', async () => {
  assert.equal(WorkerCgroups.open('i', folder.path, V1), null);
  assert.equal(WorkerCgroups.open('i', folder.path, ''), null);
  assert.equal(WorkerCgroups.open('i', '/proc/nowhere', V1), null);
  await write(join(folder.path, 'cgroup.controllers'), 'cpu');
  assert.equal(WorkerCgroups.open('i', folder.path, '0::/user.slice\n'), null);
  assert.equal(existsSync(join(folder.path, 'user.slice', TRIAL)), false, 'the trial is taken away again');
});
