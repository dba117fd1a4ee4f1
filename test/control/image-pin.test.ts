import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, type ErrorCode } from '../../src/base/errors.ts';
import { pinnedImage } from '../../src/control/image-pin.ts';
import type { DriverImages } from '../../src/ports/driver.ts';
import { silentLog } from '../support/silent-log.ts';

function imagesThatSay(answer: string | null): DriverImages {
  const none = (): Promise<never> => assert.fail('nothing but the registry is asked');
  return {
    pull: none,
    list: none,
    remove: none,
    resolve: async () => {
      if (answer === null || answer.includes('@')) return answer;
      throw new AppError(answer as ErrorCode, 'as it is');
    },
  };
}

async function pinned(answer: string | null): Promise<string | null> {
  return await pinnedImage(imagesThatSay(answer), 'app:1', null, silentLog);
}

test('an image is pinned to what the registry says, or later where nobody can say', async () => {
  assert.equal(await pinned('app@sha256:1'), 'app@sha256:1');
  assert.equal(await pinned(null), null);
  for (const code of ['ENGINE_UNREACHABLE', 'ENGINE_SLOW', 'REGISTRY_UNREACHABLE', 'DISK_FULL'] as const) {
    assert.equal(await pinned(code), null, code);
  }
});

test('an image that is not there, or not for this credential, is refused', async () => {
  for (const code of ['IMAGE_NOT_FOUND', 'IMAGE_AUTH_REQUIRED', 'IMAGE_DIGEST_GONE'] as const) {
    await assert.rejects(pinned(code), { code });
  }
});
