import { AppError } from '../../base/errors.ts';
import { newId, type RegistryAuthId } from '../../base/ids.ts';
import { readRegistryAuth } from '../../decide/resources/resource-bodies.ts';
import type { RevisionSpec } from '../../model/endpoint.ts';
import { faultsError } from '../../model/faults.ts';
import { REGISTRY_AUTHS_MAX, type RegistryAuth, type RegistryCredential } from '../../model/registry-auth.ts';
import type { Caller } from '../../ports/endpoint-service.ts';
import type { DeleteOutcome, RegistryAuthView } from '../../ports/resource-service.ts';
import type { ControlPorts } from '../control-options.ts';
import { holdersText, type ResourceHolders } from './resource-holders.ts';
import { StoredRecords } from './stored-records.ts';

/** Saved registry credentials. Passwords are in memory only while a pull is given one. */
export class RegistryAuths {
  readonly #ports: ControlPorts;
  readonly #holders: ResourceHolders;
  readonly #records: StoredRecords<RegistryAuthId, RegistryAuth>;
  /** Prewarm tasks that are not over and need it. */
  readonly #tasksWith: (authId: RegistryAuthId) => readonly string[];

  constructor(
    ports: ControlPorts,
    holders: ResourceHolders,
    tasksWith: (authId: RegistryAuthId) => readonly string[],
  ) {
    this.#ports = ports;
    this.#holders = holders;
    this.#tasksWith = tasksWith;
    this.#records = new StoredRecords({
      list: async () => await ports.store.registryAuthList(),
      onFatal: ports.onFatal,
    });
  }

  /** Throws SECRET_UNREADABLE when a password cannot be opened: better now than at the next start of a worker. */
  async load(): Promise<void> {
    await this.#records.load();
    for (const auth of this.#records.values()) this.#passwordOf(auth);
  }

  async create(body: unknown, { ownerId }: Caller): Promise<{ readonly id: RegistryAuthId }> {
    const read = readRegistryAuth(body);
    if ('faults' in read) throw faultsError(read.faults);
    const { name, registry, username, password } = read;
    return await this.#records.inTurn(async () => {
      if (this.#records.size >= REGISTRY_AUTHS_MAX) {
        throw new AppError(
          'OPERATION_LIMIT',
          `This server has ${this.#records.size} registry credentials, and holds at most ${REGISTRY_AUTHS_MAX}; delete those that nothing uses.`,
        );
      }
      const id = newId<RegistryAuthId>(this.#ports.random);
      const auth: RegistryAuth = {
        id,
        ownerId,
        name,
        registry,
        username,
        sealedPassword: this.#ports.secrets.seal(password, placeOf(id)),
        createdAtMs: this.#ports.clock.nowMs(),
      };
      await this.#records.put(auth, async () => await this.#ports.store.registryAuthInsert(auth));
      return { id };
    });
  }

  list(caller: Caller): readonly RegistryAuthView[] {
    const holders = this.#holders.inForce(authsOf);
    return this.#records
      .values()
      .filter((auth) => caller.admin || auth.ownerId === caller.ownerId)
      .map(({ sealedPassword: _sealed, ...auth }) => ({ auth, holders: holders.of(auth.id) }));
  }

  async delete(authId: string, caller: Caller): Promise<DeleteOutcome> {
    return await this.#records.inTurn(async () => {
      const auth = this.#records.get(authId);
      if (auth === undefined || (!caller.admin && auth.ownerId !== caller.ownerId)) throw notFound(authId);
      const holders = this.#holders.inForce(authsOf).of(auth.id);
      const tasks = this.#tasksWith(auth.id);
      if (holders.length > 0 || tasks.length > 0) {
        const users = [
          ...(holders.length === 0 ? [] : [holdersText(holders)]),
          ...tasks.map((task) => `prewarm task ${task}`),
        ].join('; ');
        throw new AppError(
          'IMAGE_AUTH_IN_USE',
          `The registry credential ${auth.id} ("${auth.name}") is used by ${users}; nothing was deleted. Update the endpoints to another one first, and wait for the tasks.`,
          { metadata: { used_by: users } },
        );
      }
      const formerly = this.#holders.formerly(authsOf).of(auth.id);
      await this.#records.remove(auth.id, async () => await this.#ports.store.registryAuthDelete(auth.id));
      return {
        warnings:
          formerly.length === 0
            ? []
            : [`A rollback is refused from now on to what needs this credential: ${holdersText(formerly)}.`],
      };
    });
  }

  /** Of this owner; undefined where there is none. */
  find(authId: string, ownerId: string): RegistryAuth | undefined {
    const auth = this.#records.get(authId);
    return auth?.ownerId === ownerId ? auth : undefined;
  }

  /** Null for an empty id. Throws where it is not there any more, or cannot be read. */
  credentialOf(authId: string): RegistryCredential | null {
    if (authId === '') return null;
    const auth = this.#records.get(authId);
    if (auth === undefined) throw notFound(authId);
    const { registry, username } = auth;
    return { registry, username, password: this.#passwordOf(auth) };
  }

  #passwordOf({ id, sealedPassword }: RegistryAuth): string {
    return this.#ports.secrets.open(sealedPassword, placeOf(id));
  }
}

function authsOf({ registryAuthId }: RevisionSpec): readonly string[] {
  return registryAuthId === '' ? [] : [registryAuthId];
}

function placeOf(authId: RegistryAuthId): string {
  return `registry credential ${authId}`;
}

function notFound(authId: string): AppError {
  return new AppError(
    'REGISTRY_AUTH_NOT_FOUND',
    `There is no registry credential "${authId}"; list the registry credentials to see which there are.`,
  );
}
