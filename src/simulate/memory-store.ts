import { AppError } from '../base/errors.ts';
import type { EndpointId, OwnerId, PrewarmTaskId, RegistryAuthId, VolumeId, WorkerId } from '../base/ids.ts';
import type { Endpoint, Revision } from '../model/endpoint.ts';
import { ANSWER_KEPT_MS, type KeptAnswer } from '../model/kept-answer.ts';
import type { NetworkVolume } from '../model/network-volume.ts';
import type { PrewarmTask, PulledImage } from '../model/prewarm-task.ts';
import type { RegistryAuth } from '../model/registry-auth.ts';
import type { Worker } from '../model/worker.ts';
import type { ApiKey, ArrivalChunk, Store } from '../ports/store.ts';

/** The store's contract in plain maps: for worlds in which durability is not the question. */
export class MemoryStore implements Store {
  #fence = 0;
  readonly endpoints = new Map<EndpointId, Endpoint>();
  readonly revisions = new Map<string, Revision>();
  readonly workers = new Map<WorkerId, Worker>();
  readonly arrivalChunks = new Map<string, ArrivalChunk>();
  readonly registryAuths = new Map<RegistryAuthId, RegistryAuth>();
  readonly volumes = new Map<VolumeId, NetworkVolume>();
  readonly prewarmTasks = new Map<PrewarmTaskId, PrewarmTask>();
  readonly pulledImages = new Map<string, PulledImage>();
  readonly keys: ApiKey[] = [];
  readonly answers = new Map<string, KeptAnswer>();
  /** The next change of an endpoint is refused when this has settled, as by a disk that is full. */
  refuseNextUpdate: Promise<void> | null = null;

  async fenceRaise(): Promise<number> {
    this.#fence += 1;
    return await Promise.resolve(this.#fence);
  }

  async endpointList(): Promise<readonly Endpoint[]> {
    return await Promise.resolve([...this.endpoints.values()]);
  }

  async endpointInsert(endpoint: Endpoint, revision: Revision, answer?: KeptAnswer): Promise<void> {
    await Promise.resolve();
    this.#keep(answer);
    this.endpoints.set(endpoint.id, endpoint);
    this.revisions.set(`${endpoint.id}/${revision.number}`, revision);
  }

  async endpointUpdate(
    endpoint: Endpoint,
    expectedGeneration: number,
    revision?: Revision,
    answer?: KeptAnswer,
  ): Promise<void> {
    const refusal = this.refuseNextUpdate;
    this.refuseNextUpdate = null;
    await refusal;
    if (refusal !== null) throw new AppError('STORE_FAILED', 'the disk is full');
    if (this.endpoints.get(endpoint.id)?.generation !== expectedGeneration) {
      throw new AppError('STORE_CONFLICT', `generation ${expectedGeneration} is not the stored one`);
    }
    this.#keep(answer);
    this.endpoints.set(endpoint.id, endpoint);
    if (revision !== undefined) this.revisions.set(`${endpoint.id}/${revision.number}`, revision);
  }

  async endpointDelete(endpointId: EndpointId): Promise<void> {
    await Promise.resolve();
    this.endpoints.delete(endpointId);
    for (const [key, revision] of this.revisions)
      if (revision.endpointId === endpointId) this.revisions.delete(key);
    for (const worker of this.workers.values())
      if (worker.endpointId === endpointId) this.workers.delete(worker.id);
    for (const chunk of this.arrivalChunks.values())
      if (chunk.endpointId === endpointId) this.arrivalChunks.delete(chunk.id);
  }

  async revisionList(endpointId: EndpointId): Promise<readonly Revision[]> {
    return await Promise.resolve(
      [...this.revisions.values()].filter((revision) => revision.endpointId === endpointId),
    );
  }

  async revisionUpdate(revision: Revision): Promise<void> {
    await Promise.resolve();
    this.revisions.set(`${revision.endpointId}/${revision.number}`, revision);
  }

  async revisionDelete(endpointId: EndpointId, number: number): Promise<void> {
    await Promise.resolve();
    this.revisions.delete(`${endpointId}/${number}`);
  }

  async answerFind(ownerId: OwnerId, key: string, nowMs: number): Promise<KeptAnswer | null> {
    const answer = await Promise.resolve(this.answers.get(`${ownerId}/${key}`));
    return answer === undefined || answer.createdAtMs <= nowMs - ANSWER_KEPT_MS ? null : answer;
  }

  async answerInsert(answer: KeptAnswer): Promise<void> {
    await Promise.resolve();
    this.#keep(answer);
  }

  #keep(answer: KeptAnswer | undefined): void {
    if (answer !== undefined) this.answers.set(`${answer.ownerId}/${answer.key}`, answer);
  }

  async workerList(): Promise<readonly Worker[]> {
    return await Promise.resolve([...this.workers.values()]);
  }

  async workerPut(worker: Worker): Promise<void> {
    await Promise.resolve();
    this.workers.set(worker.id, worker);
  }

  async workerDelete(workerId: WorkerId): Promise<void> {
    await Promise.resolve();
    this.workers.delete(workerId);
  }

  async arrivalChunkPut(chunk: ArrivalChunk): Promise<void> {
    await Promise.resolve();
    if (!this.endpoints.has(chunk.endpointId)) {
      throw new AppError('STORE_CONFLICT', `endpoint ${chunk.endpointId} is not stored`);
    }
    this.arrivalChunks.set(chunk.id, chunk);
  }

  async arrivalChunkList(
    endpointId: EndpointId,
    fromMs: number,
    after: Pick<ArrivalChunk, 'firstEndMs' | 'id'> | null,
    limit: number,
  ): Promise<readonly ArrivalChunk[]> {
    const later = [...this.arrivalChunks.values()]
      .filter((chunk) => chunk.endpointId === endpointId && chunk.lastEndMs >= fromMs)
      .sort(inOrder)
      .filter((chunk) => after === null || inOrder(chunk, after) > 0);
    return await Promise.resolve(later.slice(0, limit));
  }

  async arrivalChunkDeleteBefore(beforeMs: number): Promise<void> {
    await Promise.resolve();
    for (const chunk of this.arrivalChunks.values())
      if (chunk.lastEndMs < beforeMs) this.arrivalChunks.delete(chunk.id);
  }

  async arrivalChunkTrim(endpointId: EndpointId, bytes: number): Promise<void> {
    await Promise.resolve();
    let kept = 0;
    for (const chunk of [...this.arrivalChunks.values()].sort(inOrder).reverse()) {
      if (chunk.endpointId !== endpointId) continue;
      kept += chunk.bytes.length;
      if (kept > bytes) this.arrivalChunks.delete(chunk.id);
    }
  }

  async registryAuthList(): Promise<readonly RegistryAuth[]> {
    return await Promise.resolve([...this.registryAuths.values()]);
  }

  async registryAuthInsert(auth: RegistryAuth): Promise<void> {
    await Promise.resolve();
    this.registryAuths.set(auth.id, auth);
  }

  async registryAuthDelete(authId: RegistryAuthId): Promise<void> {
    await Promise.resolve();
    this.registryAuths.delete(authId);
  }

  async volumeList(): Promise<readonly NetworkVolume[]> {
    return await Promise.resolve([...this.volumes.values()]);
  }

  async volumeInsert(volume: NetworkVolume): Promise<void> {
    await Promise.resolve();
    this.volumes.set(volume.id, volume);
  }

  async volumeUpdate(volume: NetworkVolume): Promise<void> {
    await Promise.resolve();
    if (!this.volumes.has(volume.id))
      throw new AppError('STORE_CONFLICT', `volume ${volume.id} is not stored`);
    this.volumes.set(volume.id, volume);
  }

  async volumeDelete(volumeId: VolumeId): Promise<void> {
    await Promise.resolve();
    this.volumes.delete(volumeId);
  }

  async prewarmTaskList(): Promise<readonly PrewarmTask[]> {
    return await Promise.resolve([...this.prewarmTasks.values()]);
  }

  async prewarmTaskPut(task: PrewarmTask): Promise<void> {
    await Promise.resolve();
    this.prewarmTasks.set(task.id, task);
  }

  async prewarmTaskDelete(taskId: PrewarmTaskId): Promise<void> {
    await Promise.resolve();
    this.prewarmTasks.delete(taskId);
  }

  async pulledImageList(): Promise<readonly PulledImage[]> {
    const images = [...this.pulledImages.values()];
    return await Promise.resolve(images.sort((one, other) => one.lastUsedAtMs - other.lastUsedAtMs));
  }

  async pulledImagePut(image: PulledImage): Promise<void> {
    await Promise.resolve();
    this.pulledImages.set(image.id, image);
  }

  async pulledImageDelete(imageId: string): Promise<void> {
    await Promise.resolve();
    this.pulledImages.delete(imageId);
  }

  async apiKeyList(): Promise<readonly ApiKey[]> {
    return await Promise.resolve(this.keys);
  }

  async apiKeyInsert(key: ApiKey): Promise<void> {
    await Promise.resolve();
    this.keys.push(key);
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}

type ChunkPlace = Pick<ArrivalChunk, 'firstEndMs' | 'id'>;

function inOrder(one: ChunkPlace, other: ChunkPlace): number {
  return one.firstEndMs - other.firstEndMs || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
}
