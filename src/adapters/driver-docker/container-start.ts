import { AppError } from '../../base/errors.ts';
import { SECOND_MS } from '../../base/units.ts';
import type { Log } from '../../ports/log.ts';
import type { WorkerOrder } from '../../ports/driver.ts';
import type { InspectedContainer } from './container-address.ts';
import { containerSpec, type ContainerLimits } from './container-spec.ts';
import type { Containers } from './containers.ts';
import type { DockerImages } from './docker-images.ts';
import type { EngineClient } from './engine-client.ts';
import type { EngineFeatures } from './engine-features.ts';
import { EngineRefusal, hasStatus } from './engine-fault.ts';
import { ProgramCheck } from './program-check.ts';

/** How long a start waits for an engine that is being restarted. */
const ENGINE_WAIT_MS = 60 * SECOND_MS;
const PORT_ATTEMPTS = 5;

export interface ContainerStartParts {
  readonly engine: EngineClient;
  readonly containers: Containers;
  readonly images: DockerImages;
  readonly log: Log;
  readonly instance: string;
  readonly limits: ContainerLimits;
  /** What is found out while starting is noted here. */
  readonly features: EngineFeatures;
}

/** Makes and starts containers. */
export class ContainerStart {
  readonly #parts: ContainerStartParts;
  readonly #programs: ProgramCheck;

  constructor(parts: ContainerStartParts) {
    this.#parts = parts;
    this.#programs = new ProgramCheck(parts.engine);
  }

  /** `onCreated` is told the container's id before it is started. Rejects with an AppError. */
  async run(
    order: WorkerOrder,
    startedAtMs: number,
    onCreated: (containerId: string) => void,
  ): Promise<InspectedContainer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#runOnce(order, startedAtMs, onCreated);
      } catch (error) {
        if (!(error instanceof EngineRefusal)) throw error;
        // Podman chooses a port when it makes a container, and somebody may take it before the start.
        if (!/address already in use|port is already allocated/i.test(error.words)) throw startFault(error);
        if (attempt === PORT_ATTEMPTS) throw startFault(error);
        await this.#parts.containers.remove(this.#parts.containers.nameOf(order.workerId));
      }
    }
  }

  async #runOnce(
    order: WorkerOrder,
    startedAtMs: number,
    onCreated: (containerId: string) => void,
  ): Promise<InspectedContainer> {
    const { engine, containers } = this.#parts;
    const containerId = await this.#create(order, startedAtMs);
    onCreated(containerId);
    await this.#programs.check(
      containerId,
      order.mounts.map(({ mountPoint }) => mountPoint),
    );
    // Repeated where the engine went away over it: one that is started is not started again.
    await engine.callPatiently({ method: 'POST', path: `/containers/${containerId}/start` }, ENGINE_WAIT_MS);
    const inspected = await engine.patiently(() => containers.inspect(containerId), ENGINE_WAIT_MS);
    this.#checkDevices(order, inspected);
    return inspected;
  }

  async #create(order: WorkerOrder, startedAtMs: number): Promise<string> {
    const { engine, containers, images, log, instance, limits, features } = this.#parts;
    let pulledAgain = false;
    let madeAgain = false;
    for (;;) {
      const { rootfsLimit } = features;
      const body = containerSpec(order, { instance, startedAtMs, limits, rootfsLimit });
      const path = `/containers/create?name=${containers.nameOf(order.workerId)}`;
      try {
        const answer = await engine.callPatiently<{ readonly Id: string }>(
          { method: 'POST', path, body },
          ENGINE_WAIT_MS,
        );
        return answer.Id;
      } catch (error) {
        if (hasStatus(error, 409) && !madeAgain) {
          // Made by a call whose answer was lost with the engine's end, and never started.
          madeAgain = true;
          const found = await containers.find(containers.nameOf(order.workerId));
          if (found?.State.Running === true) throw error;
          await containers.remove(containers.nameOf(order.workerId));
        } else if (hasStatus(error, 404) && !pulledAgain) {
          // Somebody removed the image since it was prepared.
          pulledAgain = true;
          await images.prepare(order.spec.image, {
            credential: order.credential,
            signal: engine.closed,
            onProgress: () => undefined,
          });
        } else if (rootfsLimit && error instanceof EngineRefusal && /storage-opt|quota/i.test(error.words)) {
          // Its file system could, and was mounted without the option for it.
          log.warn('the container engine does not limit file systems: rootfs_size_gb has no effect', {
            error,
          });
          features.rootfsLimit = false;
        } else throw error;
      }
    }
  }

  /** An engine that passes over a request for devices starts a worker that finds none. */
  #checkDevices(order: WorkerOrder, { HostConfig }: InspectedContainer): void {
    if (order.devices.length === 0 || (HostConfig.DeviceRequests ?? []).length > 0) return;
    this.#parts.features.givesDevices = false;
    throw devicesNotGiven('it passed over the request');
  }
}

export function devicesNotGiven(why: string): AppError {
  return new AppError(
    'DEVICES_NOT_GIVEN',
    `the container engine gives no GPUs to containers (${why}); use Docker with the NVIDIA container toolkit`,
  );
}

function startFault(error: EngineRefusal): AppError {
  if (/select device driver|nvidia/i.test(error.words)) return devicesNotGiven(error.words);
  return new AppError('WORKER_START_FAILED', `the container could not be started: ${error.words}`, {
    cause: error,
  });
}
