import type { CompiledQuery, Kysely } from 'kysely';
import { AppError } from '../../base/errors.ts';
import type {
  EndpointId,
  OwnerId,
  PrewarmTaskId,
  RegistryAuthId,
  VolumeId,
  WorkerId,
} from '../../base/ids.ts';
import type { Endpoint, Revision } from '../../model/endpoint.ts';
import { ANSWER_KEPT_MS, ANSWERS_KEPT_MAX, type KeptAnswer } from '../../model/kept-answer.ts';
import type { NetworkVolume } from '../../model/network-volume.ts';
import type { PrewarmTask, PulledImage } from '../../model/prewarm-task.ts';
import type { RegistryAuth } from '../../model/registry-auth.ts';
import type { Worker } from '../../model/worker.ts';
import type { ApiKey, ArrivalChunk, Store } from '../../ports/store.ts';
import {
  apiKeyFromRow,
  apiKeyToRow,
  arrivalChunkFromRow,
  arrivalChunkToRow,
  endpointFromRow,
  endpointToRow,
  keptAnswerFromRow,
  keptAnswerToRow,
  prewarmTaskFromRow,
  prewarmTaskToRow,
  pulledImageFromRow,
  pulledImageToRow,
  registryAuthFromRow,
  registryAuthToRow,
  revisionFromRow,
  revisionToRow,
  volumeFromRow,
  volumeToRow,
  workerFromRow,
  workerToRow,
} from './rows.ts';
import type { BatchRefusal, SqlConnection, SqlRow, SqlStatement, SqlValue } from './sql-batch.ts';
import type { Tables } from './tables.ts';

/** The store in words of SQL, over any connection that runs batches. The caller picks the dialect. */
export class SqlStore implements Store {
  readonly #connection: SqlConnection;
  readonly #queries: Kysely<Tables>;
  #workerPutSql: string | null = null;

  constructor(connection: SqlConnection, queries: Kysely<Tables>) {
    this.#connection = connection;
    this.#queries = queries;
  }

  async fenceRaise(): Promise<number> {
    const raise = this.#queries
      .updateTable('server')
      .set((server) => ({ fence: server('fence', '+', 1) }))
      .returning('fence');
    const rows = await this.#read(raise.compile());
    const fence = rows[0]?.fence;
    if (fence === undefined) throw new AppError('STORE_FAILED', 'The table "server" lost its only row.');
    return fence;
  }

  async endpointList(): Promise<readonly Endpoint[]> {
    const rows = await this.#read(
      this.#queries.selectFrom('endpoints').selectAll().orderBy('created_at_ms').orderBy('id').compile(),
    );
    return rows.map(endpointFromRow);
  }

  async endpointInsert(endpoint: Endpoint, revision: Revision, answer?: KeptAnswer): Promise<void> {
    const insert = this.#queries.insertInto('endpoints').values(endpointToRow(endpoint)).compile();
    const batch = [statement(insert), this.#revisionInsert(revision), ...this.#answerKeep(answer)];
    await this.#write(batch, (refusal) =>
      refusal.kind === 'unique' && refusal.columns === 'endpoints.app_name'
        ? appNameTaken(endpoint.appName)
        : conflict(`endpoint ${endpoint.id} or its revision ${revision.number} is stored already`),
    );
  }

  async endpointUpdate(
    endpoint: Endpoint,
    expectedGeneration: number,
    revision?: Revision,
    answer?: KeptAnswer,
  ): Promise<void> {
    const { id, created_at_ms: _createdAtMs, ...changed } = endpointToRow(endpoint);
    const update = this.#queries
      .updateTable('endpoints')
      .set(changed)
      .where('id', '=', id)
      .where('generation', '=', expectedGeneration)
      .compile();
    const batch = [
      statement(update, 1),
      ...(revision === undefined ? [] : [this.#revisionInsert(revision)]),
      ...this.#answerKeep(answer),
    ];
    await this.#write(batch, (refusal) => {
      if (refusal.kind === 'rowCount') {
        return conflict(`endpoint ${id} is gone or not at generation ${expectedGeneration} any more`);
      }
      return refusal.kind === 'unique' && refusal.columns === 'endpoints.app_name'
        ? appNameTaken(endpoint.appName)
        : conflict(`revision ${revision?.number} of endpoint ${id} is stored already`);
    });
  }

  async endpointDelete(endpointId: EndpointId): Promise<void> {
    // Its revisions, workers and arrivals go with it, by the foreign keys.
    const remove = this.#queries.deleteFrom('endpoints').where('id', '=', endpointId).compile();
    await this.#write([statement(remove)]);
  }

  async revisionList(endpointId: EndpointId): Promise<readonly Revision[]> {
    const rows = await this.#read(
      this.#queries
        .selectFrom('revisions')
        .selectAll()
        .where('endpoint_id', '=', endpointId)
        .orderBy('number')
        .compile(),
    );
    return rows.map(revisionFromRow);
  }

  async revisionUpdate(revision: Revision): Promise<void> {
    const { endpoint_id: endpointId, number, ...row } = revisionToRow(revision);
    const update = this.#queries
      .updateTable('revisions')
      .set({
        failure: row.failure,
        stable_at_ms: row.stable_at_ms,
        start_time_ms: row.start_time_ms,
        pull_time_ms: row.pull_time_ms,
        drain_time_ms: row.drain_time_ms,
        stop_time_ms: row.stop_time_ms,
      })
      .where('endpoint_id', '=', endpointId)
      .where('number', '=', number)
      .compile();
    await this.#write([statement(update, 1)], () =>
      conflict(`revision ${number} of endpoint ${endpointId} is not stored`),
    );
  }

  async revisionDelete(endpointId: EndpointId, number: number): Promise<void> {
    const remove = this.#queries
      .deleteFrom('revisions')
      .where('endpoint_id', '=', endpointId)
      .where('number', '=', number)
      .compile();
    await this.#write([statement(remove)]);
  }

  async answerFind(ownerId: OwnerId, key: string, nowMs: number): Promise<KeptAnswer | null> {
    const rows = await this.#read(
      this.#queries
        .selectFrom('kept_answers')
        .selectAll()
        .where('owner_id', '=', ownerId)
        .where('key', '=', key)
        .where('created_at_ms', '>', nowMs - ANSWER_KEPT_MS)
        .compile(),
    );
    return rows[0] === undefined ? null : keptAnswerFromRow(rows[0]);
  }

  async answerInsert(answer: KeptAnswer): Promise<void> {
    await this.#write(this.#answerKeep(answer), () =>
      conflict(`an answer is kept already under the key "${answer.key}"`),
    );
  }

  async workerList(): Promise<readonly Worker[]> {
    const rows = await this.#read(
      this.#queries.selectFrom('workers').selectAll().orderBy('created_at_ms').orderBy('id').compile(),
    );
    return rows.map(workerFromRow);
  }

  async workerPut(worker: Worker): Promise<void> {
    const row = workerToRow(worker);
    // Made once, of the columns in the order in which every row has them: a worker is put several times before
    // the request that waits for it is served, and the text takes longer than all that is decided meanwhile.
    this.#workerPutSql ??= this.#queries
      .insertInto('workers')
      .values(row)
      .onConflict((clash) =>
        clash.column('id').doUpdateSet((given) => ({
          state: given.ref('excluded.state'),
          record: given.ref('excluded.record'),
        })),
      )
      .compile().sql;
    const put = { sql: this.#workerPutSql, parameters: Object.values(row) as SqlValue[], expectedRows: null };
    await this.#write([put], () =>
      conflict(`endpoint ${worker.endpointId} of worker ${worker.id} is not stored`),
    );
  }

  async workerDelete(workerId: WorkerId): Promise<void> {
    await this.#write([statement(this.#queries.deleteFrom('workers').where('id', '=', workerId).compile())]);
  }

  async arrivalChunkPut(chunk: ArrivalChunk): Promise<void> {
    const row = arrivalChunkToRow(chunk);
    const { id: _id, endpoint_id: _endpointId, ...grown } = row;
    const put = this.#queries
      .insertInto('arrival_chunks')
      .values(row)
      .onConflict((clash) => clash.column('id').doUpdateSet(grown))
      .compile();
    await this.#write([statement(put)], () =>
      conflict(`endpoint ${chunk.endpointId} of arrival chunk ${chunk.id} is not stored`),
    );
  }

  async arrivalChunkList(
    endpointId: EndpointId,
    fromMs: number,
    after: Pick<ArrivalChunk, 'firstEndMs' | 'id'> | null,
    limit: number,
  ): Promise<readonly ArrivalChunk[]> {
    let query = this.#queries
      .selectFrom('arrival_chunks')
      .selectAll()
      .where('endpoint_id', '=', endpointId)
      .where('last_end_ms', '>=', fromMs);
    if (after !== null) {
      query = query.where((chunk) =>
        chunk(chunk.refTuple('first_end_ms', 'id'), '>', chunk.tuple(after.firstEndMs, after.id as string)),
      );
    }
    const rows = await this.#read(query.orderBy('first_end_ms').orderBy('id').limit(limit).compile());
    return rows.map(arrivalChunkFromRow);
  }

  async arrivalChunkDeleteBefore(beforeMs: number): Promise<void> {
    const remove = this.#queries.deleteFrom('arrival_chunks').where('last_end_ms', '<', beforeMs).compile();
    await this.#write([statement(remove)]);
  }

  async arrivalChunkTrim(endpointId: EndpointId, bytes: number): Promise<void> {
    // With each chunk, how many bytes it and the newer ones have.
    const sizes = this.#queries
      .selectFrom('arrival_chunks')
      .where('endpoint_id', '=', endpointId)
      .select((chunk) => [
        'id',
        chunk.fn
          .sum<number>('size_bytes')
          .over((newest) => newest.orderBy('first_end_ms', 'desc').orderBy('id', 'desc'))
          .as('bytes_from_here'),
      ]);
    const remove = this.#queries
      .deleteFrom('arrival_chunks')
      .where('id', 'in', (query) =>
        query.selectFrom(sizes.as('sizes')).select('id').where('bytes_from_here', '>', bytes),
      )
      .compile();
    await this.#write([statement(remove)]);
  }

  async registryAuthList(): Promise<readonly RegistryAuth[]> {
    const rows = await this.#read(
      this.#queries.selectFrom('registry_auths').selectAll().orderBy('created_at_ms').orderBy('id').compile(),
    );
    return rows.map(registryAuthFromRow);
  }

  async registryAuthInsert(auth: RegistryAuth): Promise<void> {
    const insert = this.#queries.insertInto('registry_auths').values(registryAuthToRow(auth)).compile();
    await this.#write([statement(insert)], () =>
      conflict(`a registry credential ${auth.id} is stored already`),
    );
  }

  async registryAuthDelete(authId: RegistryAuthId): Promise<void> {
    const remove = this.#queries.deleteFrom('registry_auths').where('id', '=', authId).compile();
    await this.#write([statement(remove)]);
  }

  async volumeList(): Promise<readonly NetworkVolume[]> {
    const rows = await this.#read(
      this.#queries.selectFrom('volumes').selectAll().orderBy('created_at_ms').orderBy('id').compile(),
    );
    return rows.map(volumeFromRow);
  }

  async volumeInsert(volume: NetworkVolume): Promise<void> {
    const insert = this.#queries.insertInto('volumes').values(volumeToRow(volume)).compile();
    await this.#write([statement(insert)], () => conflict(`a volume ${volume.id} is stored already`));
  }

  async volumeUpdate(volume: NetworkVolume): Promise<void> {
    const { id, ...row } = volumeToRow(volume);
    const update = this.#queries.updateTable('volumes').set(row).where('id', '=', id).compile();
    await this.#write([statement(update, 1)], () => conflict(`volume ${id} is not stored`));
  }

  async volumeDelete(volumeId: VolumeId): Promise<void> {
    const remove = this.#queries.deleteFrom('volumes').where('id', '=', volumeId).compile();
    await this.#write([statement(remove)]);
  }

  async prewarmTaskList(): Promise<readonly PrewarmTask[]> {
    const rows = await this.#read(
      this.#queries.selectFrom('prewarm_tasks').selectAll().orderBy('created_at_ms').orderBy('id').compile(),
    );
    return rows.map(prewarmTaskFromRow);
  }

  async prewarmTaskPut(task: PrewarmTask): Promise<void> {
    const row = prewarmTaskToRow(task);
    const put = this.#queries
      .insertInto('prewarm_tasks')
      .values(row)
      .onConflict((clash) => clash.column('id').doUpdateSet({ state: row.state, record: row.record }))
      .compile();
    await this.#write([statement(put)]);
  }

  async prewarmTaskDelete(taskId: PrewarmTaskId): Promise<void> {
    const remove = this.#queries.deleteFrom('prewarm_tasks').where('id', '=', taskId).compile();
    await this.#write([statement(remove)]);
  }

  async pulledImageList(): Promise<readonly PulledImage[]> {
    const rows = await this.#read(
      this.#queries
        .selectFrom('pulled_images')
        .selectAll()
        .orderBy('last_used_at_ms')
        .orderBy('id')
        .compile(),
    );
    return rows.map(pulledImageFromRow);
  }

  async pulledImagePut(image: PulledImage): Promise<void> {
    const row = pulledImageToRow(image);
    const { id: _id, ...changed } = row;
    const put = this.#queries
      .insertInto('pulled_images')
      .values(row)
      .onConflict((clash) => clash.column('id').doUpdateSet(changed))
      .compile();
    await this.#write([statement(put)]);
  }

  async pulledImageDelete(imageId: string): Promise<void> {
    await this.#write([
      statement(this.#queries.deleteFrom('pulled_images').where('id', '=', imageId).compile()),
    ]);
  }

  async apiKeyList(): Promise<readonly ApiKey[]> {
    const rows = await this.#read(
      this.#queries.selectFrom('api_keys').selectAll().orderBy('created_at_ms').orderBy('hash').compile(),
    );
    return rows.map(apiKeyFromRow);
  }

  async apiKeyInsert(key: ApiKey): Promise<void> {
    const insert = this.#queries.insertInto('api_keys').values(apiKeyToRow(key)).compile();
    await this.#write([statement(insert)], () =>
      conflict(`an API key with the hash of "${key.name}" is stored already`),
    );
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  #revisionInsert(revision: Revision): SqlStatement {
    return statement(this.#queries.insertInto('revisions').values(revisionToRow(revision)).compile());
  }

  /** The outdated go first, so that their keys can be used again; then those beyond the bound. */
  #answerKeep(answer: KeptAnswer | undefined): readonly SqlStatement[] {
    if (answer === undefined) return [];
    const answers = this.#queries.deleteFrom('kept_answers').where('owner_id', '=', answer.ownerId);
    const outdated = answers.where('created_at_ms', '<=', answer.createdAtMs - ANSWER_KEPT_MS);
    const insert = this.#queries.insertInto('kept_answers').values(keptAnswerToRow(answer));
    const beyond = answers.where('created_at_ms', '<=', (all) =>
      all
        .selectFrom('kept_answers')
        .select('created_at_ms')
        .where('owner_id', '=', answer.ownerId)
        .orderBy('created_at_ms', 'desc')
        .limit(1)
        .offset(ANSWERS_KEPT_MAX),
    );
    return [outdated.compile(), insert.compile(), beyond.compile()].map((query) => statement(query));
  }

  async #read<Row>(query: CompiledQuery<Row>): Promise<readonly Row[]> {
    const rows = await this.#run([statement(query)], unexpected);
    // Rows have the columns their query asked for; what is in them is checked where records are made.
    return (rows[0] ?? []) as readonly Row[];
  }

  async #write(
    batch: readonly SqlStatement[],
    refused: (refusal: BatchRefusal) => AppError = unexpected,
  ): Promise<void> {
    await this.#run(batch, refused);
  }

  async #run(
    batch: readonly SqlStatement[],
    refused: (refusal: BatchRefusal) => AppError,
  ): Promise<readonly (readonly SqlRow[])[]> {
    const answer = await this.#connection.run(batch);
    if ('refusal' in answer) throw refused(answer.refusal);
    return answer.rows;
  }
}

function statement(query: CompiledQuery, expectedRows: number | null = null): SqlStatement {
  return { sql: query.sql, parameters: query.parameters as readonly SqlValue[], expectedRows };
}

function conflict(what: string): AppError {
  return new AppError(
    'STORE_CONFLICT',
    `Nothing was written: ${what}. Read the record again and repeat the change.`,
  );
}

function appNameTaken(appName: string): AppError {
  return new AppError(
    'SERVERLESS_APP_NAME_IS_EXIST',
    `The app_name "${appName}" is taken by another endpoint; choose another one.`,
    { metadata: { app_name: `"${appName}" is taken` } },
  );
}

function unexpected(refusal: BatchRefusal): AppError {
  return new AppError(
    'STORE_FAILED',
    `The database refused a statement that it never should: ${refusal.kind}.`,
  );
}
