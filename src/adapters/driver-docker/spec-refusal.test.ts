import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RevisionSpec } from '../../model/endpoint.ts';
import { specRefusal } from './spec-refusal.ts';

function mounted(mountPoint: string): RevisionSpec {
  return {
    ...{ productId: 'cpu', regionId: 'local', image: 'app:1', registryAuthId: '' },
    ...{ entrypoint: '', command: '', envs: [], ports: [], gpuNum: 1, rootfsSizeGb: 20, minCudaVersion: '' },
    volumes: [{ type: 'local', id: '', size: 1, mountPoint }],
  };
}

test('a volume is not mounted over what a container cannot be without', () => {
  for (const path of ['/', '//', '/proc', '/proc/', '/proc/1', '/a/../sys/x', '/dev', '/dev/.']) {
    const refusal = specRefusal(mounted(path));
    assert.equal(refusal?.code, 'VALIDATOR_PARAM', path);
    assert.match(refusal.message, /^volumes\[0\]\.mount_point is "/);
  }
  for (const path of ['/models', '/dev/shm', '/processed', '/sysroot', '/proc/../x'])
    assert.equal(specRefusal(mounted(path)), null, path);
});
