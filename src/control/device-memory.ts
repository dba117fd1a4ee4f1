import { sleep } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { SECOND_MS } from '../base/units.ts';
import type { SeenDevice } from '../ports/device-watch.ts';
import type { ControlPorts } from './control-options.ts';
import type { Inventory } from './inventory.ts';

/** A driver gives memory back within moments after the last process that had it is gone. */
const WAIT_MS = 30 * SECOND_MS;
const LOOK_MS = 100;
const PROCESSES_NAMED = 5;

/**
 * Resolves when what is in use on the devices leaves a worker the room it may expect: a process that is
 * gone, or one that a stop did not reach, can still have all of it. Rejects with DEVICE_MEMORY_HELD
 * when it does not come free, and with the signal's reason. Where devices cannot be read, it is not waited for.
 */
export async function deviceMemoryFree(
  ids: readonly string[],
  inventory: Inventory,
  { deviceWatch, clock, log }: Pick<ControlPorts, 'deviceWatch' | 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + WAIT_MS;
  while (deviceWatch !== null) {
    let held: readonly SeenDevice[];
    try {
      held = inventory.inUse(ids, await deviceWatch.read());
    } catch (error) {
      log.warn('whether device memory is free could not be told', { devices: ids.join(' '), error });
      return;
    }
    signal.throwIfAborted();
    if (held.length === 0) return;
    if (clock.monotonicMs() > deadlineMs) throw memoryHeld(held);
    await sleep(clock, LOOK_MS, signal);
  }
}

function memoryHeld(held: readonly SeenDevice[]): AppError {
  const sentences = held.map(({ id, index, name, usedMib, memoryMib, processes }) => {
    const named = processes.slice(0, PROCESSES_NAMED).map((one) => `pid ${one.pid} (${one.name})`);
    const more = processes.length > named.length ? ` and ${processes.length - named.length} more` : '';
    const who = named.length === 0 ? 'processes that nvidia-smi does not name' : named.join(', ') + more;
    return `GPU ${index} (${name}, ${id}) has ${usedMib} of ${memoryMib} MiB in use by ${who}`;
  });
  return new AppError(
    'DEVICE_MEMORY_HELD',
    `the memory of its devices did not come free within ${WAIT_MS / SECOND_MS} s: ${sentences.join('; ')}. End them, or leave that GPU to them`,
  );
}
