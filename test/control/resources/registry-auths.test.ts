import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { openSecrets } from '../../../src/adapters/secrets-key.ts';
import type { OwnerId } from '../../../src/base/ids.ts';
import type { ControlPorts } from '../../../src/control/control-options.ts';
import { RegistryAuths } from '../../../src/control/resources/registry-auths.ts';
import { ResourceHolders } from '../../../src/control/resources/resource-holders.ts';
import type { Caller } from '../../../src/ports/endpoint-service.ts';
import { MemoryStore } from '../../../src/simulate/memory-store.ts';
import { CALLER, ControlWorld } from '../../support/control-world.ts';
import { storedRegistryAuth } from '../../support/stored-records.ts';
import { StubImages } from '../../support/stub-images.ts';

const AUTH = { name: 'ci', registry: 'registry.example:5000', username: 'robot', password: 'hunter2' };
const IMAGE = 'registry.example:5000/llm:1';
const OTHER: Caller = { ownerId: 'other' as OwnerId, admin: false };

async function withWorld(body: (world: ControlWorld, images: StubImages) => Promise<void>): Promise<void> {
  const images = new StubImages();
  const world = await ControlWorld.open({ images });
  await body(world, images);
  await world.close();
}

async function saved(world: ControlWorld, change: Partial<typeof AUTH> = {}): Promise<string> {
  const { id } = await world.answerOf(
    world.control.resources.registryAuthCreate({ ...AUTH, ...change }, CALLER),
  );
  return id;
}

test('a credential is shown without its password, and stored without it too', async () => {
  await withWorld(async (world) => {
    const id = await saved(world);
    const [view] = world.control.resources.registryAuthList(CALLER);
    assert.deepEqual(view, {
      auth: {
        id,
        ownerId: CALLER.ownerId,
        name: 'ci',
        registry: 'registry.example:5000',
        username: 'robot',
        createdAtMs: world.clock.nowMs(),
      },
      holders: [],
    });
    await world.restart();
    assert.deepEqual(world.control.resources.registryAuthList(CALLER), [view]);
  });
});

test('a worker is prepared and started with the credential and no other', async () => {
  await withWorld(async (world) => {
    const id = await saved(world);
    const seen: unknown[] = [];
    const prepare = world.machine.prepare.bind(world.machine);
    world.machine.prepare = async (spec, context) => {
      seen.push(context.credential);
      return await prepare(spec, context);
    };
    const endpointId = await world.create({
      image: IMAGE,
      registry_auth_id: id,
      worker_config: { max_replicas: 1, min_replicas: 1 },
    });
    await world.advance(2_000);
    const credential = { registry: 'registry.example:5000', username: 'robot', password: 'hunter2' };
    assert.deepEqual(seen, [credential]);
    const [process] = world.machine.processes.values();
    assert.deepEqual(process?.order.credential, credential);
    await world.update(endpointId, { registry_auth_id: '', image: 'public/llm' });
    await world.advance(60_000);
    assert.deepEqual(seen.at(-1), null);
  });
});

test('an endpoint is refused with a credential that is not there, or is for another registry', async () => {
  await withWorld(async (world) => {
    const id = await saved(world);
    const create = async (body: Record<string, unknown>) => await world.create({ image: IMAGE, ...body });
    await assert.rejects(create({ registry_auth_id: 'gone' }), {
      code: 'VALIDATOR_PARAM',
      message: /registry_auth_id is "gone"; allowed: empty for none, or the id of a registry credential/,
    });
    await assert.rejects(create({ registry_auth_id: id, image: 'ghcr.io/owner/llm' }), {
      code: 'VALIDATOR_PARAM',
      message: /for the registry "registry.example:5000", and the image is pulled from "ghcr.io"/,
    });
    const endpointId = await create({ registry_auth_id: id });
    await assert.rejects(world.update(endpointId, { image: 'nginx' }), { code: 'VALIDATOR_PARAM' });
    await assert.rejects(world.update(endpointId, { registry_auth_id: 'gone' }), { code: 'VALIDATOR_PARAM' });
    assert.equal(world.view(endpointId).revision.number, 1);
    await world.update(endpointId, { image: 'nginx', registry_auth_id: '' });
  });
});

test('another owner neither sees, uses nor deletes it', async () => {
  await withWorld(async (world) => {
    const id = await saved(world);
    const { resources, service } = world.control;
    assert.deepEqual(resources.registryAuthList(OTHER), []);
    await assert.rejects(world.answerOf(resources.registryAuthDelete(id, OTHER)), {
      code: 'REGISTRY_AUTH_NOT_FOUND',
    });
    const body = {
      type: 'sync',
      name: 'theirs',
      product_id: 'cpu',
      image: IMAGE,
      registry_auth_id: id,
      worker_config: { max_replicas: 1 },
    };
    await assert.rejects(world.answerOf(service.create(body, OTHER)), { code: 'VALIDATOR_PARAM' });
  });
});

test('what is in force holds it, what is only kept does not and can then not be brought back', async () => {
  await withWorld(async (world) => {
    const { resources, service } = world.control;
    const [first, second] = [await saved(world), await saved(world, { name: 'second' })];
    const remove = async (id: string) => await world.answerOf(resources.registryAuthDelete(id, CALLER));
    const endpointId = await world.create({ image: IMAGE, registry_auth_id: first });
    await assert.rejects(remove(first), {
      code: 'IMAGE_AUTH_IN_USE',
      message: new RegExp(`used by endpoint ${endpointId} \\("test", revision 1\\); nothing was deleted`),
    });
    await world.update(endpointId, { registry_auth_id: second });
    // The rollout waits for a request: until it is done, the first one may have to serve.
    await assert.rejects(remove(first), { code: 'IMAGE_AUTH_IN_USE' });
    await assert.rejects(remove(second), { code: 'IMAGE_AUTH_IN_USE' });
    assert.deepEqual(resources.registryAuthList(CALLER)[1]?.holders, [
      { endpointId, name: 'test', revisions: [2] },
    ]);
    await world.update(endpointId, { worker_config: { max_replicas: 1, min_replicas: 1 } });
    await world.advance(120_000);
    assert.equal(world.view(endpointId).endpoint.stableRevision, 2);
    const { warnings } = await remove(first);
    assert.match(warnings.join(), new RegExp(`rollback is refused .*${endpointId} .*revision 1`));
    await assert.rejects(world.answerOf(service.rollback(endpointId, { revision: 1 }, CALLER)), {
      code: 'VALIDATOR_PARAM',
      message: /registry_auth_id is/,
    });
    await world.answerOf(service.delete(endpointId, CALLER));
    await world.advance(60_000);
    assert.deepEqual((await remove(second)).warnings, []);
    await assert.rejects(remove(second), { code: 'REGISTRY_AUTH_NOT_FOUND' });
  });
});

test('a create and a deletion at once: one of the two is refused, whichever comes second', async () => {
  for (const first of ['create', 'delete'] as const) {
    const world = await ControlWorld.open({ images: new StubImages(), writeMs: 20 });
    const id = await saved(world);
    const { resources } = world.control;
    const begun = {
      create: () =>
        world.control.service.create(
          {
            type: 'sync',
            name: 'at once',
            product_id: 'cpu',
            image: IMAGE,
            registry_auth_id: id,
            worker_config: { max_replicas: 1 },
          },
          CALLER,
        ),
      delete: () => resources.registryAuthDelete(id, CALLER),
    };
    const begin = first === 'create' ? begun.create : begun.delete;
    const calls: Promise<unknown>[] = [begin()];
    // It is on its way to the disk.
    while (world.storeSide.underWay === 0) await nextTurn();
    calls.push(first === 'create' ? begun.delete() : begun.create());
    const settled = Promise.allSettled(calls);
    await world.advance(200);
    const [one, other] = await settled;
    assert.equal(one?.status, 'fulfilled', first);
    assert.equal(other?.status, 'rejected', first);
    const reason = other?.status === 'rejected' ? (other.reason as { code: string }).code : '';
    assert.equal(reason, first === 'create' ? 'IMAGE_AUTH_IN_USE' : 'VALIDATOR_PARAM');
    assert.equal(resources.registryAuthList(CALLER).length, first === 'create' ? 1 : 0);
    await world.close();
  }
});

test('two deletions at once: the second finds nothing', async () => {
  await withWorld(async (world) => {
    const id = await saved(world);
    const { resources } = world.control;
    const outcomes = await Promise.allSettled([
      world.answerOf(resources.registryAuthDelete(id, CALLER)),
      world.answerOf(resources.registryAuthDelete(id, CALLER)),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
  });
});

test('a write that was carried out although it failed is what the server goes by', async () => {
  const world = await ControlWorld.open({ images: new StubImages() });
  world.storeSide.writeFaults.push('failed');
  await assert.rejects(saved(world), { code: 'STORE_FAILED' });
  assert.deepEqual(world.control.resources.registryAuthList(CALLER), []);
  world.storeSide.writeFaults.push('answerLost');
  const id = await saved(world);
  world.storeSide.writeFaults.push('answerLost');
  await world.answerOf(world.control.resources.registryAuthDelete(id, CALLER));
  assert.deepEqual(world.control.resources.registryAuthList(CALLER), []);
  await world.close();
});

test('bad bodies are refused with every fault, and never repeat the password', async () => {
  await withWorld(async (world) => {
    const { resources } = world.control;
    const faultsOf = async (body: unknown): Promise<Record<string, string>> => {
      const error = await world.answerOf(resources.registryAuthCreate(body, CALLER)).then(
        () => assert.fail('it was accepted'),
        (reason: unknown) => reason as never,
      );
      const { code, metadata, message } = error as {
        code: string;
        metadata: Record<string, string>;
        message: string;
      };
      assert.equal(code, 'VALIDATOR_PARAM');
      assert.ok(!`${message}${JSON.stringify(metadata)}`.includes('31337'), message);
      return metadata;
    };
    assert.deepEqual(Object.keys(await faultsOf({})), ['name', 'registry', 'username', 'password']);
    assert.deepEqual(Object.keys(await faultsOf({ ...AUTH, password: 31337 })), ['password']);
    assert.deepEqual(Object.keys(await faultsOf({ ...AUTH, password: ['31337'] })), ['password']);
    assert.deepEqual(Object.keys(await faultsOf({ ...AUTH, password: '31337'.repeat(4_000) })), ['password']);
    assert.deepEqual(Object.keys(await faultsOf({ ...AUTH, password: '' })), ['password']);
    assert.deepEqual(Object.keys(await faultsOf({ ...AUTH, registry: 'ghcr.io/owner' })), ['registry']);
    assert.match((await faultsOf({ ...AUTH, pasword: '31337' }))['pasword'] ?? '', /did you mean "password"/);
    assert.deepEqual(Object.keys(await faultsOf(null)), ['body']);
    assert.deepEqual(resources.registryAuthList(CALLER), []);
  });
});

test('a server whose key opens nothing does not start, and says which secret', async () => {
  const store = new MemoryStore();
  const sealed = openSecrets({ key: randomBytes(32), keyFile: '' }).seal('hunter2', 'registry credential a1');
  await store.registryAuthInsert(storedRegistryAuth('a1', { sealedPassword: sealed }));
  const secrets = openSecrets({ key: randomBytes(32), keyFile: '' });
  const ports = { store, secrets, onFatal: () => assert.fail('nothing is fatal') } as unknown as ControlPorts;
  const auths = new RegistryAuths(ports, new ResourceHolders(new Map()), () => []);
  await assert.rejects(auths.load(), {
    code: 'SECRET_UNREADABLE',
    message: /secret of registry credential a1 cannot be read: it was sealed with the key/,
  });
});
