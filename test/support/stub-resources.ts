import type { EndpointId, OwnerId, PrewarmTaskId, RegistryAuthId, VolumeId } from '../../src/base/ids.ts';
import type { ResourceHolder, ResourceService } from '../../src/ports/resource-service.ts';
import { storedPrewarmTask, storedRegistryAuth, storedVolume } from './stored-records.ts';

export interface ResourceCall {
  readonly method: string;
  readonly args: readonly unknown[];
}

const HOLDER: ResourceHolder = {
  endpointId: 'abcdef123456' as EndpointId,
  name: 'Chat',
  revisions: [2, 3],
};

/** Answers a value in every field, and remembers what it was asked. */
export function stubResources(
  overrides: Partial<ResourceService> = {},
): ResourceService & { readonly calls: ResourceCall[] } {
  const calls: ResourceCall[] = [];
  const note = (method: string, args: readonly unknown[]): void => void calls.push({ method, args });
  return {
    calls,
    async registryAuthCreate(body, caller) {
      note('registryAuthCreate', [body, caller]);
      return { id: 'auth12345678' as RegistryAuthId };
    },
    registryAuthList(caller) {
      note('registryAuthList', [caller]);
      const { sealedPassword: _sealed, ...auth } = storedRegistryAuth('auth12345678');
      return [{ auth, holders: [HOLDER] }];
    },
    async registryAuthDelete(authId, caller) {
      note('registryAuthDelete', [authId, caller]);
      return { warnings: [] };
    },
    async volumeCreate(body, caller) {
      note('volumeCreate', [body, caller]);
      return { id: 'volume123456' as VolumeId };
    },
    volumeList(caller) {
      note('volumeList', [caller]);
      return ['volume1', 'volume2', 'volume3'].map((id, index) => ({
        volume: storedVolume(id, { createdAtMs: 1_700_000_000_000 + index, ownerId: 'owner-1' as OwnerId }),
        holders: [],
      }));
    },
    volume(volumeId, caller) {
      note('volume', [volumeId, caller]);
      return { volume: storedVolume(volumeId), holders: [HOLDER] };
    },
    async volumeUpdate(volumeId, body, caller) {
      note('volumeUpdate', [volumeId, body, caller]);
    },
    async volumeDelete(volumeId, caller) {
      note('volumeDelete', [volumeId, caller]);
      return { warnings: ['All data of the volume "models" is being removed.'] };
    },
    async prewarmCreate(body, caller) {
      note('prewarmCreate', [body, caller]);
      return { id: 'task12345678' as PrewarmTaskId };
    },
    prewarmList(caller) {
      note('prewarmList', [caller]);
      return [
        { task: storedPrewarmTask('task1'), progress: null },
        {
          task: storedPrewarmTask('task2', {
            state: 'running',
            reasons: [],
            imageBytes: null,
            completedAtMs: null,
            name: 'Nightly',
          }),
          progress: { layersDone: 2, layersTotal: 5, bytesDone: 120_000_000, bytesTotal: 800_000_000 },
        },
      ];
    },
    ...overrides,
  };
}
