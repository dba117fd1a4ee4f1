import type {
  ArrivalChunkId,
  EndpointId,
  OwnerId,
  PrewarmTaskId,
  RegistryAuthId,
  VolumeId,
  WorkerId,
} from '../base/ids.ts';
import type { Endpoint, Revision } from '../model/endpoint.ts';
import type { KeptAnswer } from '../model/kept-answer.ts';
import type { NetworkVolume } from '../model/network-volume.ts';
import type { PrewarmTask, PulledImage } from '../model/prewarm-task.ts';
import type { RegistryAuth } from '../model/registry-auth.ts';
import type { Worker } from '../model/worker.ts';

export interface ApiKey {
  /** SHA-256 of the key, hex. The key itself is never stored. */
  readonly hash: string;
  readonly ownerId: OwnerId;
  readonly name: string;
  /** An admin key reaches every owner's endpoints. */
  readonly admin: boolean;
  readonly createdAtMs: number;
}

/** A run of one endpoint's arrivals, packed as `model/arrival-chunk.ts` says. */
export interface ArrivalChunk {
  readonly id: ArrivalChunkId;
  readonly endpointId: EndpointId;
  readonly firstEndMs: number;
  readonly lastEndMs: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/**
 * Durable memory. A promise that resolved means: on disk, it survives `kill -9` and power loss.
 * Noun first, so that a search for the noun finds all that is done to it. Rejects with AppError
 * STORE_CONFLICT where a generation does not match, SERVERLESS_APP_NAME_IS_EXIST where an app name
 * is taken, else STORE_FAILED.
 */
export interface Store {
  /** Raises and returns the fencing number; called once by each server that starts on this store. */
  fenceRaise(): Promise<number>;

  endpointList(): Promise<readonly Endpoint[]>;
  /** Inserts the endpoint with its first revision, and the answer where one is to be kept: all or none. */
  endpointInsert(endpoint: Endpoint, revision: Revision, answer?: KeptAnswer): Promise<void>;
  /**
   * Replaces the record if the stored generation is `expectedGeneration`; `revision` and `answer` are
   * inserted in the same transaction when given.
   */
  endpointUpdate(
    endpoint: Endpoint,
    expectedGeneration: number,
    revision?: Revision,
    answer?: KeptAnswer,
  ): Promise<void>;
  /** Removes the endpoint, its revisions, its workers' records and its arrivals. */
  endpointDelete(endpointId: EndpointId): Promise<void>;

  revisionList(endpointId: EndpointId): Promise<readonly Revision[]>;
  /** Only the `RevisionProgress` of a revision ever changes. */
  revisionUpdate(revision: Revision): Promise<void>;
  /** No error when it is not stored. */
  revisionDelete(endpointId: EndpointId, number: number): Promise<void>;

  /** The answer kept under the key, unless it is `ANSWER_KEPT_MS` old at `nowMs`; else null. */
  answerFind(ownerId: OwnerId, key: string, nowMs: number): Promise<KeptAnswer | null>;
  /**
   * Keeps an answer; with it the owner's outdated answers go, and the oldest beyond `ANSWERS_KEPT_MAX`.
   * STORE_CONFLICT when one is kept under its key.
   */
  answerInsert(answer: KeptAnswer): Promise<void>;

  workerList(): Promise<readonly Worker[]>;
  workerPut(worker: Worker): Promise<void>;
  workerDelete(workerId: WorkerId): Promise<void>;

  /** Adds the chunk, or replaces the stored one of this id. STORE_CONFLICT when its endpoint is not stored. */
  arrivalChunkPut(chunk: ArrivalChunk): Promise<void>;
  /**
   * Chunks with an arrival that ended at `fromMs` or later, oldest first, those behind `after` (null:
   * from the first); at most `limit`.
   */
  arrivalChunkList(
    endpointId: EndpointId,
    fromMs: number,
    after: Pick<ArrivalChunk, 'firstEndMs' | 'id'> | null,
    limit: number,
  ): Promise<readonly ArrivalChunk[]>;
  /** Deletes the chunks, of all endpoints, whose last arrival ended before `beforeMs`. */
  arrivalChunkDeleteBefore(beforeMs: number): Promise<void>;
  /** Leaves of an endpoint's chunks the newest that have no more than `bytes` together. */
  arrivalChunkTrim(endpointId: EndpointId, bytes: number): Promise<void>;

  /** Oldest first, as are all lists below. */
  registryAuthList(): Promise<readonly RegistryAuth[]>;
  /** STORE_CONFLICT when one of this id is stored, as with every insertion below. */
  registryAuthInsert(auth: RegistryAuth): Promise<void>;
  /** No error when it is not stored, as with every deletion below. */
  registryAuthDelete(authId: RegistryAuthId): Promise<void>;

  volumeList(): Promise<readonly NetworkVolume[]>;
  volumeInsert(volume: NetworkVolume): Promise<void>;
  /** STORE_CONFLICT when it is not stored. */
  volumeUpdate(volume: NetworkVolume): Promise<void>;
  volumeDelete(volumeId: VolumeId): Promise<void>;

  prewarmTaskList(): Promise<readonly PrewarmTask[]>;
  /** Adds the task, or replaces the stored one of this id. */
  prewarmTaskPut(task: PrewarmTask): Promise<void>;
  prewarmTaskDelete(taskId: PrewarmTaskId): Promise<void>;

  /** By their last use, the one longest ago first. */
  pulledImageList(): Promise<readonly PulledImage[]>;
  pulledImagePut(image: PulledImage): Promise<void>;
  pulledImageDelete(imageId: string): Promise<void>;

  apiKeyList(): Promise<readonly ApiKey[]>;
  apiKeyInsert(key: ApiKey): Promise<void>;

  close(): Promise<void>;
}
