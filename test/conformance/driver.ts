import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { EndpointId, WorkerId } from '../../src/base/ids.ts';
import type { RevisionSpec } from '../../src/model/endpoint.ts';
import type { WorkerExit } from '../../src/model/worker-exit.ts';
import type { RegistryCredential } from '../../src/model/registry-auth.ts';
import type { WorkerAddress } from '../../src/model/worker.ts';
import type { Driver, Readiness, WorkerOrder } from '../../src/ports/driver.ts';
import { endOf, pullContext } from '../support/worker-orders.ts';

/** What every driver can be asked to run. */
export type Behaviour =
  /** Gets ready, serves, ends on SIGTERM or its like. */
  | 'serves'
  /** As above, but only the end of the grace ends it. */
  | 'ignoresTerm'
  /** Runs and does nothing; cheap. */
  | 'idles'
  /** Exits with code 3 as soon as it runs. */
  | 'exitsAtOnce'
  /** Writes 300 KiB to its log, then runs on. */
  | 'floods';

export interface DriverWorld {
  /** A driver on the world's ground. Called again after `close`, it is the driver of a restarted server. */
  open(): Promise<Driver>;
  readonly readiness: () => Readiness;
  spec(behaviour: Behaviour): RevisionSpec;
  /** Specs that must be refused, with the code of the refusal. */
  readonly refused: readonly { readonly spec: RevisionSpec; readonly code: string }[];
  /** A spec that is not refused and yet cannot be started, with the code of the failure. */
  readonly unstartable: { readonly spec: RevisionSpec; readonly code: string };
  /** What workers are given here. */
  readonly devices: readonly string[];
  /** Lets time pass until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** What the worker answers there; null in a world without sockets. */
  readonly reach: ((address: WorkerAddress) => Promise<unknown>) | null;
  /** An image that can be pulled and that no spec above has; null where the driver has no images. */
  readonly spareImage: string | null;
  /** For that one's registry. */
  readonly credential: RegistryCredential | null;
  readonly survivesRestart: boolean;
  readonly logLimitBytes: number;
  close(): Promise<void>;
}

/** The contract of src/ports/driver.ts, as one suite that every driver passes. */
export function driverConformance(
  name: string,
  makeWorld: () => Promise<DriverWorld>,
  /** Why it cannot run here. */
  skip: string | false = false,
): void {
  describe(`driver conformance: ${name}`, { skip }, () => {
    let world: DriverWorld;
    let driver: Driver;
    let exits: { workerId: WorkerId; exit: WorkerExit }[] = [];
    const waiting = new Map<WorkerId, (exit: WorkerExit) => void>();
    let orders = 0;

    async function open(): Promise<void> {
      driver = await world.open();
      driver.onExit((workerId, exit) => {
        exits.push({ workerId, exit });
        waiting.get(workerId)?.(exit);
      });
    }

    function exitOf(workerId: WorkerId): Promise<WorkerExit> {
      return new Promise((resolve) => {
        const told = exits.find((entry) => entry.workerId === workerId);
        if (told !== undefined) resolve(told.exit);
        else waiting.set(workerId, resolve);
      });
    }

    function tolds(workerId: WorkerId): number {
      return exits.filter((entry) => entry.workerId === workerId).length;
    }

    function order(spec: RevisionSpec): WorkerOrder {
      orders += 1;
      return {
        workerId: `worker${orders}` as WorkerId,
        endpointId: 'endpoint1' as EndpointId,
        appName: 'app',
        revision: 7,
        spec,
        devices: world.devices,
        credential: null,
        mounts: [],
        variables: {},
        fence: 42,
      };
    }

    async function start(
      behaviour: Behaviour,
    ): Promise<WorkerOrder & { addresses: Record<number, WorkerAddress> }> {
      const given = order(world.spec(behaviour));
      const { addresses } = await world.settle(driver.start(given));
      return { ...given, addresses };
    }

    function addressOf(addresses: Readonly<Record<number, WorkerAddress>>, port: number): WorkerAddress {
      const address = addresses[port];
      assert.ok(address, `no address of port ${port}`);
      return address;
    }

    async function untilReady(worker: {
      workerId: WorkerId;
      addresses: Record<number, WorkerAddress>;
    }): Promise<void> {
      const stop = new AbortController();
      const target = {
        workerId: worker.workerId,
        address: addressOf(worker.addresses, 8000),
        healthCheck: { path: '', port: 0 },
        takesJobs: false,
      };
      const ready = new Promise<boolean>((resolve) => {
        world.readiness().watch(target, resolve, stop.signal);
      });
      assert.equal(await world.settle(ready), true);
      stop.abort();
    }

    async function find(workerId: WorkerId) {
      return (await world.settle(driver.list())).find((worker) => worker.workerId === workerId);
    }

    before(async () => {
      world = await makeWorld();
      await open();
    });

    after(async () => {
      for (const worker of await world.settle(driver.list())) {
        await world.settle(driver.stop(worker.workerId, 0));
      }
      await driver.close();
      await world.close();
    });

    test('fingerprint tells the devices, each id once, and the same when asked again', async () => {
      const fingerprint = await driver.fingerprint();
      assert.equal(fingerprint.devices.length, 2);
      assert.equal(new Set(fingerprint.devices.map((device) => device.id)).size, 2);
      assert.deepEqual(await driver.fingerprint(), fingerprint);
    });

    test('what can never start is refused, by refusal and by prepare alike', async () => {
      assert.ok(world.refused.length > 0);
      for (const { spec, code } of world.refused) {
        const refusal = driver.refusal(spec);
        assert.equal(refusal?.code, code, refusal?.message ?? `accepted: ${spec.image} ${spec.command}`);
        await assert.rejects(async () => await driver.prepare(spec, pullContext()), { code });
      }
      assert.equal(driver.refusal(world.spec('serves')), null);
      const preparing = driver.prepare(world.spec('serves'), pullContext());
      const prepared = preparing === null ? null : await world.settle(preparing);
      assert.equal(prepared === null, driver.images === null);
    });

    test('a prepare that is aborted rejects', async () => {
      const signal = AbortSignal.abort(new Error('no longer'));
      await assert.rejects(async () => await driver.prepare(world.spec('serves'), pullContext(signal)));
    });

    test('a worker starts, gets ready, is listed, serves on two ports and stops on the first signal', async () => {
      const worker = await start('serves');
      assert.deepEqual(Object.keys(worker.addresses), ['8000', '9000']);
      await untilReady(worker);
      const found = await find(worker.workerId);
      assert.ok(found);
      const { startedAtMs, ...facts } = found;
      assert.ok(startedAtMs > 0);
      assert.deepEqual(facts, {
        workerId: worker.workerId,
        endpointId: 'endpoint1',
        revision: 7,
        devices: world.devices,
        fence: 42,
        addresses: worker.addresses,
        running: true,
        exit: null,
      });
      if (world.reach !== null) {
        await world.settle(world.reach(addressOf(worker.addresses, 8000)));
        await world.settle(world.reach(addressOf(worker.addresses, 9000)));
      }
      const exit = await world.settle(driver.stop(worker.workerId, 60_000));
      assert.notEqual(exit.signal, 'SIGKILL');
      assert.deepEqual(await world.settle(exitOf(worker.workerId)), exit);
    });

    test('one that ignores the wish to stop is killed when the grace ends', async () => {
      const worker = await start('ignoresTerm');
      await untilReady(worker);
      const exit = await world.settle(driver.stop(worker.workerId, 200));
      assert.deepEqual(endOf(exit), { code: null, signal: 'SIGKILL' });
    });

    test('a second stop with a shorter grace shortens it, and both are told the same end', async () => {
      const worker = await start('ignoresTerm');
      await untilReady(worker);
      const long = driver.stop(worker.workerId, 600_000);
      const short = driver.stop(worker.workerId, 50);
      const [first, second] = await world.settle(Promise.all([long, short]));
      assert.deepEqual(endOf(first), { code: null, signal: 'SIGKILL' });
      assert.deepEqual(second, first);
      await world.settle(exitOf(worker.workerId));
      assert.equal(tolds(worker.workerId), 1);
    });

    test('stop of one that ended, or was never there, resolves', async () => {
      const worker = await start('idles');
      const exit = await world.settle(driver.stop(worker.workerId, 5_000));
      assert.deepEqual(await world.settle(driver.stop(worker.workerId, 5_000)), exit);
      await world.settle(driver.stop('never-there' as WorkerId, 5_000));
      await world.settle(exitOf(worker.workerId));
      assert.equal(tolds(worker.workerId), 1);
    });

    test('an exit right after the start is told once, after the start, with its code', async () => {
      const given = order(world.spec('exitsAtOnce'));
      await world.settle(driver.start(given));
      assert.equal(tolds(given.workerId), 0);
      assert.deepEqual(endOf(await world.settle(exitOf(given.workerId))), { code: 3, signal: null });
      const found = await find(given.workerId);
      assert.equal(found?.running, false);
      assert.deepEqual(endOf(found?.exit), { code: 3, signal: null });
      assert.equal(tolds(given.workerId), 1);
    });

    test('a start that fails rejects with its reason, is told no exit and leaves nothing', async () => {
      const given = order(world.unstartable.spec);
      await assert.rejects(world.settle(driver.start(given)), (error) => {
        assert.ok(error instanceof AppError);
        assert.equal(error.code, world.unstartable.code);
        return true;
      });
      assert.equal(await find(given.workerId), undefined);
      assert.equal(tolds(given.workerId), 0);
    });

    test('the log is there while it runs, after its end, and gone once it is forgotten', async () => {
      const worker = await start('serves');
      await untilReady(worker);
      const running = await driver.logs(worker.workerId, 65_536);
      assert.notEqual(running.text, '');
      assert.equal(running.droppedBytes, 0);
      const tail = await driver.logs(worker.workerId, 5);
      assert.deepEqual(tail, { text: running.text.slice(-5), droppedBytes: running.text.length - 5 });
      await assert.rejects(driver.forget(worker.workerId), { code: 'CONFLICT' });
      await world.settle(driver.stop(worker.workerId, 5_000));
      const ended = await driver.logs(worker.workerId, 65_536);
      assert.ok(ended.text.startsWith(running.text));
      await driver.forget(worker.workerId);
      assert.equal(await find(worker.workerId), undefined);
      await assert.rejects(driver.logs(worker.workerId, 5), { code: 'SERVERLESS_WORKER_NOT_FOUND' });
      await driver.forget(worker.workerId);
    });

    test('a flood keeps the newest of the log within its limit and counts what went', async () => {
      const worker = await start('floods');
      await untilReady(worker);
      await world.settle(driver.stop(worker.workerId, 5_000));
      const { text, droppedBytes } = await driver.logs(worker.workerId, 10 * world.logLimitBytes);
      assert.ok(text.length <= 1.5 * world.logLimitBytes, `${text.length} bytes were kept`);
      assert.ok(text.length >= world.logLimitBytes / 2, `only ${text.length} bytes were kept`);
      assert.ok(droppedBytes > 300 * 1024 - 1.5 * world.logLimitBytes, `${droppedBytes} bytes were dropped`);
      const tail = await driver.logs(worker.workerId, 10);
      assert.equal(tail.droppedBytes + tail.text.length, droppedBytes + text.length);
    });

    test('twenty at once get addresses of their own and all end', async () => {
      const given = Array.from({ length: 20 }, () => order(world.spec('idles')));
      const started = await world.settle(Promise.all(given.map((each) => driver.start(each))));
      // One port may serve all of a worker's declared ones; none may serve two workers.
      const places = started.flatMap(({ addresses }) => [
        ...new Set(Object.values(addresses).map(({ host, port }) => `${host}:${port}`)),
      ]);
      assert.equal(new Set(places).size, places.length);
      const ids = new Set((await world.settle(driver.list())).map((worker) => worker.workerId));
      assert.ok(given.every(({ workerId }) => ids.has(workerId)));
      await world.settle(Promise.all(given.map(({ workerId }) => driver.stop(workerId, 10_000))));
      await world.settle(Promise.all(given.map(({ workerId }) => exitOf(workerId))));
      assert.ok(given.every(({ workerId }) => tolds(workerId) === 1));
    });

    test('an image that was pulled is listed until it is removed, and not removed under a worker', async () => {
      const { images } = driver;
      if (images === null) {
        assert.equal(world.spareImage, null);
        return;
      }
      const image = world.spareImage;
      assert.ok(image !== null);
      const context = { ...pullContext(), credential: world.credential };
      const pulled = await world.settle(images.pull(image, context));
      const again = await world.settle(images.pull(image, context));
      assert.equal(pulled.pulled, true);
      assert.deepEqual(again, { ...pulled, pulled: false });
      const held = async () => (await world.settle(images.list())).find(({ id }) => id === pulled.id);
      assert.ok((await held())?.references.includes(image), 'it is listed by its reference');
      const given = order({ ...world.spec('idles'), image });
      await world.settle(driver.start(given));
      assert.equal((await held())?.inUse, true);
      await assert.rejects(world.settle(images.remove(pulled.id)), { code: 'CONFLICT' });
      await world.settle(driver.stop(given.workerId, 5_000));
      await driver.forget(given.workerId);
      await world.settle(images.remove(pulled.id));
      assert.equal(await held(), undefined);
      await world.settle(images.remove(pulled.id));
    });

    test('recover of a worker that is not there rejects', async () => {
      await assert.rejects(driver.recover('never-there' as WorkerId), {
        code: 'SERVERLESS_WORKER_NOT_FOUND',
      });
    });

    test('after a restart', async () => {
      const worker = await start('serves');
      await untilReady(worker);
      const ended = await start('exitsAtOnce');
      await world.settle(exitOf(ended.workerId));
      await driver.close();
      exits = [];
      await open();
      if (!world.survivesRestart) {
        assert.deepEqual(await driver.list(), []);
        return;
      }
      const found = await find(worker.workerId);
      assert.equal(found?.running, true);
      assert.deepEqual(found?.addresses, worker.addresses);
      assert.equal(found?.fence, 42);
      const foundEnded = await find(ended.workerId);
      assert.equal(foundEnded?.running, false);
      assert.deepEqual(endOf(foundEnded?.exit), { code: 3, signal: null });
      assert.equal(tolds(ended.workerId), 0);

      assert.deepEqual(await driver.recover(worker.workerId), { addresses: worker.addresses });
      await untilReady(worker);
      await world.settle(driver.stop(worker.workerId, 10_000));
      await world.settle(exitOf(worker.workerId));
      assert.equal(tolds(worker.workerId), 1);
      assert.equal((await find(worker.workerId))?.running, false);
    });
  });
}
