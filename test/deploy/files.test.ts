import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { SERVER_CGROUP } from '../../src/adapters/driver-process/worker-cgroups.ts';
import { SETTINGS } from '../../src/main/config-settings.ts';

const FOLDER = resolve(import.meta.dirname, '../../deploy');
const KEYS = new Set(Object.values(SETTINGS).map(({ key }) => key));

function text(name: string): string {
  return readFileSync(join(FOLDER, name), 'utf8');
}

/** Every setting that a file names is one. */
function assertKnownSettings(name: string): void {
  for (const [key] of text(name).matchAll(/\bPILOTLIGHT_[A-Z_]+\b/g)) {
    assert.ok(KEYS.has(key), `deploy/${name} names ${key}, which is no setting`);
  }
}

test('all of them name settings that there are', () => {
  for (const name of ['README.md', 'Dockerfile', 'compose.yaml', 'pilotlight.service', 'healthcheck.mjs'])
    assertKnownSettings(name);
});

test('the Dockerfile downloads and runs nothing', () => {
  const steps = text('Dockerfile')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' ')[0]);
  assert.deepEqual(
    [...new Set(steps)],
    ['FROM', 'COPY', 'ENV', 'WORKDIR', 'STOPSIGNAL', 'HEALTHCHECK', 'ENTRYPOINT'],
  );
  assert.match(text('Dockerfile'), /^FROM scratch$/m);
});

test('compose: the socket, the data folder by the same path on both sides, a health check', () => {
  const { services } = parse(text('compose.yaml')) as {
    services: {
      pilotlight: {
        volumes: string[];
        environment: Record<string, string>;
        healthcheck: { test: string[] };
        network_mode: string;
        build: string;
      };
    };
  };
  const { volumes, environment, healthcheck, network_mode: network, build } = services.pilotlight;
  const mounts = new Map(volumes.map((volume) => volume.split(':') as [string, string]));
  for (const [outside, inside] of mounts) assert.equal(outside, inside);
  assert.ok(mounts.has('/var/run/docker.sock'));
  assert.ok(mounts.has(environment['PILOTLIGHT_DATA_DIR'] ?? ''));
  assert.equal(environment['PILOTLIGHT_DRIVER'], 'docker');
  assert.equal(network, 'host');
  assert.equal(build, './context');
  assert.deepEqual(healthcheck.test, ['CMD', 'node', '/app/healthcheck.mjs']);
  assert.ok(existsSync(join(FOLDER, 'healthcheck.mjs')));
});

test('the unit: workers outlive a stop, and what they need is not taken from them', () => {
  const unit = new Map<string, Map<string, string[]>>();
  let section = new Map<string, string[]>();
  for (const line of text('pilotlight.service').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const name = /^\[(\w+)\]$/.exec(line)?.[1];
    if (name !== undefined) unit.set(name, (section = new Map()));
    else {
      const [, key = '', value = ''] =
        /^(\w+)=(.*)$/.exec(line) ?? assert.fail(`"${line}" is no line of a unit`);
      section.set(key, [...(section.get(key) ?? []), value]);
    }
  }
  assert.deepEqual([...unit.keys()], ['Unit', 'Service', 'Install']);
  const service = unit.get('Service');
  assert.deepEqual(service?.get('KillMode'), ['process']);
  assert.deepEqual(service?.get('OOMPolicy'), ['continue']);
  assert.deepEqual(service?.get('DelegateSubgroup'), [SERVER_CGROUP]);
  // 1800 s is the server's own limit for running requests.
  assert.deepEqual(service?.get('TimeoutStopSec'), ['31min']);
  assert.equal(SETTINGS.shutdown.unset, 1_800);
  for (const key of [
    'PrivateDevices',
    'MemoryDenyWriteExecute',
    'PrivateTmp',
    'ProtectHome',
    'ProtectControlGroups',
  ])
    assert.equal(service?.get(key), undefined, `${key} takes from workers what they may need`);
});
